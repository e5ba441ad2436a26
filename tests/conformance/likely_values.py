"""What a member is for: values that bring a drawn request past the validation and to what is there.

A key is a member's name, wherever it stands, or `Operation.member` where one word means several things. `wholes` are
requests that are right as they stand; a name in them is made new each time they are drawn.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.populated_account import EVERYTHING, TITAN, Inhabitants, evaluation_of, trust_of
from tests.conformance.whole_gateway import LOG_GROUP, OTHER_ACCOUNT

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
NOVA = "amazon.nova-lite-v1:0"
_INVOKING = "InvokeModel InvokeModelWithResponseStream"
BODY = json.dumps({"inputText": "hi", "textGenerationConfig": {"maxTokenCount": 5}}).encode()
SELDOM = frozenset(
    {
        # Refused as a whole, or for most models: drawn only where a request may be anything.
        *("vpcConfig", "customizationConfig", "customModelKmsKeyId", "modelKmsKeyArn", "customModelDataSource"),
        *("importedModelKmsKeyId", "modelKmsKeyId", "s3EncryptionKeyId", "invocationLogsConfig", "guardrailConfig"),
        *("guardrailIdentifier", "guardrailVersion", "serviceTier", "performanceConfigLatency", "performanceConfig"),
        *("trace", "promptVariables", "outputConfig", "additionalModelResponseFieldPaths", "toolConfig"),
        *("additionalModelRequestFields", "contentType", "accept", "s3BucketOwner", "commitmentDuration"),
        *("SerialNumber", "TokenCode", "SourceIdentity", "ProvidedContexts", "MinimumSessionTokenSize"),
        *("ExternalId", "customerEncryptionKeyId", "requestMetadata", "TransitiveTagKeys", "PolicyArns"),
    }
)

WANTED: Mapping[str, tuple[str, ...]] = {
    "InvokeModel": ("body",),
    "InvokeModelWithResponseStream": ("body",),
    "Converse": ("messages",),
    "ConverseStream": ("messages",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LikelyValues:
    by_member: Mapping[str, tuple[Any, ...]]
    wholes: Mapping[str, Callable[[str], Mapping[str, Any]]]
    """Operation → from a new name to a request."""
    wanted: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: WANTED)
    """Operation → optional members without which it has nothing to do."""

    def of(self, operation: str, member: str) -> tuple[Any, ...] | None:
        return self.by_member.get(f"{operation}.{member}", self.by_member.get(member))


def likely_values(home: Inhabitants, elsewhere: Inhabitants) -> LikelyValues:
    """`elsewhere` is another region or account: what is there is not found here."""
    return LikelyValues(by_member=_by_member(home, elsewhere), wholes=_wholes(home, elsewhere))


def _by_member(home: Inhabitants, elsewhere: Inhabitants) -> dict[str, tuple[Any, ...]]:
    mark = home.mark
    models = (*home.of("active-model"), *home.of("custom-model"), *elsewhere.of("active-model")[:2])
    answering = (TITAN, NOVA, HAIKU, *home.of("active-model"), *home.of("imported-model"), *home.of("serving"))
    jobs = home.of("model-customization-job")
    batches, imports = home.of("model-invocation-job"), home.of("model-import-job")
    throughputs, deployments = home.of("provisioned-model"), home.of("custom-model-deployment")
    users, roles = home.of("iam-user"), home.of("iam-role")
    taggable = home.arns_of(
        *("model-customization-job", "custom-model", "provisioned-model", "custom-model-deployment"),
        *("model-invocation-job", "model-import-job", "imported-model"),
    )
    s3_uris = (f"s3://my-bucket/{mark}/train.jsonl", "s3://my-bucket/a/b.jsonl", "s3://my-bucket/folder/")
    found = {
        "GetModelCustomizationJob.jobIdentifier": (*jobs, elsewhere.of("model-customization-job")[0]),
        "StopModelCustomizationJob.jobIdentifier": jobs,
        "GetModelInvocationJob.jobIdentifier": batches,
        "StopModelInvocationJob.jobIdentifier": batches,
        "GetModelImportJob.jobIdentifier": imports,
        "WatchJob.jobIdentifier": home.of("ended-job"),
        "jobIdentifier": (*jobs, *jobs, *batches, *imports),
        "DescribeContinuedPreTrainingJob.jobId": home.of("pre-training-job"),
        "jobId": jobs,
        "GetEvaluationJob.jobIdentifier": home.of("evaluation-job"),
        "StopEvaluationJob.jobIdentifier": home.of("evaluation-job"),
        "jobIdentifiers": tuple([each] for each in home.of("evaluation-job")),
        "jobArn": home.of("model-copy-job"),
        "GetFoundationModel.modelIdentifier": (TITAN, HAIKU, NOVA, *home.arns_of("custom-model")[:1]),
        "GetImportedModel.modelIdentifier": home.of("imported-model"),
        "DeleteImportedModel.modelIdentifier": home.of("imported-model"),
        "modelIdentifier": models,
        "CreateProvisionedModelThroughput.modelId": models,
        "ListFoundationModelAgreementOffers.modelId": (TITAN, NOVA, HAIKU),
        "GetFoundationModelAvailability.modelId": (TITAN, NOVA, HAIKU),
        "CreateFoundationModelAgreement.modelId": (TITAN, TITAN, NOVA),
        "DeleteFoundationModelAgreement.modelId": (TITAN, TITAN, NOVA),
        "CreateFineTuningJob.modelId": ("anthropic.claude-v2", TITAN),
        "CreateContinuedPreTrainingJob.modelId": ("anthropic.claude-v2", "amazon.titan-text-express-v1"),
        "modelId": answering,
        "modelArn": home.arns_of("active-model"),
        "modelArnEquals": home.arns_of("active-model"),
        "baseModelIdentifier": (TITAN, TITAN, *home.of("active-model")),
        "baseModelArnEquals": (f"arn:aws:bedrock:{home.scope.region}::foundation-model/{TITAN}",),
        "foundationModelArnEquals": (f"arn:aws:bedrock:{home.scope.region}::foundation-model/{TITAN}",),
        "sourceModelArn": elsewhere.arns_of("active-model"),
        "sourceModelArnEquals": home.arns_of("active-model"),
        "sourceAccountEquals": (home.scope.account_id, OTHER_ACCOUNT),
        "desiredModelId": home.of("active-model"),
        "provisionedModelId": throughputs,
        "customModelDeploymentIdentifier": deployments,
        "inferenceProfileIdentifier": ("us.amazon.nova-lite-v1:0", "global.amazon.nova-lite-v1:0", "eu.amazon.x-v1:0"),
        "resourceARN": (*taggable, *elsewhere.arns_of("active-model")[:1]),
        "resourceArn": home.arns_of("active-model"),
        "resourcePolicy": (_policy_on(home.of("active-model")[0]), _policy_on("*")),
        "offerToken": home.of("offer"),
        "roleArn": (home.role_arn, home.role_arn, f"arn:aws:iam::{OTHER_ACCOUNT}:role/R"),
        "s3Uri": s3_uris,
        "bucketName": ("logs", "logs", "no-such-bucket"),
        "logGroupName": (LOG_GROUP, "no-such-group"),
        "keyPrefix": ("", "a/b"),
        "clientRequestToken": ("t1", "t2"),
        "hyperParameters": ({}, {"epochCount": "2"}, {"epochCount": "2", "batchSize": "1"}, {"epochCount": "0"}),
        "customizationType": ("FINE_TUNING", "FINE_TUNING", "CONTINUED_PRE_TRAINING"),
        "modelUnits": (1, 2),
        "timeoutDurationInHours": (24, 168),
        "maxResults": (1, 2, 100, 1000),
        "MaxItems": (1, 2, 100),
        "isOwned": (True, True, False),
        "key": ("team", "cost", "aws:no"),
        "value": ("forge", ""),
        "tagKeys": (["team"], ["cost", "team"], ["none"]),
        "formData": (json.dumps({"companyName": "forge"}).encode(),),
        "after": ("-1.-1.-1.-1", "1.-1.-1.0"),
        "invoke.body": (BODY, BODY, b"{}", b'{"prompt": "hi", "max_tokens": 5}'),
        "converse.messages": (
            _said("hi"),
            _said("two words"),
            [*_said("hi"), *_said("yes", "assistant"), *_said("so?")],
        ),
        "converse.system": ([{"text": "Be short."}],),
        "converse.inferenceConfig": ({"maxTokens": 5}, {"temperature": 0.5, "topP": 0.9}, {"stopSequences": ["!"]}),
        "CountTokens.input": ({"invokeModel": {"body": BODY}}, {"converse": {"messages": _said("hi")}}),
        "description": ("a deployment",),
        # IAM and STS.
        "UserName": (*users, *users, f"{mark}-nobody"),
        "RoleName": (*roles, *roles, f"{mark}-nobody"),
        "NewUserName": (f"{mark}-renamed",),
        "CreatePolicy.PolicyName": (f"{mark}-new", *home.of("iam-policy-name")),
        "PolicyName": home.of("iam-inline-policy"),
        "PolicyArn": (*home.of("iam-policy-arn"), "arn:aws:iam::aws:policy/AmazonS3FullAccess"),
        "PermissionsBoundary": home.of("iam-policy-arn"),
        "RoleArn": home.of("iam-role-arn"),
        "RoleSessionName": ("session",),
        "UpdateAssumeRolePolicy.PolicyDocument": (trust_of(home.scope.account_id), EVERYTHING),
        "PolicyDocument": (EVERYTHING, '{"Version": "2012-10-17", "Statement": []}'),
        "Policy": (EVERYTHING,),
        "AssumeRolePolicyDocument": (trust_of(home.scope.account_id), EVERYTHING),
        "Path": ("/", "/a/b/"),
        "PathPrefix": ("/",),
        "AccessKeyId": home.of("iam-access-key"),
        "ServiceSpecificCredentialId": home.of("iam-credential"),
        "Status": ("Active", "Inactive"),
        "VersionId": ("v1", "v2"),
        "ServiceName": ("bedrock.amazonaws.com",),
        "Key": ("team", "TEAM", "cost"),
        "TagKeys": (["team"], ["cost"]),
        "Value": ("forge", ""),
        "Description": ("text",),
        "DurationSeconds": (900, 3600),
        "MaxSessionDuration": (3600, 7200),
        "CredentialAgeDays": (1, 30),
    }
    for operations, words in (("Converse ConverseStream", "converse"), (_INVOKING, "invoke")):
        of = {key: value for key, value in found.items() if key.startswith(f"{words}.")}
        for operation in operations.split():
            found |= {key.replace(words, operation): value for key, value in of.items()}
    names = (f"{mark}-", mark, f"{mark}-of-completed", "none")
    found |= dict.fromkeys(("nameContains", "targetModelNameContains"), names)
    found |= {f"{operation}.{member}": (token,) for (operation, member), token in home.tokens.items()}
    return found


def _wholes(home: Inhabitants, elsewhere: Inhabitants) -> dict[str, Callable[[str], Mapping[str, Any]]]:
    training, output = {"s3Uri": "s3://my-bucket/train.jsonl"}, {"s3Uri": "s3://my-bucket/out/"}
    source = {"s3DataSource": {"s3Uri": "s3://my-bucket/llama/"}}
    batch = {
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://my-bucket/in.jsonl"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://my-bucket/out/"}},
    }
    model = home.of("active-model")[0]
    role = {"roleArn": home.role_arn}
    dialect = {"modelId": "anthropic.claude-v2", "trainingData": {"s3Uri": "s3://my-bucket/train.json"}, **role}
    return {
        "CreateModelCustomizationJob": lambda new: {
            **{"jobName": f"job-{new}", "customModelName": f"model-{new}", "baseModelIdentifier": TITAN, **role},
            **{"trainingDataConfig": training, "outputDataConfig": output, "hyperParameters": {"epochCount": "2"}},
        },
        "CreateFineTuningJob": lambda new: {"jobName": new, "hyperParameters": {"epochs": 2}, **dialect},
        "CreateContinuedPreTrainingJob": lambda new: {"jobName": new, "hyperParameters": {"epochs": 2}, **dialect},
        "CreateCustomModel": lambda new: {"modelName": new, "modelSourceConfig": source},
        "CreateModelImportJob": lambda new: {
            **{"jobName": new, "importedModelName": new, "modelDataSource": source, **role}
        },
        "CreateModelCopyJob": lambda new: {
            "sourceModelArn": elsewhere.of("active-model")[0],
            "targetModelName": new,
        },
        "CreateProvisionedModelThroughput": lambda new: {
            "provisionedModelName": new,
            "modelId": model,
            "modelUnits": 1,
        },
        "CreateCustomModelDeployment": lambda new: {"modelDeploymentName": new, "modelArn": model},
        "CreateModelInvocationJob": lambda new: {"jobName": new, "modelId": TITAN, **role, **batch},
        "CreateEvaluationJob": lambda new: {"jobName": new, **role, **evaluation_of("amazon.titan-text-lite-v1")},
        "UpdateProvisionedModelThroughput": lambda new: {
            "provisionedModelId": home.of("serving")[1],
            "desiredProvisionedModelName": new,
        },
        "PutModelInvocationLoggingConfiguration": lambda new: {
            "loggingConfig": {"s3Config": {"bucketName": "logs", "keyPrefix": new}}
        },
        "PutResourcePolicy": lambda new: {"resourceArn": model, "resourcePolicy": _policy_on(model)},
        "TagResource": lambda new: {"resourceARN": model, "tags": [{"key": new, "value": "x"}]},
        "CreateUser": lambda new: {"UserName": new},
        "CreateRole": lambda new: {"RoleName": new, "AssumeRolePolicyDocument": trust_of(home.scope.account_id)},
        "CreatePolicy": lambda new: {"PolicyName": new, "PolicyDocument": EVERYTHING},
        **_of_one_user(home),
        "DeleteUser": lambda new: {"UserName": home.of("iam-spare")[0]},
        "DeleteRole": lambda new: {"RoleName": home.of("iam-spare")[0]},
        "DeletePolicy": lambda new: {"PolicyArn": home.of("iam-spare-policy")[0]},
        "DeletePolicyVersion": lambda new: {"PolicyArn": home.of("iam-policy-arn")[1], "VersionId": "v2"},
        "DeleteUserPermissionsBoundary": lambda new: {"UserName": home.of("iam-user")[1]},
        "DeleteRolePermissionsBoundary": lambda new: {"RoleName": home.of("iam-role")[1]},
        "UpdateUser": lambda new: {"UserName": home.of("iam-user")[0], "NewUserName": new},
    }


def _of_one_user(home: Inhabitants) -> dict[str, Callable[[str], Mapping[str, Any]]]:
    """Keys and credentials go with the name of their user."""
    user = {"UserName": home.of("iam-user")[0]}
    key = {**user, "AccessKeyId": home.of("iam-access-key")[0]}
    credential = {**user, "ServiceSpecificCredentialId": home.of("iam-credential")[0]}
    return {
        "CreateAccessKey": lambda new: user,
        "DeleteAccessKey": lambda new: key,
        "UpdateAccessKey": lambda new: {**key, "Status": "Inactive"},
        "DeleteServiceSpecificCredential": lambda new: credential,
        "ResetServiceSpecificCredential": lambda new: credential,
        "UpdateServiceSpecificCredential": lambda new: {**credential, "Status": "Inactive"},
    }


def _said(text: str, role: str = "user") -> list[dict[str, Any]]:
    return [{"role": role, "content": [{"text": text}]}]


def _policy_on(resource: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::333333333333:root"},
        "Action": "bedrock:CreateModelCopyJob",
        "Resource": resource,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": statement})
