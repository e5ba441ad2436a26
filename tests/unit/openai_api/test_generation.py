"""A stream that breaks says so in its last event; a parameter is refused by its name."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime
from typing import Any

import pytest

from tanren.bodies.openai_chat import OpenAIChat
from tanren.domain.errors import ModelFailed, Throttled, ValidationFailed
from tanren.domain.scope import Scope
from tanren.openai_api.calls import Answer
from tanren.openai_api.errors import InvalidParameter, UnknownModel
from tanren.openai_api.generation import generation_handler
from tanren.runtime.inference import Inference
from tests.unit.runtime.placed_engine import PlacedEngine

CHAT: dict[str, Any] = {"model": "titan", "messages": [{"role": "user", "content": "hi"}]}


class Call:
    method, raw_path, raw_query, headers = "POST", "/v1/chat/completions", "", {}
    request_id = "r-1"
    received_at = datetime(2026, 11, 21, tzinfo=UTC)
    scope = Scope(account_id="123456789012", region="us-east-1")

    def __init__(self, body: Any) -> None:
        self.body = json.dumps(body).encode()
        self.permitted: list[tuple[str, str, dict[str, Any]]] = []

    async def pieces(self) -> AsyncIterator[bytes]:
        yield self.body

    async def permit(self, service: str, operation: str, params: dict[str, Any]) -> None:
        self.permitted.append((service, operation, params))

    async def while_connected(self, work: Awaitable[Any]) -> Any:
        return await work


class Known:
    def __init__(self, *names: str) -> None:
        self.names = names

    async def check(self, scope: Scope, model_id: str) -> None:
        if model_id not in self.names:
            raise UnknownModel(model_id)


def answered(engine: PlacedEngine, body: Any) -> tuple[Answer, list[bytes]]:
    async def story() -> tuple[Answer, list[bytes]]:
        answer = await generation_handler(Inference(engine), Known("titan"), OpenAIChat())(Call(body), "")
        return answer, [] if isinstance(answer.body, bytes) else [piece async for piece in answer.body]

    return asyncio.run(story())


def test_a_stream_that_breaks_ends_with_the_error_and_without_done():
    _, pieces = answered(PlacedEngine(breakage=ModelFailed("the engine broke")), {**CHAT, "stream": True})
    last = json.loads(pieces[-1].removeprefix(b"data: "))
    assert last["error"]["message"] == "the engine broke"
    assert b"[DONE]" not in b"".join(pieces)


def test_what_is_refused_before_the_first_event_is_an_error_and_no_stream():
    with pytest.raises(Throttled):
        answered(PlacedEngine(refusal=Throttled("full")), {**CHAT, "stream": True})


def test_a_bad_request_of_a_known_model_is_told_of_the_request_and_not_of_the_model():
    with pytest.raises(ValidationFailed, match="too long"):
        answered(PlacedEngine(refusal=ValidationFailed("too long")), CHAT)
    with pytest.raises(UnknownModel):
        answered(PlacedEngine(), {**CHAT, "model": "no-such"})


@pytest.mark.parametrize(
    "extra",
    [
        {"n": 1, "logprobs": False, "frequency_penalty": 0, "presence_penalty": 0.0, "logit_bias": {}},
        {"user": "u", "store": False, "service_tier": "auto", "seed": None, "stop": None, "tools": None},
        {"stream": False, "stream_options": None},
    ],
)
def test_what_says_the_normal_thing_is_taken(extra: dict[str, Any]):
    answer, _ = answered(PlacedEngine(), {**CHAT, **extra})
    assert answer.status == 200


@pytest.mark.parametrize(
    ("extra", "param"),
    [
        ({"logprobs": True}, "logprobs"),
        ({"logprobs": 0}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"stream": "yes"}, "stream"),
        ({"user": 5}, "user"),
        ({"stream": True, "stream_options": {"include_obfuscation": True}}, "stream_options"),
        ({"messages": []}, "messages"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_what_has_no_effect_or_breaks_a_rule_is_named(extra: dict[str, Any], param: str):
    with pytest.raises(InvalidParameter) as raised:
        answered(PlacedEngine(), {**CHAT, **extra})
    assert raised.value.param == param
