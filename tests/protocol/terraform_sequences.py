"""The calls that Terraform's AWS provider makes for each resource: create, poll, read, tag, update, delete.

Source   what the provider calls and in which order: hashicorp/terraform-provider-aws, internal/service/bedrock and iam.
         `aws_bedrock_custom_model` creates a customization job with a token and its tags on job and model, reads both,
         and stops the job before it deletes. Nothing of its code is here. What it has no resource for (deployments,
         imports, copies) goes the same way.
"""

import json
from collections.abc import Callable
from typing import Any

from tests.protocol.infrastructure_cloud import Cloud, assert_told, code_of, is_gone, tag_list, tags_in

TITAN = "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-lite-v1"
TAGS = {"team": "forge", "managed-by": "terraform"}


def custom_model(cloud: Cloud) -> None:
    """aws_bedrock_custom_model, and the data sources of custom models."""
    bedrock = cloud.client("bedrock")
    sent = _customization(cloud, "custom-model")
    arn = bedrock.create_model_customization_job(**sent)["jobArn"]
    assert bedrock.create_model_customization_job(**sent)["jobArn"] == arn, "the same token is the same job"
    told = bedrock.get_model_customization_job(jobIdentifier=arn)
    _assert_job_told(told, sent)
    assert "outputModelArn" not in told
    assert told["status"] == "InProgress"
    _tags_are_kept(bedrock, arn)
    cloud.poll(
        lambda: bedrock.get_model_customization_job(jobIdentifier=arn)["status"],
        pending=("InProgress",),
        target="Completed",
    )
    told = bedrock.get_model_customization_job(jobIdentifier=arn)
    _assert_job_told(told, sent)
    model_arn = told["outputModelArn"]
    model = bedrock.get_custom_model(modelIdentifier=model_arn)
    assert_told(
        model,
        sent,
        {
            "customModelName": "modelName",
            "baseModelIdentifier": "baseModelArn",
            **dict.fromkeys(("roleArn", "clientRequestToken", "jobTags", "customModelTags")),
        },
    )
    assert model["jobArn"] == arn
    assert model["trainingMetrics"]["trainingLoss"] == told["trainingMetrics"]["trainingLoss"]
    assert len(model["validationMetrics"]) == 1
    assert tags_in(bedrock.list_tags_for_resource(resourceARN=model_arn)["tags"]) == TAGS
    listed = bedrock.list_custom_models(nameContains="custom-model")["modelSummaries"]
    assert [each["modelArn"] for each in listed] == [model_arn]
    bedrock.delete_custom_model(modelIdentifier=model_arn)
    assert is_gone(bedrock.get_custom_model, modelIdentifier=model_arn)
    assert is_gone(bedrock.delete_custom_model, modelIdentifier=model_arn)
    assert is_gone(bedrock.list_tags_for_resource, resourceARN=model_arn)
    # The job is the resource's id and stays, as on AWS.
    _assert_job_told(bedrock.get_model_customization_job(jobIdentifier=arn), sent)


def custom_model_that_is_destroyed_while_it_trains(cloud: Cloud) -> None:
    """The same resource, deleted while its job is InProgress: stop, wait for Stopped, no model to delete."""
    bedrock = cloud.client("bedrock")
    sent = _customization(cloud, "destroyed", hyperParameters={"epochCount": "10", "learningRate": "0.00001"})
    arn = bedrock.create_model_customization_job(**sent)["jobArn"]
    bedrock.stop_model_customization_job(jobIdentifier=arn)
    cloud.poll(
        lambda: bedrock.get_model_customization_job(jobIdentifier=arn)["status"],
        pending=("InProgress", "Stopping"),
        target="Stopped",
    )
    told = bedrock.get_model_customization_job(jobIdentifier=arn)
    _assert_job_told(told, sent)
    assert "outputModelArn" not in told


