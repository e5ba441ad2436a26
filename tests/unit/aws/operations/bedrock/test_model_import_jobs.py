"""boto3 creates, reads and lists import jobs, and reads, lists and deletes imported models, through the wire layer."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tanren.aws.chain import build_application
from tanren.aws.operations.bedrock.imported_models import imported_model_handlers
from tanren.aws.operations.bedrock.model_import_jobs import model_import_job_handlers
from tanren.domain.scope import Scope
from tests.protocol.loopback import OneKey, client

HOME = Scope(account_id="123456789012", region="us-east-1")
REQUEST: dict[str, Any] = {
    "jobName": "bring-llama",
    "importedModelName": "my-llama",
    "roleArn": "arn:aws:iam::123456789012:role/Import",
    "modelDataSource": {"s3DataSource": {"s3Uri": "s3://my-bucket/llama/"}},
}


@pytest.fixture
def bedrock(plane) -> Any:
    handlers = {**model_import_job_handlers(plane.imports), **imported_model_handlers(plane.imported)}
    application = build_application(
        handlers={"bedrock": handlers, "bedrock-runtime": {}}, access_keys=OneKey(), neighbourhood=None
    )
    return client(application, "bedrock")


def test_a_job_echoes_what_was_asked(bedrock):
    arn = bedrock.create_model_import_job(**REQUEST)["jobArn"]
    job = bedrock.get_model_import_job(jobIdentifier=arn)
    assert {name: job[name] for name in REQUEST} == REQUEST
    assert job["status"] == "InProgress"
    assert not {"importedModelArn", "failureMessage", "endTime"} & job.keys()
    assert bedrock.get_model_import_job(jobIdentifier="bring-llama")["jobArn"] == arn


def test_pages_and_filters_of_a_list_hold_every_job_once(bedrock):
    arns = [
        bedrock.create_model_import_job(**{**REQUEST, "jobName": f"job-{n}", "importedModelName": f"m-{n}"})["jobArn"]
        for n in range(3)
    ]
    pages = bedrock.get_paginator("list_model_import_jobs").paginate(
        sortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    assert [job["jobArn"] for page in pages for job in page["modelImportJobSummaries"]] == arns
    found = bedrock.list_model_import_jobs(nameContains="job-1", statusEquals="InProgress")["modelImportJobSummaries"]
    assert [(job["jobArn"], job["importedModelName"]) for job in found] == [(arns[1], "m-1")]
    assert bedrock.list_model_import_jobs(statusEquals="Failed")["modelImportJobSummaries"] == []


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({}, "ConflictException", "already exists"),
        ({"jobName": "j", "importedModelName": "-no"}, "ValidationException", "importedModelName"),
        ({"jobName": "j", "importedModelKmsKeyId": "alias/k"}, "ValidationException", "importedModelKmsKeyId"),
        (
            {"jobName": "j", "vpcConfig": {"subnetIds": ["s"], "securityGroupIds": ["g"]}},
            "ValidationException",
            "vpcConfig",
        ),
    ],
)
def test_a_request_that_breaks_a_rule_has_the_modelled_error(bedrock, changes, code, text):
    bedrock.create_model_import_job(**REQUEST)
    with pytest.raises(ClientError, match=text) as refused:
        bedrock.create_model_import_job(**{**REQUEST, **changes})
    assert refused.value.response["Error"]["Code"] == code


def test_an_imported_model_shows_its_facts_and_can_be_deleted(plane, bedrock):
    arn = plane.has_imported_model(HOME)
    model = bedrock.get_imported_model(modelIdentifier=arn)
    assert (model["modelArchitecture"], model["instructSupported"]) == ("LlamaForCausalLM", True)
    assert model["customModelUnits"] == {"customModelUnitsPerModelCopy": 1, "customModelUnitsVersion": "v1.0"}
    assert model["modelDataSource"] == REQUEST["modelDataSource"]
    summary = bedrock.list_imported_models(nameContains="llama")["modelSummaries"][0]
    assert {name: model[name] for name in summary} == summary
    bedrock.delete_imported_model(modelIdentifier="my-llama")
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.get_imported_model(modelIdentifier=arn)
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.delete_imported_model(modelIdentifier=arn)
