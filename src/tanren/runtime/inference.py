"""Invoke, converse and count tokens: from a model id and a body to an engine and back.

    place (which engine, which adapter) → decode (body format, or Converse as it is) → engine → encode

A stream is opened before it is returned: the first event of the engine is awaited, so that whatever can be refused
(unknown model, bad body, full queue, adapter that cannot be used) is an HTTP error and not an error inside a stream.
Leaving a stream early cancels the generation.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from tanren.bodies.base import BodyFormat
from tanren.bodies.registry import BODY_FORMATS, decode_body
from tanren.domain.conversation import Conversation
from tanren.domain.errors import ModelFailed
from tanren.domain.generation import GenerationEnd, GenerationEvent, GenerationRequest, GenerationResult, TextDelta
from tanren.domain.scope import Scope
from tanren.runtime.conversing import ConverseInput
from tanren.serving.protocol import AdapterRef

CONTENT_TYPE = "application/json"


class ServingEngine(Protocol):
    """What inference needs of an engine; `serving/client.py` has it.

    Both raise ModelFailed, ModelTimeout, ServiceUnavailable, Throttled and ValidationFailed.
    """

    def generate(
        self, request: GenerationRequest, adapter: AdapterRef | None = None
    ) -> AsyncGenerator[GenerationEvent]:
        """One GenerationStart, then deltas, then one GenerationEnd; `aclose` cancels."""
        ...

    async def count_input_tokens(self, conversation: Conversation) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where a model answers."""

    engine: ServingEngine
    adapter: AdapterRef | None
    """None where the base itself answers."""
    model_id: str
    """As the answer names it, for example in Anthropic's `model`."""
    body_format: str
    """The model's own format, a key of `BODY_FORMATS`."""


class Placement(Protocol):
    """From what a caller writes to the engine that answers.

    Called once a request, before its body is read. It may wait a little for an engine that is being started.
    """

    async def place(self, scope: Scope, model_id: str) -> Placed:
        """`model_id` is a bare id or name, or an ARN of any kind that can be invoked, percent-decoded.

        Raises   ResourceNotFound or ValidationFailed for what cannot be invoked; ModelNotReady while it is loading.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeReply:
    body: bytes
    content_type: str
    input_token_count: int
    output_token_count: int
    latency_ms: int
    """From the engine's acceptance of the request to its last token."""


class Inference:
    def __init__(self, placement: Placement) -> None:
        self._placement = placement

    async def invoke(self, scope: Scope, model_id: str, body: bytes) -> InvokeReply:
        """The whole answer, in the body format that the caller spoke.

        Raises   what `Placement.place` and `ServingEngine.generate` raise; ValidationFailed for a bad body.
        """
        placed = await self._placement.place(scope, model_id)
        decoded = decode_body(body, placed.body_format)
        result = await collected(placed.engine.generate(decoded.request, placed.adapter))
        return InvokeReply(
            body=_json_bytes(decoded.body_format.encode(result, placed.model_id, decoded.body)),
            content_type=CONTENT_TYPE,
            input_token_count=result.end.input_token_count,
            output_token_count=result.end.output_token_count,
            latency_ms=result.end.total_ms,
        )

    async def invoke_stream(self, scope: Scope, model_id: str, body: bytes) -> AsyncGenerator[bytes]:
        """The chunks of an answer that has begun. Raises   as `invoke`; while it is read, what the engine raises."""
        placed = await self._placement.place(scope, model_id)
        decoded = decode_body(body, placed.body_format)
        events = await opened(placed.engine.generate(decoded.request, placed.adapter))
        return _encoded(events, decoded.body_format, placed.model_id)

    async def converse(self, scope: Scope, model_id: str, converse_input: ConverseInput) -> GenerationResult:
        placed = await self._placement.place(scope, model_id)
        request = converse_input.request(BODY_FORMATS[placed.body_format].defaults)
        return await collected(placed.engine.generate(request, placed.adapter))

    async def converse_stream(
        self, scope: Scope, model_id: str, converse_input: ConverseInput
    ) -> AsyncGenerator[GenerationEvent]:
        """The events of an answer that has begun."""
        placed = await self._placement.place(scope, model_id)
        request = converse_input.request(BODY_FORMATS[placed.body_format].defaults)
        return await opened(placed.engine.generate(request, placed.adapter))

    async def count_body_tokens(self, scope: Scope, model_id: str, body: bytes) -> int:
        """What `invoke` would report as input tokens for this body."""
        placed = await self._placement.place(scope, model_id)
        return await placed.engine.count_input_tokens(decode_body(body, placed.body_format).request.conversation)

    async def count_conversation_tokens(self, scope: Scope, model_id: str, conversation: Conversation) -> int:
        placed = await self._placement.place(scope, model_id)
        return await placed.engine.count_input_tokens(conversation)


async def collected(events: AsyncGenerator[GenerationEvent]) -> GenerationResult:
    """The answer as a whole."""
    pieces: list[str] = []
    async with aclosing(events):
        async for event in events:
            if isinstance(event, TextDelta):
                pieces.append(event.text)
            elif isinstance(event, GenerationEnd):
                return GenerationResult(text="".join(pieces), end=event)
    raise ModelFailed("the engine's answer broke off without an end")


async def opened(events: AsyncGenerator[GenerationEvent]) -> AsyncGenerator[GenerationEvent]:
    """The same events, the first of them already here. Raises   what the engine raises before its first event."""
    try:
        first = await anext(events)
    except BaseException:
        await events.aclose()
        raise
    return _resumed(first, events)


async def _resumed(first: GenerationEvent, rest: AsyncGenerator[GenerationEvent]) -> AsyncGenerator[GenerationEvent]:
    async with aclosing(rest):
        yield first
        async for event in rest:
            yield event


async def _encoded(
    events: AsyncGenerator[GenerationEvent], body_format: BodyFormat, model_id: str
) -> AsyncGenerator[bytes]:
    encoder = body_format.stream_encoder(model_id)
    async with aclosing(events):
        async for event in events:
            for chunk in encoder.chunks(event):
                yield _json_bytes(chunk)


def _json_bytes(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