def provisioned_model_throughput(cloud: Cloud) -> None:
    """aws_bedrock_provisioned_model_throughput; the name and the model changed in place, as UpdateProvisioned… does."""
    bedrock = cloud.client("bedrock")
    first, second = _model(cloud, "throughput-a"), _model(cloud, "throughput-b")
    sent = {
        "provisionedModelName": "throughput",
        "modelId": first,
        "modelUnits": 1,
        "clientRequestToken": "terraform-throughput",
        "tags": tag_list(TAGS),
    }
    arn = bedrock.create_provisioned_model_throughput(**sent)["provisionedModelArn"]
    assert bedrock.create_provisioned_model_throughput(**sent)["provisionedModelArn"] == arn

    def status() -> str:
        return bedrock.get_provisioned_model_throughput(provisionedModelId=arn)["status"]

    cloud.poll(status, pending=("Creating",), target="InService")
    names = {"modelId": "modelArn", "clientRequestToken": None, "tags": None}
    told = bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
    assert_told(told, sent, names)
    assert told["desiredModelArn"] == first
    assert told["desiredModelUnits"] == 1
    assert told["foundationModelArn"] == TITAN
    _tags_are_kept(bedrock, arn)
    bedrock.update_provisioned_model_throughput(
        provisionedModelId=arn, desiredProvisionedModelName="renamed", desiredModelId=second
    )
    cloud.poll(status, pending=("Updating",), target="InService")
    told = bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
    assert_told(told, {**sent, "provisionedModelName": "renamed", "modelId": second}, names)
    bedrock.delete_provisioned_model_throughput(provisionedModelId=arn)
    assert is_gone(bedrock.get_provisioned_model_throughput, provisionedModelId=arn)
    assert is_gone(bedrock.delete_provisioned_model_throughput, provisionedModelId=arn)


def custom_model_deployment(cloud: Cloud) -> None:
    bedrock = cloud.client("bedrock")
    first, second = _model(cloud, "deployment-a"), _model(cloud, "deployment-b")
    sent = {
        "modelDeploymentName": "deployment",
        "modelArn": first,
        "description": "A deployment of Terraform's.",
        "clientRequestToken": "terraform-deployment",
        "tags": tag_list(TAGS),
    }
    arn = bedrock.create_custom_model_deployment(**sent)["customModelDeploymentArn"]
    assert bedrock.create_custom_model_deployment(**sent)["customModelDeploymentArn"] == arn

    def told() -> Any:
        return bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=arn)

    cloud.poll(lambda: told()["status"], pending=("Creating",), target="Active")
    assert_told(told(), sent, {"clientRequestToken": None, "tags": None})
    _tags_are_kept(bedrock, arn)
    bedrock.update_custom_model_deployment(customModelDeploymentIdentifier=arn, modelArn=second)
    cloud.poll(
        lambda: told()["updateDetails"]["updateStatus"],
        pending=("Updating",),
        target="UpdateCompleted",
    )
    assert told()["modelArn"] == second
    bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)
    assert is_gone(bedrock.get_custom_model_deployment, customModelDeploymentIdentifier=arn)


def imported_model(cloud: Cloud) -> None:
    bedrock = cloud.client("bedrock")
    sent = {
        "jobName": "import",
        "importedModelName": "imported",
        "roleArn": cloud.role_arn,
        "modelDataSource": {"s3DataSource": {"s3Uri": f"s3://{cloud.bucket}/model/"}},
        "clientRequestToken": "terraform-import",
        "jobTags": tag_list(TAGS),
        "importedModelTags": tag_list(TAGS),
    }
    arn = bedrock.create_model_import_job(**sent)["jobArn"]
    assert bedrock.create_model_import_job(**sent)["jobArn"] == arn
    _tags_are_kept(bedrock, arn)
    cloud.poll(
        lambda: bedrock.get_model_import_job(jobIdentifier=arn)["status"], pending=("InProgress",), target="Completed"
    )
    told = bedrock.get_model_import_job(jobIdentifier=arn)
    elsewhere = dict.fromkeys(("clientRequestToken", "jobTags", "importedModelTags"))
    assert_told(told, sent, elsewhere)
    model_arn = told["importedModelArn"]
    model = bedrock.get_imported_model(modelIdentifier=model_arn)
    assert_told(model, sent, {**elsewhere, "importedModelName": "modelName", "roleArn": None})
    assert model["jobArn"] == arn
    _tags_are_kept(bedrock, model_arn)
    bedrock.delete_imported_model(modelIdentifier=model_arn)
    assert is_gone(bedrock.get_imported_model, modelIdentifier=model_arn)


