"""boto3 invokes and converses with an engine, through the whole wire layer."""

import json
from typing import Any

import pytest
from botocore.exceptions import EventStreamError

from tanren.aws.chain import build_application
from tanren.aws.operations.bedrock_runtime import runtime_handlers
from tanren.domain.errors import ModelFailed, Throttled
from tanren.runtime.inference import Inference
from tests.protocol.loopback import OneKey, client
from tests.unit.runtime.placed_engine import PlacedEngine

BODY = json.dumps({"inputText": "hi"})
MESSAGES = [{"role": "user", "content": [{"text": "three short words"}]}]


def boto3_over(engine: PlacedEngine) -> Any:
    handlers = {"bedrock": {}, "bedrock-runtime": runtime_handlers(Inference(engine))}
    return client(build_application(handlers=handlers, access_keys=OneKey(), neighbourhood=None), "bedrock-runtime")


@pytest.fixture
def runtime() -> Any:
    return boto3_over(PlacedEngine())


def test_invoke_model_answers_with_a_body_and_its_counts(runtime: Any):
    answer = runtime.invoke_model(modelId="titan", body=BODY)
    assert json.loads(answer["body"].read())["results"][0]["outputText"] == "Hello world"
    assert answer["contentType"] == "application/json"
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    names = ("input-token-count", "output-token-count", "invocation-latency")
    assert [headers[f"x-amzn-bedrock-{name}"] for name in names] == ["7", "2", "9"]


def test_invoke_model_with_response_stream_answers_in_chunks(runtime: Any):
    answer = runtime.invoke_model_with_response_stream(modelId="titan", body=BODY)
    chunks = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
    assert "".join(chunk["outputText"] for chunk in chunks) == "Hello world"
    assert chunks[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == 2


def test_converse_answers_with_a_message(runtime: Any):
    answer = runtime.converse(
        modelId="titan", messages=MESSAGES, inferenceConfig={"maxTokens": 5}, serviceTier={"type": "default"}
    )
    assert answer["output"]["message"] == {"role": "assistant", "content": [{"text": "Hello world"}]}
    assert answer["stopReason"] == "end_turn"
    assert answer["usage"]["totalTokens"] == 9
    assert answer["serviceTier"] == {"type": "default"}


def test_converse_stream_answers_in_events(runtime: Any):
    answer = runtime.converse_stream(modelId="titan", messages=MESSAGES)
    events = list(answer["stream"])
    assert [next(iter(event)) for event in events][-2:] == ["messageStop", "metadata"]
    assert [event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event] == [
        "Hello",
        " world",
    ]


def test_count_tokens_counts_a_body_and_a_conversation_alike(runtime: Any):
    body = json.dumps({"inputText": "three short words"}).encode()
    assert runtime.count_tokens(modelId="titan", input={"invokeModel": {"body": body}})["inputTokens"] == 3
    assert runtime.count_tokens(modelId="titan", input={"converse": {"messages": MESSAGES}})["inputTokens"] == 3


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"contentType": "text/plain"}, "content type 'text/plain' is not supported"),
        ({"accept": "image/png"}, "cannot be given as 'image/png'"),
        ({"trace": "ENABLED"}, "trace 'ENABLED' is not supported here"),
        ({"serviceTier": "flex"}, "serviceTier 'flex' is not supported here"),
        ({"guardrailIdentifier": "abcdefgh", "guardrailVersion": "1"}, "guardrailIdentifier is not supported here"),
        ({"body": b"{}"}, r"required key \[inputText\] not found"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(runtime: Any, options: dict[str, Any], text: str):
    for operation in (runtime.invoke_model, runtime.invoke_model_with_response_stream):
        with pytest.raises(runtime.exceptions.ValidationException, match=text):
            operation(**{"modelId": "titan", "body": BODY, **options})


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json; charset=utf-8"])
def test_usual_media_types_are_taken(runtime: Any, accept: str):
    assert runtime.invoke_model(modelId="titan", body=BODY, accept=accept, contentType="application/json; a=b")["body"]


def test_errors_reach_the_caller_as_their_modelled_exceptions():
    throttled = boto3_over(PlacedEngine(refusal=Throttled("Too many requests")))
    for call in (
        lambda: throttled.invoke_model(modelId="titan", body=BODY),
        lambda: throttled.invoke_model_with_response_stream(modelId="titan", body=BODY),
        lambda: throttled.converse(modelId="titan", messages=MESSAGES),
        lambda: throttled.converse_stream(modelId="titan", messages=MESSAGES),
    ):
        with pytest.raises(throttled.exceptions.ThrottlingException, match="Too many requests"):
            call()
    with pytest.raises(throttled.exceptions.ResourceNotFoundException):
        throttled.invoke_model(modelId="unknown", body=BODY)
    failing = boto3_over(PlacedEngine(breakage=ModelFailed("the engine host ended")))
    with pytest.raises(failing.exceptions.ModelErrorException, match="host ended"):
        failing.invoke_model(modelId="titan", body=BODY)


def test_an_engine_that_dies_midway_ends_the_stream_with_an_error_behind_what_was_said():
    failing = boto3_over(PlacedEngine(breakage=ModelFailed("the engine host ended")))
    events = iter(failing.invoke_model_with_response_stream(modelId="titan", body=BODY)["body"])
    assert [json.loads(next(events)["chunk"]["bytes"])["outputText"] for _ in range(2)] == ["Hello", " world"]
    with pytest.raises(EventStreamError, match="host ended"):
        next(events)
