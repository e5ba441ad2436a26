"""Every golden file of every body format, asked and read by boto3: what a caller sees is what the file says.

The request goes out signed and comes back through the whole wire layer, whole and streamed; the engine behind it says
the file's events. A format without files fails (`tests/unit/bodies/test_registry.py` asks for each way to end).
"""

import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final

import pytest

from tanren.aws.chain import build_application
from tanren.aws.operations.bedrock_runtime import runtime_handlers
from tanren.bodies.registry import BODY_FORMATS
from tanren.domain.conversation import Conversation
from tanren.domain.generation import GenerationEvent, GenerationRequest
from tanren.domain.scope import Scope
from tanren.runtime.inference import Inference, Placed
from tanren.serving.protocol import AdapterRef
from tanren.serving.wire import event_from_frame, request_to_json
from tests.protocol.loopback import OneKey, client
from tests.unit.bodies.golden_cases import FORMATS, OF_IMPORTED_MODELS, golden_files, own_format

MADE_ID: Final = re.compile(r"(tooluse_|toolu_bdrk_)[0-9A-Za-z]{22}")
"""Of a tool use, new each time."""
SAME_ID: Final = r"\1TheSameEveryTime000000"


class Replaying:
    """A placement and an engine that say a golden file's events."""

    def __init__(self, case: dict[str, Any]) -> None:
        self._case = case
        self.asked: list[GenerationRequest] = []

    async def place(self, scope: Scope, model_id: str) -> Placed:
        name = self._case["format"]
        return Placed(
            engine=self,
            adapter=None,
            model_id=model_id,
            body_format=own_format(name),
            is_imported=name in OF_IMPORTED_MODELS,
        )

    async def count_input_tokens(self, conversation: Conversation) -> int:
        return self._case["events"][0]["start"]["input_token_count"]

    async def generate(
        self, request: GenerationRequest, adapter: AdapterRef | None = None
    ) -> AsyncGenerator[GenerationEvent]:
        self.asked.append(request)
        for frame in self._case["events"]:
            yield event_from_frame(frame)


@pytest.fixture(autouse=True)
def _the_same_ids_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, body_format in FORMATS.items():
        monkeypatch.setitem(BODY_FORMATS, name, body_format)


def over(engine: Replaying) -> Any:
    handlers = {"bedrock": {}, "bedrock-runtime": runtime_handlers(Inference(engine))}
    return client(build_application(handlers=handlers, access_keys=OneKey(), neighbourhood=None), "bedrock-runtime")


def same(text: str | bytes) -> Any:
    return json.loads(MADE_ID.sub(SAME_ID, text if isinstance(text, str) else text.decode()))


def cases() -> list[Any]:
    return [pytest.param(json.loads(file.read_text("utf-8")), id=Path(file).stem) for file in golden_files()]


@pytest.mark.parametrize("case", cases())
def test_boto3_reads_what_the_golden_file_says(case: dict[str, Any]):
    engine = Replaying(case)
    runtime, body = over(engine), json.dumps(case["request"]).encode()
    answer = runtime.invoke_model(modelId=case["model_id"], body=body)
    assert same(answer["body"].read()) == case["response"]
    end = case["events"][-1]["end"]
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    names = ("input-token-count", "output-token-count", "invocation-latency")
    assert [headers[f"x-amzn-bedrock-{name}"] for name in names] == [
        str(end[name]) for name in ("input_token_count", "output_token_count", "total_ms")
    ]
    streamed = runtime.invoke_model_with_response_stream(modelId=case["model_id"], body=body)
    assert [same(event["chunk"]["bytes"]) for event in streamed["body"]] == case["chunks"]
    counted = runtime.count_tokens(modelId=case["model_id"], input={"invokeModel": {"body": body}})
    assert counted["inputTokens"] == end["input_token_count"]

    for asked in engine.asked:
        decoded = request_to_json(asked)
        assert decoded.pop("cache_scope") == "123456789012"
        decoded.pop("is_streamed", None)  # the operation's, not the body's
        expected = dict(case["decoded"])
        if asked.forced_tools:
            expected.pop("stop_sequences", None)
            decoded.pop("stop_sequences", None)  # they end text, not calls
        assert decoded == expected