def model_copy(cloud: Cloud) -> None:
    """To another region: created and read there."""
    source = _model(cloud, "copy-source")
    there = cloud.client("bedrock", region="eu-west-1")
    sent = {
        "sourceModelArn": source,
        "targetModelName": "copied",
        "clientRequestToken": "terraform-copy",
        "targetModelTags": tag_list(TAGS),
    }
    arn = there.create_model_copy_job(**sent)["jobArn"]
    assert there.create_model_copy_job(**sent)["jobArn"] == arn
    cloud.poll(lambda: there.get_model_copy_job(jobArn=arn)["status"], pending=("InProgress",), target="Completed")
    told = there.get_model_copy_job(jobArn=arn)
    assert_told(
        {**told, "targetModelTags": tag_list(tags_in(told["targetModelTags"]))}, sent, {"clientRequestToken": None}
    )
    model_arn = told["targetModelArn"]
    model = there.get_custom_model(modelIdentifier=model_arn)
    assert model["modelName"] == "copied"
    assert tags_in(there.list_tags_for_resource(resourceARN=model_arn)["tags"]) == TAGS
    there.delete_custom_model(modelIdentifier=model_arn)
    assert is_gone(there.get_custom_model, modelIdentifier=model_arn)
    assert cloud.client("bedrock").get_custom_model(modelIdentifier=source)["modelArn"] == source


def model_invocation_job(cloud: Cloud) -> None:
    """aws_bedrock_model_invocation_job."""
    bedrock = cloud.client("bedrock")
    sent = {
        "jobName": "batch",
        "roleArn": cloud.role_arn,
        "modelId": "amazon.titan-text-lite-v1",
        "clientRequestToken": "terraform-batch",
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": f"s3://{cloud.bucket}/in.jsonl", "s3InputFormat": "JSONL"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"s3://{cloud.bucket}/batch/"}},
        "timeoutDurationInHours": 48,
        "modelInvocationType": "InvokeModel",
        "tags": tag_list(TAGS),
    }
    arn = bedrock.create_model_invocation_job(**sent)["jobArn"]
    assert bedrock.create_model_invocation_job(**sent)["jobArn"] == arn
    assert_told(bedrock.get_model_invocation_job(jobIdentifier=arn), sent, {"tags": None})
    _tags_are_kept(bedrock, arn)
    cloud.poll(
        lambda: bedrock.get_model_invocation_job(jobIdentifier=arn)["status"],
        pending=("Submitted", "Validating", "Scheduled", "InProgress"),
        target="Completed",
    )
    assert_told(bedrock.get_model_invocation_job(jobIdentifier=arn), sent, {"tags": None})
    # There is no operation that deletes such a job: the provider stops it, and an ended one says so.
    assert code_of(bedrock.stop_model_invocation_job, jobIdentifier=arn) in ("ConflictException", "ValidationException")


