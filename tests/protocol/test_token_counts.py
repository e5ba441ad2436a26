"""CountTokens says what an invocation of the same request is then billed: in every body format, and in Converse.

The engine is real (nano, behind its socket); so each count is the length of a prompt that a model has been given.
"""

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tanren.aws.chain import build_application
from tanren.aws.operations.bedrock_runtime import runtime_handlers
from tanren.bodies.registry import BODY_FORMATS
from tanren.domain.conversation import Conversation
from tanren.domain.generation import GenerationEvent, GenerationRequest
from tanren.domain.scope import Scope
from tanren.model_files.store import NANO_FOLDER
from tanren.runtime.inference import Inference, Placed
from tanren.serving.client import EngineClient
from tanren.serving.engines.reference import ReferenceEngine
from tanren.serving.engines.reference_base import load_reference_base
from tanren.serving.host import EngineHost
from tanren.serving.protocol import AdapterRef, EngineLimits
from tests.protocol.loopback import RUNNER, OneKey, client
from tests.unit.bodies.golden_cases import OF_IMPORTED_MODELS, golden_files, own_format


class ShortAnswers:
    """A placement of one engine, which is asked for two tokens at most: what is counted is the prompt."""

    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine

    async def place(self, scope: Scope, model_id: str) -> Placed:
        name = model_id.removeprefix("imported-")
        return Placed(engine=self, adapter=None, model_id=model_id, body_format=name, is_imported=name != model_id)

    async def count_input_tokens(self, conversation: Conversation) -> int:
        return await self._engine.count_input_tokens(conversation)

    async def generate(
        self, request: GenerationRequest, adapter: AdapterRef | None = None
    ) -> AsyncGenerator[GenerationEvent]:
        async with aclosing(self._engine.generate(replace(request, max_new_tokens=2), adapter)) as events:
            async for event in events:
                yield event


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    engine = ReferenceEngine(load_reference_base(NANO_FOLDER), EngineLimits())
    host = EngineHost(engine, tmp_path_factory.mktemp("engine") / "s")
    RUNNER.run(host.start())
    handlers = runtime_handlers(Inference(ShortAnswers(EngineClient(str(host._socket_path)))))
    app = build_application(
        handlers={"bedrock": {}, "bedrock-runtime": handlers}, access_keys=OneKey(), neighbourhood=None
    )
    yield client(app, "bedrock-runtime")
    RUNNER.run(host.drain(1.0))
    engine.close()


def test_every_body_format_has_a_file_that_is_counted_here():
    counted = {json.loads(file.read_text("utf-8"))["format"] for file in golden_files()}
    assert counted == BODY_FORMATS.keys()


@pytest.mark.parametrize("file", golden_files(), ids=lambda file: file.stem)
def test_a_body_costs_what_was_counted_whole_and_streamed(runtime: Any, file: Path):
    case = json.loads(file.read_text("utf-8"))
    own = ("imported-" if case["format"] in OF_IMPORTED_MODELS else "") + own_format(case["format"])
    body = json.dumps(case["request"]).encode()
    counted = runtime.count_tokens(modelId=own, input={"invokeModel": {"body": body}})["inputTokens"]
    answer = runtime.invoke_model(modelId=own, body=body)
    assert int(answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-bedrock-input-token-count"]) == counted
    assert set(_said(json.loads(answer["body"].read()))) <= {counted}
    chunks = runtime.invoke_model_with_response_stream(modelId=own, body=body)["body"]
    said = [each for event in chunks for each in _said(json.loads(event["chunk"]["bytes"]))]
    assert set(said) == {counted}


_NAMES = (
    "inputTextTokenCount",
    "input_tokens",
    "prompt_token_count",
    "inputTokens",
    "prompt_tokens",
    "inputTokenCount",
)


def _said(value: Any) -> list[int]:
    """Every number of input tokens that an answer states, wherever the format has it."""
    if isinstance(value, list):
        return [each for item in value for each in _said(item)]
    if not isinstance(value, dict):
        return []
    own = [each for name, each in value.items() if name in _NAMES and isinstance(each, int)]
    return own + [each for item in value.values() for each in _said(item)]


ASKED = [{"role": "user", "content": [{"text": "Order two red lamps. "}]}]
SCHEMA = {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]}
TOOLS = [{"toolSpec": {"name": "order", "description": "Orders", "inputSchema": {"json": SCHEMA}}}]
USE = {"toolUse": {"toolUseId": "t1", "name": "order", "input": {"count": 2}}}
RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"json": {"id": 7}}, {"text": "done"}], "status": "error"}}
NOTES = {"document": {"format": "txt", "name": "notes", "source": {"bytes": b"Lamps are red."}}}
CONVERSED: dict[str, dict[str, Any]] = {
    "text": {"messages": ASKED},
    "system": {"messages": ASKED, "system": [{"text": "Be brief."}, {"text": "Be kind."}]},
    "prefill": {"messages": [*ASKED, {"role": "assistant", "content": [{"text": "Certainly,"}]}]},
    "tools": {"messages": ASKED, "toolConfig": {"tools": TOOLS}},
    "a forced tool": {"messages": ASKED, "toolConfig": {"tools": TOOLS, "toolChoice": {"any": {}}}},
    "tool results": {
        "messages": [*ASKED, {"role": "assistant", "content": [USE]}, {"role": "user", "content": [RESULT]}],
        "toolConfig": {"tools": TOOLS},
    },
    "a document": {"messages": [{"role": "user", "content": [NOTES, {"text": "What colour?"}]}]},
    "additional fields": {"messages": ASKED, "additionalModelRequestFields": {"top_k": 5, "seed": 1}},
    "a control token": {"messages": [{"role": "user", "content": [{"text": "<|end|><|assistant|>"}]}]},
}


@pytest.mark.parametrize("kind", CONVERSED)
def test_a_conversation_costs_what_was_counted_whole_and_streamed(runtime: Any, kind: str):
    asked = CONVERSED[kind]
    counted = runtime.count_tokens(modelId="titan_text", input={"converse": asked})["inputTokens"]
    assert runtime.converse(modelId="titan_text", **asked)["usage"]["inputTokens"] == counted
    events = list(runtime.converse_stream(modelId="titan_text", **asked)["stream"])
    assert events[-1]["metadata"]["usage"]["inputTokens"] == counted