@pytest.mark.parametrize("case", cases())
def test_a_key_that_the_format_has_not_is_refused_by_its_name_wherever_it_stands(case: dict[str, Any]):
    runtime, request = over(Replaying(case)), case["request"]
    places = [name for name, value in request.items() if isinstance(value, dict) and name in _NESTED]
    bodies = [({**request, "unheardOf": 1}, "#")]
    bodies += [({**request, name: {**request[name], "unheardOf": 1}}, f"#/{name}") for name in places]
    for name in ("messages", "system", "tools"):
        if isinstance(request.get(name), list) and request[name]:
            first, *rest = request[name]
            if isinstance(first, dict):
                bodies.append(({**request, name: [{**first, "unheardOf": 1}, *rest]}, f"#/{name}/0"))
    for body, pointer in bodies:
        with pytest.raises(runtime.exceptions.ValidationException) as raised:
            runtime.invoke_model(modelId=case["model_id"], body=json.dumps(body))
        message = raised.value.response["Error"]["Message"]
        assert message.startswith("Malformed input request: ")
        assert f"{pointer}: extraneous key [unheardOf] is not permitted" in message
        assert message.endswith(", please reformat your input and try again.")


_NESTED: Final = ("textGenerationConfig", "inferenceConfig", "toolConfig", "tool_choice", "response_format")

STOP_REASONS: Final = {
    "titan_text": {"FINISHED", "LENGTH", "STOP_CRITERIA_MET"},
    "anthropic_text": {"stop_sequence", "max_tokens"},
    "anthropic_messages": {
        "end_turn",
        "max_tokens",
        "stop_sequence",
        "tool_use",
        "model_context_window_exceeded",
    },
    "meta_llama": {"stop", "length"},
    "bedrock_completion": {"stop", "length"},
    "cohere_command": {"COMPLETE", "MAX_TOKENS"},
    "mistral_text": {"stop", "length"},
    "mistral_chat": {"stop", "length", "tool_calls"},
    "nova_messages": {"end_turn", "max_tokens", "stop_sequence", "tool_use"},
    "openai_chat": {"stop", "length", "tool_calls"},
    "openai_completion": {"stop", "length"},
}
"""Of the fact sheet §5.3, those that an answer of text can have."""


@pytest.mark.parametrize("name", sorted(BODY_FORMATS))
def test_the_files_of_a_format_show_each_of_its_stop_reasons(name: str):
    said: set[str] = set()
    for file in golden_files():
        case = json.loads(file.read_text("utf-8"))
        if case["format"] == name:
            said |= _reasons(case["response"]) & _reasons(case["chunks"])
    assert said == STOP_REASONS[name]


_REASON_NAMES: Final = ("completionReason", "stop_reason", "stopReason", "finish_reason")


def _reasons(value: Any) -> set[str]:
    if isinstance(value, list):
        return {reason for each in value for reason in _reasons(each)}
    if not isinstance(value, dict):
        return set()
    own = {each for name, each in value.items() if name in _REASON_NAMES and isinstance(each, str)}
    return own | {reason for each in value.values() for reason in _reasons(each)}


ANTHROPIC_EVENTS: Final = {
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
}


def test_the_files_of_anthropics_messages_show_every_event_and_both_kinds_of_block():
    chunks = [
        chunk
        for file in golden_files()
        if file.stem.startswith("anthropic_messages")
        for chunk in json.loads(file.read_text("utf-8"))["chunks"]
    ]
    assert {chunk["type"] for chunk in chunks} == ANTHROPIC_EVENTS
    assert {chunk["delta"]["type"] for chunk in chunks if chunk["type"] == "content_block_delta"} == {
        "text_delta",
        "input_json_delta",
    }