def evaluation_job(cloud: Cloud) -> None:
    """aws_bedrock_evaluation_job: read back, tagged, stopped and deleted."""
    bedrock = cloud.client("bedrock")
    dataset = {"name": "questions", "datasetLocation": {"s3Uri": f"s3://{cloud.bucket}/in.jsonl"}}
    metrics = {"taskType": "QuestionAndAnswer", "dataset": dataset, "metricNames": ["Builtin.Accuracy"]}
    sent = {
        "jobName": "evaluation",
        "jobDescription": "An evaluation of Terraform's.",
        "roleArn": cloud.role_arn,
        "clientRequestToken": "terraform-evaluation",
        "applicationType": "ModelEvaluation",
        "evaluationConfig": {"automated": {"datasetMetricConfigs": [metrics]}},
        "inferenceConfig": {"models": [{"bedrockModel": {"modelIdentifier": "amazon.titan-text-lite-v1"}}]},
        "outputDataConfig": {"s3Uri": f"s3://{cloud.bucket}/evaluations/"},
        "jobTags": tag_list(TAGS),
    }
    arn = bedrock.create_evaluation_job(**sent)["jobArn"]
    assert bedrock.create_evaluation_job(**sent)["jobArn"] == arn
    told = bedrock.get_evaluation_job(jobIdentifier=arn)
    assert_told(told, sent, {"clientRequestToken": None, "jobTags": None})
    assert told["jobType"] == "Automated"
    _tags_are_kept(bedrock, arn)
    bedrock.stop_evaluation_job(jobIdentifier=arn)
    cloud.poll(
        lambda: bedrock.get_evaluation_job(jobIdentifier=arn)["status"],
        pending=("InProgress", "Stopping"),
        target="Stopped",
    )
    deleted = bedrock.batch_delete_evaluation_job(jobIdentifiers=[arn])
    assert [each["jobIdentifier"] for each in deleted["evaluationJobs"]] == [arn]
    assert deleted["errors"] == []
    assert is_gone(bedrock.get_evaluation_job, jobIdentifier=arn)


def model_invocation_logging_configuration(cloud: Cloud) -> None:
    """aws_bedrock_model_invocation_logging_configuration: one of a region, put, put again and deleted."""
    bedrock = cloud.client("bedrock")
    kinds = {
        "textDataDeliveryEnabled": True,
        "imageDataDeliveryEnabled": True,
        "embeddingDataDeliveryEnabled": True,
        "videoDataDeliveryEnabled": False,
    }
    sent = {**kinds, "s3Config": {"bucketName": cloud.bucket, "keyPrefix": "logs"}}
    bedrock.put_model_invocation_logging_configuration(loggingConfig=sent)
    assert bedrock.get_model_invocation_logging_configuration()["loggingConfig"] == sent
    changed = {
        **kinds,
        "textDataDeliveryEnabled": False,
        "s3Config": {"bucketName": cloud.bucket, "keyPrefix": "other"},
    }
    bedrock.put_model_invocation_logging_configuration(loggingConfig=changed)
    assert bedrock.get_model_invocation_logging_configuration()["loggingConfig"] == changed
    bedrock.delete_model_invocation_logging_configuration()
    assert "loggingConfig" not in bedrock.get_model_invocation_logging_configuration()
    bedrock.delete_model_invocation_logging_configuration()


