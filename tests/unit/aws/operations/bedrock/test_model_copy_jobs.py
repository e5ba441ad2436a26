"""boto3 through the wire layer: copies and the policies that share them, access to base models, inference profiles."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tanren.aws.chain import build_application
from tanren.aws.operations.bedrock.custom_models import custom_model_handlers
from tanren.aws.operations.bedrock.foundation_model_agreements import foundation_model_agreement_handlers
from tanren.aws.operations.bedrock.inference_profiles import inference_profile_handlers
from tanren.aws.operations.bedrock.model_copy_jobs import model_copy_job_handlers
from tanren.aws.operations.bedrock.resource_policies import resource_policy_handlers
from tanren.domain.scope import Scope
from tests.protocol.loopback import OneKey, client

HOME = Scope(account_id="123456789012", region="us-east-1")
ELSEWHERE = Scope(account_id="123456789012", region="eu-west-1")
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": "210987654321"},
            "Action": "bedrock:CreateModelCopyJob",
            "Resource": "*",
        },
    }
)


@pytest.fixture
def bedrock(plane) -> Any:
    handlers = {
        **model_copy_job_handlers(plane.copies),
        **resource_policy_handlers(plane.policies),
        **foundation_model_agreement_handlers(plane.agreements),
        **inference_profile_handlers(),
        **custom_model_handlers(plane.models, plane.weights),
    }
    application = build_application(
        handlers={"bedrock": handlers, "bedrock-runtime": {}}, access_keys=OneKey(), neighbourhood=None
    )
    return client(application, "bedrock")


def test_a_copy_job_echoes_what_was_asked_and_is_listed_by_its_filters(plane, bedrock):
    source = plane.has_model(ELSEWHERE, "tunedhere")
    asked = {
        "sourceModelArn": source,
        "targetModelName": "copied",
        "targetModelTags": [{"key": "team", "value": "forge"}],
    }
    arn = bedrock.create_model_copy_job(**asked)["jobArn"]
    job = bedrock.get_model_copy_job(jobArn=arn)
    assert {name: job[name] for name in asked} == asked
    assert (job["status"], job["sourceAccountId"], job["sourceModelName"]) == (
        "InProgress",
        "123456789012",
        "tunedhere",
    )
    for wanted, count in (
        ({"targetModelNameContains": "cop"}, 1),
        ({"targetModelNameContains": "other"}, 0),
        ({"sourceAccountEquals": "123456789012", "sourceModelArnEquals": source, "statusEquals": "InProgress"}, 1),
        ({"sourceAccountEquals": "210987654321"}, 0),
    ):
        assert len(bedrock.list_model_copy_jobs(**wanted)["modelCopyJobSummaries"]) == count


def test_a_resource_policy_is_put_read_and_deleted(plane, bedrock):
    arn = plane.has_model(HOME, "tunedhere")
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.get_resource_policy(resourceArn=arn)
    assert bedrock.put_resource_policy(resourceArn=arn, resourcePolicy=POLICY)["resourceArn"] == arn
    assert bedrock.get_resource_policy(resourceArn=arn)["resourcePolicy"] == POLICY
    bedrock.delete_resource_policy(resourceArn=arn)
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.delete_resource_policy(resourceArn=arn)
    with pytest.raises(bedrock.exceptions.ValidationException):
        bedrock.put_resource_policy(resourceArn=arn, resourcePolicy="{}")


def test_a_model_from_elsewhere_is_created_and_shown_while_it_is_creating(bedrock):
    source = {"s3DataSource": {"s3Uri": "s3://my-bucket/models/mine/"}}
    arn = bedrock.create_custom_model(modelName="brought", modelSourceConfig=source)["modelArn"]
    model = bedrock.get_custom_model(modelIdentifier=arn)
    assert (model["modelStatus"], model["customizationType"]) == ("Creating", "IMPORTED")
    assert not {"baseModelArn", "jobArn", "trainingDataConfig"} & model.keys()
    summary = bedrock.list_custom_models(modelStatus="Creating")["modelSummaries"][0]
    assert (summary["modelArn"], summary["baseModelArn"]) == (arn, arn)
    with pytest.raises(bedrock.exceptions.ConflictException):
        bedrock.delete_custom_model(modelIdentifier=arn)
    key = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    with pytest.raises(ClientError, match="modelKmsKeyArn"):
        bedrock.create_custom_model(modelName="b", modelSourceConfig=source, modelKmsKeyArn=key)
    with pytest.raises(ClientError, match="modelSourceConfig is missing"):
        bedrock.create_custom_model(modelName="b")


def test_access_to_a_base_model_is_asked_for_as_on_aws(bedrock):
    model_id = "anthropic.claude-3-haiku-20240307-v1:0"
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.get_use_case_for_model_access()
    bedrock.put_use_case_for_model_access(formData=b'{"companyName": "forge"}')
    assert bedrock.get_use_case_for_model_access()["formData"] == b'{"companyName": "forge"}'
    before = bedrock.get_foundation_model_availability(modelId=model_id)
    assert before["agreementAvailability"] == {"status": "NOT_AVAILABLE"}
    offer = bedrock.list_foundation_model_agreement_offers(modelId=model_id)["offers"][0]
    assert "Licence of nano-v1" in offer["termDetails"]["supportTerm"]["refundPolicyDescription"]
    asked = {"modelId": model_id, "offerToken": offer["offerToken"]}
    assert bedrock.create_foundation_model_agreement(**asked)["modelId"] == model_id
    after = bedrock.get_foundation_model_availability(modelId=model_id)
    assert after["agreementAvailability"] == {"status": "AVAILABLE"}
    assert (after["authorizationStatus"], after["entitlementAvailability"]) == ("AUTHORIZED", "AVAILABLE")
    bedrock.delete_foundation_model_agreement(modelId=model_id)
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.delete_foundation_model_agreement(modelId=model_id)


def test_pages_of_inference_profiles_hold_each_once(bedrock):
    whole = bedrock.list_inference_profiles(maxResults=1000)["inferenceProfileSummaries"]
    pages = bedrock.get_paginator("list_inference_profiles").paginate(PaginationConfig={"PageSize": 7})
    assert [each for page in pages for each in page["inferenceProfileSummaries"]] == whole
    one = bedrock.get_inference_profile(inferenceProfileIdentifier="us.amazon.nova-lite-v1:0")
    assert one["models"] == [{"modelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"}]
    assert (one["type"], one["status"]) == ("SYSTEM_DEFINED", "ACTIVE")
    by_arn = bedrock.get_inference_profile(inferenceProfileIdentifier=one["inferenceProfileArn"])
    assert by_arn["inferenceProfileId"] == one["inferenceProfileId"]
    assert bedrock.list_inference_profiles(typeEquals="APPLICATION")["inferenceProfileSummaries"] == []
    with pytest.raises(bedrock.exceptions.ValidationException):
        bedrock.list_inference_profiles(nextToken="nonsense")
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.get_inference_profile(inferenceProfileIdentifier="eu.amazon.nova-lite-v1:0")
