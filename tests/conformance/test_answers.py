"""What looks at answers sees what is wrong with them: every kind of fault is complained of, a right answer is not."""

import json
from typing import Any

import pytest

from tanren.aws.service_models import load_service
from tests.conformance.answers import Answer, complaints
from tests.protocol.loopback import client

JOB: dict[str, Any] = {
    "jobArn": "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.titan-text-lite-v1/abcdefghijkl",
    "jobName": "job",
    "outputModelName": "model",
    "roleArn": "arn:aws:iam::123456789012:role/r",
    "status": "InProgress",
    "creationTime": "2026-11-21T12:00:00Z",
    "baseModelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-lite-v1",
    "trainingDataConfig": {"s3Uri": "s3://my-bucket/train.jsonl"},
    "validationDataConfig": {"validators": []},
    "outputDataConfig": {"s3Uri": "s3://my-bucket/out/"},
}
USER = (
    '<GetUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetUserResult><User><Path>/</Path>'
    "<UserName>anna</UserName><UserId>AIDA7CALBRV62LWIIRXRX</UserId><Arn>arn:aws:iam::123456789012:user/anna</Arn>"
    "<CreateDate>2026-11-21T12:00:00Z</CreateDate></User></GetUserResult>"
    "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetUserResponse>"
)


async def _nobody(*_: Any) -> None:
    raise AssertionError


def told(service: str, name: str, answer: Answer, *, asked: str = "") -> list[str]:
    model = client(_nobody, service).meta.service_model.operation_model(name)
    return list(complaints(answer, load_service(service).operation(name), model, asked=asked))


def of_a_job(http_status: int = 200, code: str = "", **changes: Any) -> list[str]:
    body = {**JOB, **changes} if http_status < 300 else changes
    headers = {"content-type": "application/json", **({"x-amzn-errortype": code} if code else {})}
    content = json.dumps({key: value for key, value in body.items() if value != "left out"}).encode()
    return told("bedrock", "GetModelCustomizationJob", Answer(status=http_status, headers=headers, body=content))


def test_right_answers_are_not_complained_of():
    assert of_a_job() == []
    assert of_a_job(404, "ResourceNotFoundException", message="There is no job.") == []
    assert told("iam", "GetUser", Answer(status=200, headers={}, body=USER.encode())) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"extra": 1}, "the model has no member /extra"),
        ({"trainingDataConfig": {"s3Uri": "s3://my-bucket/a", "bucket": "b"}}, "no member /trainingDataConfig/bucket"),
        ({"status": "Unheard"}, "enum"),
        ({"jobName": "left out"}, "jobName"),
        ({"jobName": 7}, "should be a string"),
        ({"failureMessage": None}, "null, and not absent"),
        ({"jobArn": "arn:of:nothing"}, "regular expression"),
    ],
)
def test_a_result_that_is_not_its_models_is_complained_of(changes: dict[str, Any], words: str):
    found = of_a_job(**changes)
    assert any(words in each for each in found), found


@pytest.mark.parametrize(
    ("status", "code", "message", "words"),
    [
        (500, "InternalServerException", "An internal error occurred.", "answered 500"),
        (400, "ConflictException", "Taken.", "no error ConflictException"),
        (403, "ResourceNotFoundException", "There is no job.", "with status 403"),
        (404, "ResourceNotFoundException", "", "without a message"),
        (400, "ValidationException", "near 'x': SELECT * FROM jobs", "what is inside"),
    ],
)
def test_an_error_that_is_not_its_operations_is_complained_of(status: int, code: str, message: str, words: str):
    found = of_a_job(status, code, message=message)
    assert any(words in each for each in found), found


def test_an_error_may_repeat_what_it_was_asked():
    body = json.dumps({"message": "There is no job 'sqlite'."}).encode()
    headers = {"content-type": "application/json", "x-amzn-errortype": "ResourceNotFoundException"}
    answer = Answer(status=404, headers=headers, body=body)
    assert told("bedrock", "GetModelCustomizationJob", answer, asked="/model-customization-jobs/sqlite") == []
    assert told("bedrock", "GetModelCustomizationJob", answer, asked="/model-customization-jobs/mine") != []


def test_another_status_than_the_models_is_complained_of():
    assert of_a_job(201) == ["status 201, and the model has 200"]


def test_an_element_that_the_model_has_not_is_complained_of():
    body = USER.replace("<Path>/</Path>", "<Path>/</Path><Shoes>2</Shoes>").encode()
    assert told("iam", "GetUser", Answer(status=200, headers={}, body=body)) == ["the model has no member /User/Shoes"]