def resource_policy(cloud: Cloud) -> None:
    bedrock = cloud.client("bedrock")
    model = _model(cloud, "shared")
    for action in ("bedrock:CreateModelCopyJob", "bedrock:GetCustomModel"):
        statement = {
            "Sid": "Share",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::333333333333:root"},
            "Action": action,
            "Resource": model,
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        assert bedrock.put_resource_policy(resourceArn=model, resourcePolicy=document)["resourceArn"] == model
        told = bedrock.get_resource_policy(resourceArn=model)["resourcePolicy"]
        assert json.loads(told) == json.loads(document)
    bedrock.delete_resource_policy(resourceArn=model)
    assert is_gone(bedrock.get_resource_policy, resourceArn=model)
    assert is_gone(bedrock.delete_resource_policy, resourceArn=model)


def inference_profile(cloud: Cloud) -> None:
    """The data sources aws_bedrock_inference_profile(s); the resource, of one's own profiles, is refused."""
    bedrock = cloud.client("bedrock")
    pages = bedrock.get_paginator("list_inference_profiles").paginate(typeEquals="SYSTEM_DEFINED")
    listed = [profile for page in pages for profile in page["inferenceProfileSummaries"]]
    assert listed
    for profile in (listed[0], listed[-1]):
        for identifier in (profile["inferenceProfileId"], profile["inferenceProfileArn"]):
            told = bedrock.get_inference_profile(inferenceProfileIdentifier=identifier)
            assert_told(told, profile)
    refused = code_of(
        bedrock.create_inference_profile,
        inferenceProfileName="mine",
        modelSource={"copyFrom": listed[0]["inferenceProfileArn"]},
    )
    assert refused == "ValidationException"


def foundation_model_agreement(cloud: Cloud) -> None:
    """aws_bedrock_foundation_model_agreement, aws_bedrock_use_case_for_model_access, and the data sources of models."""
    bedrock = cloud.client("bedrock")
    model_id = "amazon.titan-text-lite-v1"
    form = json.dumps({"companyName": "Forge"}).encode()
    bedrock.put_use_case_for_model_access(formData=form)
    assert bedrock.get_use_case_for_model_access()["formData"] == form
    offers = bedrock.list_foundation_model_agreement_offers(modelId=model_id)["offers"]
    bedrock.create_foundation_model_agreement(modelId=model_id, offerToken=offers[0]["offerToken"])
    available = bedrock.get_foundation_model_availability(modelId=model_id)
    assert available["agreementAvailability"]["status"] == "AVAILABLE"
    bedrock.delete_foundation_model_agreement(modelId=model_id)
    available = bedrock.get_foundation_model_availability(modelId=model_id)
    assert available["agreementAvailability"]["status"] == "NOT_AVAILABLE"
    listed = bedrock.list_foundation_models(byCustomizationType="FINE_TUNING", byOutputModality="TEXT")
    assert model_id in [each["modelId"] for each in listed["modelSummaries"]]
    summary = next(each for each in listed["modelSummaries"] if each["modelId"] == model_id)
    assert_told(bedrock.get_foundation_model(modelIdentifier=TITAN)["modelDetails"], summary)


def iam_user(cloud: Cloud) -> None:
    """aws_iam_user, aws_iam_user_policy, aws_iam_access_key; destroyed with force_destroy's own order."""
    iam = cloud.client("iam")
    sent = {"UserName": "tf-user", "Path": "/system/", "Tags": tag_list(TAGS, "Key", "Value")}
    created = iam.create_user(**sent)["User"]
    told = iam.get_user(UserName="tf-user")["User"]
    assert_told({**told, "Tags": tag_list(tags_in(told["Tags"], "Key", "Value"), "Key", "Value")}, sent)
    assert (told["Arn"], told["UserId"]) == (created["Arn"], created["UserId"])
    iam.tag_user(UserName="tf-user", Tags=tag_list({"team": "anvil"}, "Key", "Value"))
    iam.untag_user(UserName="tf-user", TagKeys=["managed-by"])
    assert tags_in(iam.get_user(UserName="tf-user")["User"]["Tags"], "Key", "Value") == {"team": "anvil"}
    iam.update_user(UserName="tf-user", NewUserName="tf-renamed", NewPath="/other/")
    told = iam.get_user(UserName="tf-renamed")["User"]
    assert (told["Path"], told["UserId"]) == ("/other/", created["UserId"])
    assert is_gone(iam.get_user, UserName="tf-user")
    document = _policy_document("bedrock:InvokeModel")
    iam.put_user_policy(UserName="tf-renamed", PolicyName="inline", PolicyDocument=json.dumps(document))
    assert iam.get_user_policy(UserName="tf-renamed", PolicyName="inline")["PolicyDocument"] == document
    key = iam.create_access_key(UserName="tf-renamed")["AccessKey"]
    listed = iam.list_access_keys(UserName="tf-renamed")["AccessKeyMetadata"]
    assert [(each["AccessKeyId"], each["Status"]) for each in listed] == [(key["AccessKeyId"], "Active")]
    iam.update_access_key(UserName="tf-renamed", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    listed = iam.list_access_keys(UserName="tf-renamed")["AccessKeyMetadata"]
    assert listed[0]["Status"] == "Inactive"
    assert code_of(iam.delete_user, UserName="tf-renamed") == "DeleteConflict"
    assert iam.list_groups_for_user(UserName="tf-renamed")["Groups"] == []
    for policy in iam.list_user_policies(UserName="tf-renamed")["PolicyNames"]:
        iam.delete_user_policy(UserName="tf-renamed", PolicyName=policy)
    for each in iam.list_access_keys(UserName="tf-renamed")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="tf-renamed", AccessKeyId=each["AccessKeyId"])
    for listing in ("list_mfa_devices", "list_ssh_public_keys", "list_signing_certificates"):
        getattr(iam, listing)(UserName="tf-renamed")
    assert iam.list_service_specific_credentials(UserName="tf-renamed")["ServiceSpecificCredentials"] == []
    iam.delete_user(UserName="tf-renamed")
    assert is_gone(iam.get_user, UserName="tf-renamed")
    assert is_gone(iam.get_user_policy, UserName="tf-renamed", PolicyName="inline")


def iam_role(cloud: Cloud) -> None:
    """aws_iam_role, aws_iam_role_policy, aws_iam_policy and aws_iam_role_policy_attachment."""
    iam = cloud.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    sent = {
        "RoleName": "tf-role",
        "Path": "/service/",
        "Description": "A role of Terraform's.",
        "MaxSessionDuration": 7200,
        "AssumeRolePolicyDocument": json.dumps(trust),
        "Tags": tag_list(TAGS, "Key", "Value"),
    }
    created = iam.create_role(**sent)["Role"]
    told = iam.get_role(RoleName="tf-role")["Role"]
    seen = {**told, "Tags": tag_list(tags_in(told["Tags"], "Key", "Value"), "Key", "Value")}
    assert_told(seen, {**sent, "AssumeRolePolicyDocument": trust})
    assert (told["Arn"], told["RoleId"]) == (created["Arn"], created["RoleId"])
    trust["Statement"][0]["Principal"] = {"Service": ["bedrock.amazonaws.com"]}
    iam.update_assume_role_policy(RoleName="tf-role", PolicyDocument=json.dumps(trust))
    iam.update_role(RoleName="tf-role", Description="Another.", MaxSessionDuration=3600)
    iam.tag_role(RoleName="tf-role", Tags=tag_list({"team": "anvil"}, "Key", "Value"))
    iam.untag_role(RoleName="tf-role", TagKeys=["managed-by"])
    told = iam.get_role(RoleName="tf-role")["Role"]
    assert (told["AssumeRolePolicyDocument"], told["Description"], told["MaxSessionDuration"]) == (
        trust,
        "Another.",
        3600,
    )
    assert tags_in(told["Tags"], "Key", "Value") == {"team": "anvil"}
    policy_arn = _iam_policy(iam)
    iam.put_role_policy(
        RoleName="tf-role", PolicyName="inline", PolicyDocument=json.dumps(_policy_document("s3:GetObject"))
    )
    told = iam.get_role_policy(RoleName="tf-role", PolicyName="inline")
    assert told["PolicyDocument"] == _policy_document("s3:GetObject")
    iam.attach_role_policy(RoleName="tf-role", PolicyArn=policy_arn)
    attached = iam.list_attached_role_policies(RoleName="tf-role")["AttachedPolicies"]
    assert [each["PolicyArn"] for each in attached] == [policy_arn]
    entities = iam.list_entities_for_policy(PolicyArn=policy_arn)
    assert [each["RoleName"] for each in entities["PolicyRoles"]] == ["tf-role"]
    assert code_of(iam.delete_policy, PolicyArn=policy_arn) == "DeleteConflict"
    assert code_of(iam.delete_role, RoleName="tf-role") == "DeleteConflict"
    assert iam.list_instance_profiles_for_role(RoleName="tf-role")["InstanceProfiles"] == []
    for each in iam.list_attached_role_policies(RoleName="tf-role")["AttachedPolicies"]:
        iam.detach_role_policy(RoleName="tf-role", PolicyArn=each["PolicyArn"])
    for name in iam.list_role_policies(RoleName="tf-role")["PolicyNames"]:
        iam.delete_role_policy(RoleName="tf-role", PolicyName=name)
    iam.delete_role(RoleName="tf-role")
    assert is_gone(iam.get_role, RoleName="tf-role")
    for version in iam.list_policy_versions(PolicyArn=policy_arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=policy_arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=policy_arn)
    assert is_gone(iam.get_policy, PolicyArn=policy_arn)


def _iam_policy(iam: Any) -> str:
    """The ARN of a managed policy with as many versions as there may be, the oldest of which made room for the last."""
    sent = {
        "PolicyName": "tf-policy",
        "Path": "/service/",
        "Description": "A policy of Terraform's.",
        "Tags": tag_list(TAGS, "Key", "Value"),
    }
    document = _policy_document("bedrock:*")
    arn = iam.create_policy(PolicyDocument=json.dumps(document), **sent)["Policy"]["Arn"]
    told = iam.get_policy(PolicyArn=arn)["Policy"]
    assert_told({**told, "Tags": tag_list(tags_in(told["Tags"], "Key", "Value"), "Key", "Value")}, sent)
    version = iam.get_policy_version(PolicyArn=arn, VersionId=told["DefaultVersionId"])["PolicyVersion"]
    assert version["Document"] == document
    for number in range(5):
        versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
        if len(versions) == 5:
            oldest = min(
                (each for each in versions if not each["IsDefaultVersion"]), key=lambda each: each["CreateDate"]
            )
            iam.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])
        changed = _policy_document(f"bedrock:Get*{'*' * number}")
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(changed), SetAsDefault=True)
        default = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        assert default == made["PolicyVersion"]["VersionId"]
        assert iam.get_policy_version(PolicyArn=arn, VersionId=default)["PolicyVersion"]["Document"] == changed
    return arn


