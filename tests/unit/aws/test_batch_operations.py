"""A record gets what an online caller would get, body for body and error for error."""

import asyncio
import json
from typing import Any

import pytest

from tanren.aws.batch_operations import BatchCaller, batch_operation
from tanren.aws.operations.bedrock_runtime import runtime_handlers
from tanren.domain.errors import ModelFailed, TanrenError, Throttled, ValidationFailed
from tanren.runtime.batch_records import RecordOperation
from tanren.runtime.inference import Inference
from tests.unit.runtime.placed_engine import PlacedEngine

TITAN = {"inputText": "hi", "textGenerationConfig": {"maxTokenCount": 5}}
CONVERSE: dict[str, Any] = {
    "messages": [{"role": "user", "content": [{"text": "hi"}]}],
    "inferenceConfig": {"maxTokens": 5},
}


@pytest.fixture
def operation(scope, clock):
    def make(name: str, engine: PlacedEngine) -> RecordOperation:
        caller = BatchCaller(scope=scope, role_arn="arn:aws:iam::123456789012:role/B", model_id="titan", job_arn="j")
        return batch_operation(name, runtime_handlers(Inference(engine)), caller, clock=clock)

    return make


def test_an_invoke_record_is_answered_with_the_models_body_and_its_counts(operation):
    engine = PlacedEngine()
    output = asyncio.run(operation("InvokeModel", engine).answer(TITAN))
    assert output.body["results"][0]["outputText"] == "Hello world"
    assert (output.input_token_count, output.output_token_count) == (7, 2)
    assert engine.asked[0][0].max_new_tokens == 5


def test_a_converse_record_is_answered_with_the_response_body(operation):
    engine = PlacedEngine()
    output = asyncio.run(operation("Converse", engine).answer(CONVERSE))
    assert output.body["output"] == {"message": {"role": "assistant", "content": [{"text": "Hello world"}]}}
    assert output.body["usage"]["totalTokens"] == 9
    assert (output.input_token_count, output.output_token_count) == (7, 2)
    assert engine.asked[0][0].max_new_tokens == 5
    json.dumps(output.body)


@pytest.mark.parametrize(
    ("name", "body", "text"),
    [
        ("InvokeModel", {"prompt": 3}, "Malformed input request"),
        ("InvokeModel", {"inputText": "\ud800"}, "surrogate"),
        ("Converse", {**CONVERSE, "modelId": "titan"}, r"extraneous key \[modelId\]"),
        ("Converse", {"messages": "hi"}, "messages"),
        ("Converse", {**CONVERSE, "inferenceConfig": {"temperature": 7}}, "temperature"),
        ("Converse", {}, "must start with a user message"),
    ],
)
def test_a_body_that_breaks_a_rule_is_refused_as_it_is_online(operation, name, body, text):
    asked = operation(name, PlacedEngine())
    with pytest.raises(ValidationFailed, match=text) as refused:
        asyncio.run(asked.answer(body))
    assert asked.error(refused.value) == {"errorCode": 400, "errorMessage": str(refused.value)}


@pytest.mark.parametrize(
    ("error", "code"), [(ModelFailed("broke"), 424), (Throttled("full"), 429), (TanrenError("?"), 500)]
)
def test_the_code_of_an_error_is_its_http_status(operation, error, code):
    assert operation("InvokeModel", PlacedEngine()).error(error)["errorCode"] == code
