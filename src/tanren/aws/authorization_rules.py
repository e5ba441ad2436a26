"""Which permission an operation takes, on which resources: a table, operation by operation.

    "GetCustomModel": Rule(action="bedrock:GetCustomModel", resources=(named("modelIdentifier", CUSTOM_MODEL),))
                                                                       member            kind of a bare name

Source   https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html (and …_iam, …_sts).
         Where it lists two resource types for one member (a base model is a foundation or a custom model), the one that
         the request names is asked for. `bedrock:TagResource` for tags given at creation: the same page, operations.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tanren.aws.authorization_requests import (
    ROLE,
    USER,
    Asking,
    ResourcesOf,
    Rule,
    asked_boundary,
    boundary_of_role,
    boundary_of_user,
    data_files,
    fresh,
    guardrail_key,
    log_folders,
    model,
    model_source,
    named,
    new_identity,
    policy_key,
    policy_named,
    profile_key,
    role_named,
    service_tier_key,
    user_named,
    user_renamed,
    users_listed,
)
from tanren.domain import arns

POLICY: Final = "policy"


def _bedrock(name: str, *resources: ResourcesOf, **more: Any) -> tuple[str, Rule]:
    return name, Rule(action=f"bedrock:{name}", resources=resources, **more)


_JOB: Final = named("jobIdentifier", arns.CUSTOMIZATION_JOB)
_BATCH_JOB: Final = named("jobIdentifier", arns.MODEL_INVOCATION_JOB)
_EVALUATION: Final = named("jobIdentifier", arns.EVALUATION_JOB)
_CUSTOM_MODEL: Final = named("modelIdentifier", arns.CUSTOM_MODEL)
_IMPORTED_MODEL: Final = named("modelIdentifier", arns.IMPORTED_MODEL)
_DEPLOYMENT: Final = named("customModelDeploymentIdentifier", arns.CUSTOM_MODEL_DEPLOYMENT)
_THROUGHPUT: Final = named("provisionedModelId", arns.PROVISIONED_MODEL)
_PROFILE: Final = named("inferenceProfileIdentifier", arns.INFERENCE_PROFILE)
_TAGGED: Final = named("resourceARN", arns.CUSTOM_MODEL)

BEDROCK: Final[Mapping[str, Rule]] = dict(
    [
        _bedrock(
            "CreateModelCustomizationJob",
            model("baseModelIdentifier"),
            tags={"jobTags": arns.CUSTOMIZATION_JOB, "customModelTags": arns.CUSTOM_MODEL},
            role="roleArn",
            acts_for=arns.CUSTOMIZATION_JOB,
        ),
        _bedrock("GetModelCustomizationJob", _JOB),
        _bedrock("ListModelCustomizationJobs"),
        _bedrock("StopModelCustomizationJob", _JOB),
        _bedrock(
            "CreateCustomModel",
            tags={"modelTags": arns.CUSTOM_MODEL},
            role="roleArn",
            acts_for=arns.CUSTOM_MODEL,
            reads=model_source,
        ),
        _bedrock("GetCustomModel", _CUSTOM_MODEL),
        _bedrock("ListCustomModels"),
        _bedrock("DeleteCustomModel", _CUSTOM_MODEL),
        _bedrock(
            "CreateCustomModelDeployment",
            named("modelArn", arns.CUSTOM_MODEL),
            tags={"tags": arns.CUSTOM_MODEL_DEPLOYMENT},
        ),
        _bedrock("GetCustomModelDeployment", _DEPLOYMENT),
        _bedrock("ListCustomModelDeployments"),
        _bedrock("UpdateCustomModelDeployment", _DEPLOYMENT, named("modelArn", arns.CUSTOM_MODEL)),
        _bedrock("DeleteCustomModelDeployment", _DEPLOYMENT),
        _bedrock("CreateProvisionedModelThroughput", model("modelId"), tags={"tags": arns.PROVISIONED_MODEL}),
        _bedrock("GetProvisionedModelThroughput", _THROUGHPUT),
        _bedrock("ListProvisionedModelThroughputs"),
        _bedrock("UpdateProvisionedModelThroughput", _THROUGHPUT, model("desiredModelId")),
        _bedrock("DeleteProvisionedModelThroughput", _THROUGHPUT),
        _bedrock(
            "CreateModelImportJob",
            tags={"jobTags": arns.MODEL_IMPORT_JOB, "importedModelTags": arns.IMPORTED_MODEL},
            role="roleArn",
            acts_for=arns.MODEL_IMPORT_JOB,
        ),
        _bedrock("GetModelImportJob", named("jobIdentifier", arns.MODEL_IMPORT_JOB)),
        _bedrock("ListModelImportJobs"),
        _bedrock("GetImportedModel", _IMPORTED_MODEL),
        _bedrock("ListImportedModels"),
        _bedrock("DeleteImportedModel", _IMPORTED_MODEL),
        _bedrock(
            "CreateModelCopyJob",
            named("sourceModelArn", arns.CUSTOM_MODEL),
            tags={"targetModelTags": arns.CUSTOM_MODEL},
        ),
        _bedrock("GetModelCopyJob", named("jobArn", arns.MODEL_COPY_JOB)),
        _bedrock("ListModelCopyJobs"),
        _bedrock("PutResourcePolicy", named("resourceArn", arns.CUSTOM_MODEL)),
        _bedrock("GetResourcePolicy", named("resourceArn", arns.CUSTOM_MODEL)),
        _bedrock("DeleteResourcePolicy", named("resourceArn", arns.CUSTOM_MODEL)),
        _bedrock(
            "CreateModelInvocationJob",
            model("modelId"),
            fresh(arns.MODEL_INVOCATION_JOB),
            tags={"tags": arns.MODEL_INVOCATION_JOB},
            role="roleArn",
            acts_for=arns.MODEL_INVOCATION_JOB,
        ),
        _bedrock("GetModelInvocationJob", _BATCH_JOB),
        _bedrock("ListModelInvocationJobs"),
        _bedrock("StopModelInvocationJob", _BATCH_JOB),
        _bedrock(
            "CreateEvaluationJob",
            tags={"jobTags": arns.EVALUATION_JOB},
            role="roleArn",
            acts_for=arns.EVALUATION_JOB,
        ),
        _bedrock("GetEvaluationJob", _EVALUATION),
        _bedrock("ListEvaluationJobs"),
        _bedrock("StopEvaluationJob", _EVALUATION),
        _bedrock("BatchDeleteEvaluationJob", named("jobIdentifiers", arns.EVALUATION_JOB)),
        _bedrock(
            "PutModelInvocationLoggingConfiguration",
            role="loggingConfig.cloudWatchConfig.roleArn",
            acts_for="*",
            writes=log_folders,
        ),
        _bedrock("GetModelInvocationLoggingConfiguration"),
        _bedrock("DeleteModelInvocationLoggingConfiguration"),
        _bedrock("TagResource", _TAGGED, tags={"tags": ""}),
        _bedrock("UntagResource", _TAGGED, tags={"tagKeys": ""}),
        _bedrock("ListTagsForResource", _TAGGED),
        _bedrock("ListFoundationModels"),
        _bedrock("GetFoundationModel", model("modelIdentifier")),
        _bedrock("GetFoundationModelAvailability"),
        _bedrock("ListFoundationModelAgreementOffers"),
        _bedrock("CreateFoundationModelAgreement"),
        _bedrock("DeleteFoundationModelAgreement"),
        _bedrock("PutUseCaseForModelAccess"),
        _bedrock("GetUseCaseForModelAccess"),
        _bedrock("GetInferenceProfile", _PROFILE),
        _bedrock("ListInferenceProfiles"),
        _bedrock(
            "CreateInferenceProfile", model("modelSource.copyFrom"), tags={"tags": "application-inference-profile"}
        ),
        _bedrock("DeleteInferenceProfile", _PROFILE),
    ]
)

_DIALECT_JOB: Final = Rule(
    action="bedrock:CreateModelCustomizationJob",
    resources=(model("modelId"),),
    role="roleArn",
    acts_for=arns.CUSTOMIZATION_JOB,
)
_DIALECT_DESCRIPTION: Final = Rule(
    action="bedrock:GetModelCustomizationJob", resources=(named("jobId", arns.CUSTOMIZATION_JOB),)
)

SDK_DIALECT: Final[Mapping[str, Rule]] = {
    # Of the overlay of the SDK, not AWS's: another way to say the same.
    "CreateFineTuningJob": _DIALECT_JOB,
    "CreateContinuedPreTrainingJob": _DIALECT_JOB,
    "DescribeFineTuningJob": _DIALECT_DESCRIPTION,
    "DescribeContinuedPreTrainingJob": _DIALECT_DESCRIPTION,
}

_INVOKE_KEYS: Final = (profile_key, guardrail_key, service_tier_key)
_INVOKE: Final = Rule(action="bedrock:InvokeModel", resources=(model("modelId"),), keys=_INVOKE_KEYS)
_INVOKE_STREAM: Final = Rule(
    action="bedrock:InvokeModelWithResponseStream", resources=(model("modelId"),), keys=_INVOKE_KEYS
)

BEDROCK_RUNTIME: Final[Mapping[str, Rule]] = {
    "InvokeModel": _INVOKE,
    "Converse": _INVOKE,
    "InvokeModelWithResponseStream": _INVOKE_STREAM,
    "ConverseStream": _INVOKE_STREAM,
    "CountTokens": Rule(action="bedrock:CountTokens", resources=(model("modelId"),)),
}

_ABOUT_USERS: Final = (
    *("GetUser", "DeleteUser", "ListUserTags", "ListGroupsForUser"),
    *("GetUserPolicy", "ListUserPolicies", "ListAttachedUserPolicies"),
    *("CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "ListAccessKeys"),
    *("CreateServiceSpecificCredential", "UpdateServiceSpecificCredential", "DeleteServiceSpecificCredential"),
    "ResetServiceSpecificCredential",
    *("ListMFADevices", "ListSSHPublicKeys", "ListSigningCertificates"),
)
_BOUNDED_USERS: Final = ("PutUserPolicy", "DeleteUserPolicy", "DeleteUserPermissionsBoundary")
_ABOUT_ROLES: Final = (
    *("GetRole", "ListRoleTags", "GetRolePolicy", "ListRolePolicies", "ListAttachedRolePolicies"),
    *("ListInstanceProfilesForRole",),
)
_BOUNDED_ROLES: Final = (
    *("UpdateRole", "UpdateRoleDescription", "DeleteRole", "UpdateAssumeRolePolicy"),
    *("PutRolePolicy", "DeleteRolePolicy", "DeleteRolePermissionsBoundary"),
)
_ABOUT_POLICIES: Final = (
    *("GetPolicy", "DeletePolicy", "GetPolicyVersion", "ListPolicyVersions", "CreatePolicyVersion"),
    *("DeletePolicyVersion", "SetDefaultPolicyVersion", "ListEntitiesForPolicy", "ListPolicyTags"),
)
_ABOUT_NOTHING: Final = (
    "ListUsers",
    "ListRoles",
    "ListPolicies",
    "ListGroups",
    "GetAccountSummary",
    "ListAccountAliases",
    "GetAccessKeyLastUsed",
)


def _iam(
    names: Sequence[str],
    *resources: ResourcesOf,
    keys: Sequence[Callable[[Asking], Mapping[str, str]]] = (),
    **more: Any,
) -> dict[str, Rule]:
    return {name: Rule(action=f"iam:{name}", resources=resources, keys=tuple(keys), **more) for name in names}


IAM: Final[Mapping[str, Rule]] = {
    **_iam(_ABOUT_NOTHING),
    **_iam(_ABOUT_USERS, user_named),
    **_iam(["UpdateUser"], user_named, user_renamed),
    **_iam(["ListServiceSpecificCredentials"], users_listed),
    **_iam(_BOUNDED_USERS, user_named, keys=[boundary_of_user]),
    **_iam(["AttachUserPolicy", "DetachUserPolicy"], user_named, keys=[boundary_of_user, policy_key]),
    **_iam(["PutUserPermissionsBoundary"], user_named, keys=[asked_boundary]),
    **_iam(
        ["CreateUser"],
        new_identity(USER, "UserName"),
        keys=[asked_boundary],
        tags={"Tags": ""},
        tagging="iam:TagUser",
    ),
    **_iam(["TagUser"], user_named, tags={"Tags": ""}),
    **_iam(["UntagUser"], user_named, tags={"TagKeys": ""}),
    **_iam(_ABOUT_ROLES, role_named),
    **_iam(_BOUNDED_ROLES, role_named, keys=[boundary_of_role]),
    **_iam(["AttachRolePolicy", "DetachRolePolicy"], role_named, keys=[boundary_of_role, policy_key]),
    **_iam(["PutRolePermissionsBoundary"], role_named, keys=[asked_boundary]),
    **_iam(
        ["CreateRole"],
        new_identity(ROLE, "RoleName"),
        keys=[asked_boundary],
        tags={"Tags": ""},
        tagging="iam:TagRole",
    ),
    **_iam(["TagRole"], role_named, tags={"Tags": ""}),
    **_iam(["UntagRole"], role_named, tags={"TagKeys": ""}),
    **_iam(_ABOUT_POLICIES, policy_named),
    **_iam(["CreatePolicy"], new_identity(POLICY, "PolicyName"), tags={"Tags": ""}, tagging="iam:TagPolicy"),
    **_iam(["TagPolicy"], policy_named, tags={"Tags": ""}),
    **_iam(["UntagPolicy"], policy_named, tags={"TagKeys": ""}),
}

STS: Final[Mapping[str, Rule]] = {"GetAccessKeyInfo": Rule(action="sts:GetAccessKeyInfo")}

_ANY_JOB: Final = named(
    "jobIdentifier", arns.CUSTOMIZATION_JOB, arns.MODEL_INVOCATION_JOB, arns.EVALUATION_JOB, arns.MODEL_IMPORT_JOB
)
_ABOUT_JOBS: Final = (
    "GetJobEvaluation",
    "GetJobMetrics",
    "GetJobSamples",
    "ListCheckpoints",
    "ListJobEvents",
    "WatchJob",
)
_DRY_RUNS: Final = ("ValidateTrainingData", "ExamineTrainingData", "EstimateCustomizationJob")

TANREN: Final[Mapping[str, Rule]] = {
    "GetServiceStatus": Rule(action="tanren:GetServiceStatus"),
    "GetUsage": Rule(action="tanren:GetUsage"),
    "ListAuditEvents": Rule(action="tanren:ListAuditEvents"),
    "GetModelLineage": Rule(action="tanren:GetModelLineage", resources=(named("modelIdentifier", arns.CUSTOM_MODEL),)),
    # Who may see a throughput may see what it makes: AWS's policies for Bedrock know no other permission.
    "EstimateProvisionedThroughput": Rule(action="tanren:EstimateProvisionedThroughput", resources=(model("modelId"),)),
    "GetProvisionedCapacity": Rule(action="bedrock:GetProvisionedModelThroughput", resources=(_THROUGHPUT,)),
    "TryCheckpoint": Rule(action="tanren:TryCheckpoint", resources=(_JOB,)),
    **{name: Rule(action=f"tanren:{name}", resources=(_ANY_JOB,)) for name in _ABOUT_JOBS},
    **{
        name: Rule(action=f"tanren:{name}", resources=(model("baseModelIdentifier"),), reads=data_files)
        for name in _DRY_RUNS
    },
}

RULES: Final[Mapping[str, Mapping[str, Rule]]] = {
    "bedrock": {**BEDROCK, **SDK_DIALECT},
    "bedrock-runtime": BEDROCK_RUNTIME,
    "iam": IAM,
    "sts": STS,
    "tanren": TANREN,
}

WITHOUT_PERMISSION: Final[Mapping[str, frozenset[str]]] = {
    # GetCallerIdentity and GetSessionToken take none on AWS. A role's trust policy and the caller's own policies are
    # one decision, which AssumeRole's handler makes (`control/sessions.py`).
    "sts": frozenset({"AssumeRole", "GetCallerIdentity", "GetSessionToken"}),
}


def rule_of(service: str, operation: str) -> Rule | None:
    """None where the operation takes no permission. One that the table does not have takes the permission of its own
    name on everything, so that a forgotten line shuts a door and opens none."""
    if operation in WITHOUT_PERMISSION.get(service, ()):
        return None
    prefix = service.removesuffix("-runtime")
    return RULES.get(service, {}).get(operation) or Rule(action=f"{prefix}:{operation}")