SEQUENCES: dict[str, Callable[[Cloud], None]] = {
    each.__name__: each
    for each in (
        custom_model,
        custom_model_that_is_destroyed_while_it_trains,
        provisioned_model_throughput,
        custom_model_deployment,
        imported_model,
        model_copy,
        model_invocation_job,
        evaluation_job,
        model_invocation_logging_configuration,
        resource_policy,
        inference_profile,
        foundation_model_agreement,
        iam_user,
        iam_role,
    )
}


def _customization(cloud: Cloud, name: str, **changes: Any) -> dict[str, Any]:
    return {
        "jobName": name,
        "customModelName": name,
        "roleArn": cloud.role_arn,
        "baseModelIdentifier": TITAN,
        "customizationType": "FINE_TUNING",
        "clientRequestToken": f"terraform-{name}",
        "hyperParameters": {"epochCount": "1", "batchSize": "1", "learningRate": "0.00001"},
        "trainingDataConfig": {"s3Uri": f"s3://{cloud.bucket}/train.jsonl"},
        "validationDataConfig": {"validators": [{"s3Uri": f"s3://{cloud.bucket}/validation.jsonl"}]},
        "outputDataConfig": {"s3Uri": f"s3://{cloud.bucket}/output/"},
        "jobTags": tag_list(TAGS),
        "customModelTags": tag_list(TAGS),
        **changes,
    }


