"""boto3 creates, reads, lists and stops batch jobs through the whole wire layer."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tanren.aws.chain import build_application
from tanren.aws.operations.bedrock.model_invocation_jobs import model_invocation_job_handlers
from tests.protocol.loopback import OneKey, client

REQUEST: dict[str, Any] = {
    "jobName": "nightly",
    "roleArn": "arn:aws:iam::123456789012:role/Batch",
    "modelId": "amazon.titan-text-express-v1",
    "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://my-bucket/in/records.jsonl", "s3InputFormat": "JSONL"}},
    "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://my-bucket/out/"}},
}


@pytest.fixture
def bedrock(plane) -> Any:
    handlers = {"bedrock": model_invocation_job_handlers(plane.batches), "bedrock-runtime": {}}
    return client(build_application(handlers=handlers, access_keys=OneKey(), neighbourhood=None), "bedrock")


def test_a_job_echoes_what_was_asked(bedrock):
    arn = bedrock.create_model_invocation_job(**REQUEST, timeoutDurationInHours=48)["jobArn"]
    job = bedrock.get_model_invocation_job(jobIdentifier=arn)
    assert {name: job[name] for name in REQUEST} == REQUEST
    assert (job["status"], job["modelInvocationType"], job["timeoutDurationInHours"]) == (
        "Submitted",
        "InvokeModel",
        48,
    )
    assert job["jobExpirationTime"] - job["submitTime"] == timedelta(hours=48)
    assert [job[f"{name}RecordCount"] for name in ("total", "processed", "success", "error")] == [0, 0, 0, 0]
    assert "message" not in job
    assert "endTime" not in job
    by_id = bedrock.get_model_invocation_job(jobIdentifier=arn.rsplit("/", 1)[-1])
    assert by_id["jobArn"] == arn
    assert bedrock.list_model_invocation_jobs()["invocationJobSummaries"][0]["jobArn"] == arn


def test_pages_of_a_list_hold_every_job_once(bedrock):
    arns = [bedrock.create_model_invocation_job(**{**REQUEST, "jobName": f"job-{n}"})["jobArn"] for n in range(5)]
    pages = bedrock.get_paginator("list_model_invocation_jobs").paginate(
        sortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    assert [job["jobArn"] for page in pages for job in page["invocationJobSummaries"]] == arns
    later = bedrock.get_model_invocation_job(jobIdentifier=arns[3])["submitTime"]
    wanted = bedrock.list_model_invocation_jobs(submitTimeAfter=later, statusEquals="Submitted")
    assert [job["jobArn"] for job in wanted["invocationJobSummaries"]] == [arns[4]]


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"modelId": "amazon.no-such-v1"}, "ResourceNotFoundException", "no-such"),
        ({"timeoutDurationInHours": 200}, "ValidationException", "168"),
        ({"vpcConfig": {"subnetIds": ["s"], "securityGroupIds": ["g"]}}, "ValidationException", "vpcConfig"),
        (
            {"outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://my-bucket/o", "s3EncryptionKeyId": "alias/k"}}},
            "ValidationException",
            "s3EncryptionKeyId",
        ),
        ({"jobName": "taken"}, "ConflictException", "already exists"),
    ],
)
def test_a_request_that_breaks_a_rule_has_the_modelled_error(bedrock, changes, code, text):
    bedrock.create_model_invocation_job(**{**REQUEST, "jobName": "taken"})
    with pytest.raises(ClientError, match=text) as refused:
        bedrock.create_model_invocation_job(**{**REQUEST, **changes})
    assert refused.value.response["Error"]["Code"] == code


def test_stop_answers_with_nothing_and_a_stopped_job_is_a_conflict(bedrock):
    arn = bedrock.create_model_invocation_job(**REQUEST)["jobArn"]
    bedrock.stop_model_invocation_job(jobIdentifier=arn)
    assert bedrock.get_model_invocation_job(jobIdentifier=arn)["status"] == "Stopped"
    with pytest.raises(bedrock.exceptions.ConflictException):
        bedrock.stop_model_invocation_job(jobIdentifier=arn)
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.stop_model_invocation_job(jobIdentifier="aaaaaaaaaaaa")
