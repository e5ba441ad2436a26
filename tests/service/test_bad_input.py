"""What is wrong with a request or a file is said at once or on the job, with place and fix; nothing else suffers."""

import json
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import botocore.auth
import pytest
from botocore.exceptions import ClientError

from tests.service.servers import FORGE_ROWS, finished, job_request, rows_as_jsonl

BUCKET = "bad-input"


@pytest.fixture(scope="module")
def bedrock(server):
    server.client("s3").create_bucket(Bucket=BUCKET)
    server.client("s3").put_object(Bucket=BUCKET, Key="train.jsonl", Body=rows_as_jsonl(FORGE_ROWS))
    return server.client("bedrock")


def _failure(server, bedrock, name: str, content: bytes | None, **changes: object) -> str:
    """The failureMessage of a job over `content`."""
    if content is not None:
        server.client("s3").put_object(Bucket=BUCKET, Key=f"{name}.jsonl", Body=content)
    training = {"s3Uri": f"s3://{BUCKET}/{name}.jsonl"}
    request = job_request(server, name, BUCKET, **{"trainingDataConfig": training, **changes})
    job = finished(bedrock, bedrock.create_model_customization_job(**request)["jobArn"])
    assert job["status"] == "Failed"
    assert "outputModelArn" not in job
    assert job["statusDetails"]["validationDetails"]["status"] == "Failed"
    return job["failureMessage"]


def test_a_broken_line_is_named_with_file_line_and_column(server, bedrock):
    rows = rows_as_jsonl(FORGE_ROWS).splitlines(keepends=True)
    rows[3] = rows[3].replace(b'", "completion', b' "completion')
    message = _failure(server, bedrock, "broken-line", b"".join(rows))
    assert f"s3://{BUCKET}/broken-line.jsonl" in message
    assert "4" in message


def test_wrong_keys_are_named_with_the_right_ones(server, bedrock):
    message = _failure(server, bedrock, "wrong-keys", rows_as_jsonl([{"question": "q", "answer": "a"}]))
    assert '"prompt"' in message
    assert '"completion"' in message


def test_an_empty_file_is_said_to_be_empty(server, bedrock):
    assert "empty" in _failure(server, bedrock, "empty", b"")


def test_a_missing_object_and_a_missing_bucket_are_told_apart(server, bedrock):
    missing = _failure(server, bedrock, "missing-object", None)
    assert "There is no such object" in missing
    elsewhere = {"s3Uri": "s3://no-such-bucket-anywhere/train.jsonl"}
    message = _failure(server, bedrock, "missing-bucket", None, trainingDataConfig=elsewhere)
    assert "The bucket does not exist" in message
    output = {"s3Uri": "s3://no-such-bucket-anywhere/output/"}
    message = _failure(server, bedrock, "missing-output", rows_as_jsonl(FORGE_ROWS), outputDataConfig=output)
    assert "PutObject" in message


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"roleArn": "arn:aws:iam::999999999999:role/R"}, "ValidationException", "999999999999"),
        ({"roleArn": "no-arn-at-all-of-a-role"}, "ValidationException", "roleArn"),
        ({"baseModelIdentifier": "amazon.unknown-v9"}, "ResourceNotFoundException", "amazon.titan-text-express-v1"),
        ({"hyperParameters": {"epochCount": "1000"}}, "ValidationException", "1 to 100"),
        ({"hyperParameters": {"epochs": "3"}}, "ValidationException", "unknown key 'epochs'"),
        ({"jobName": "bad name!"}, "ValidationException", "jobName"),
        ({"customizationType": "DISTILLATION"}, "ValidationException", "not implemented"),
        ({"vpcConfig": {"subnetIds": ["s"], "securityGroupIds": ["g"]}}, "ValidationException", "vpcConfig"),
    ],
)
def test_a_request_that_breaks_a_rule_is_refused_at_once(server, bedrock, changes, code, text):
    with pytest.raises(ClientError) as caught:
        bedrock.create_model_customization_job(**job_request(server, "refused", BUCKET, **changes))
    assert caught.value.response["Error"]["Code"] == code
    assert text in caught.value.response["Error"]["Message"]


def test_a_taken_name_is_a_conflict(server, bedrock):
    request = job_request(server, "taken", BUCKET, hyperParameters={"epochCount": "1"})
    first = bedrock.create_model_customization_job(**request)["jobArn"]
    with pytest.raises(bedrock.exceptions.ConflictException, match="currently in use"):
        bedrock.create_model_customization_job(**{**request, "clientRequestToken": "another"})
    assert finished(bedrock, first)["status"] == "Completed"


def test_a_wrong_secret_and_an_unknown_key_are_refused_by_every_service(server):
    for service, call in (("bedrock", "list_custom_models"), ("s3", "list_buckets"), ("sts", "get_caller_identity")):
        for change in ({"aws_secret_access_key": "wrong"}, {"aws_access_key_id": "AKIAUNKNOWNUNKNOWN"}):
            with pytest.raises(ClientError) as caught:
                getattr(server.client(service, **change), call)()
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_an_expired_signature_is_refused(server):
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    with patch.object(botocore.auth, "get_current_datetime", lambda **_: long_ago.replace(tzinfo=None)):
        with pytest.raises(ClientError, match=r"(?i)expired|skew"):
            server.client("bedrock").list_custom_models()


def test_an_operation_that_is_not_there_says_so(server, bedrock):
    with pytest.raises(bedrock.exceptions.ValidationException, match="CreateGuardrail is not implemented"):
        bedrock.create_guardrail(name="g", blockedInputMessaging="b", blockedOutputsMessaging="b")


def test_a_bad_body_and_an_unknown_model_are_refused_in_the_words_of_aws(server):
    runtime = server.client("bedrock-runtime")
    body = json.dumps({"inputText": "hello", "maxTokens": 3})
    with pytest.raises(runtime.exceptions.ValidationException, match="extraneous key"):
        runtime.invoke_model(modelId="amazon.titan-text-express-v1", body=body)
    with pytest.raises(runtime.exceptions.ValidationException, match="The provided model identifier is invalid"):
        runtime.invoke_model(modelId="amazon.no-such-model-v1", body=b"{}")