def _assert_job_told(told: dict[str, Any], sent: dict[str, Any]) -> None:
    names = {"customModelName": "outputModelName", "baseModelIdentifier": "baseModelArn"}
    assert_told(told, sent, {**names, "jobTags": None, "customModelTags": None})


def _model(cloud: Cloud, name: str) -> str:
    """The ARN of a custom model."""
    bedrock = cloud.client("bedrock")
    arn = bedrock.create_model_customization_job(**_customization(cloud, name))["jobArn"]
    cloud.poll(
        lambda: bedrock.get_model_customization_job(jobIdentifier=arn)["status"],
        pending=("InProgress",),
        target="Completed",
    )
    return bedrock.get_model_customization_job(jobIdentifier=arn)["outputModelArn"]


def _tags_are_kept(bedrock: Any, arn: str) -> None:
    """Read, one changed, one added, one removed, as an update of `tags` does; then as they were."""

    def told() -> dict[str, str]:
        return tags_in(bedrock.list_tags_for_resource(resourceARN=arn)["tags"])

    assert told() == TAGS
    bedrock.untag_resource(resourceARN=arn, tagKeys=["managed-by"])
    bedrock.tag_resource(resourceARN=arn, tags=tag_list({"team": "anvil", "cost": "7"}))
    assert told() == {"team": "anvil", "cost": "7"}
    bedrock.untag_resource(resourceARN=arn, tagKeys=["cost"])
    bedrock.tag_resource(resourceARN=arn, tags=tag_list(TAGS))
    assert told() == TAGS


def _policy_document(action: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
