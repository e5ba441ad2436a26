"""Invoke, converse and count tokens: from a model id and a body to an engine and back.

    place (which engine, which adapter) → decode (body format, or Converse as it is) → engine → tool uses → encode

A stream is opened before it is returned: the first event of the engine is awaited, so that whatever can be refused
(unknown model, bad body, full queue, adapter that cannot be used) is an HTTP error and not an error inside a stream.
Leaving a stream early cancels the generation.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Protocol

from tanren.bodies.base import BodyFormat
from tanren.bodies.registry import BODY_FORMATS, decode_body
from tanren.domain.conversation import Conversation, ToolUse
from tanren.domain.errors import ModelFailed, NotImplementedHere, ValidationFailed
from tanren.domain.generation import (
    AnswerEvent,
    GenerationEnd,
    GenerationEvent,
    GenerationRequest,
    GenerationResult,
    TextDelta,
    ToolInputDelta,
    ToolUseEnd,
    ToolUseStart,
)
from tanren.domain.scope import Scope
from tanren.runtime.conversing import ConverseInput
from tanren.runtime.document_blocks import with_documents_read
from tanren.runtime.tool_use import check_tools, with_tool_uses
from tanren.serving.protocol import AdapterRef
from tanren.threads import DOCUMENTS

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
    has_tool_use: bool = True
    """False where the model that the id names takes no tools on Bedrock."""
    is_imported: bool = False
    """Whether it has the body formats of imported models."""
    takes_conversations: bool = True
    """False where the model has no chat template: it completes prompts."""


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
        decoded = decode_body(body, placed.body_format, is_imported=placed.is_imported)
        result = await self._whole_answer(scope, placed, decoded.request)
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
        decoded = decode_body(body, placed.body_format, is_imported=placed.is_imported)
        events = await opened(await self._answer(scope, placed, decoded.request))
        return _encoded(events, decoded.body_format, placed.model_id)

    async def converse(self, scope: Scope, model_id: str, converse_input: ConverseInput) -> GenerationResult:
        placed = await self._placement.place(scope, model_id)
        request = converse_input.request(BODY_FORMATS[placed.body_format].defaults)
        return await self._whole_answer(scope, placed, request)

    async def converse_stream(
        self, scope: Scope, model_id: str, converse_input: ConverseInput
    ) -> AsyncGenerator[AnswerEvent]:
        """The events of an answer that has begun."""
        placed = await self._placement.place(scope, model_id)
        request = converse_input.request(BODY_FORMATS[placed.body_format].defaults)
        return await opened(await self._answer(scope, placed, request))

    async def generate(self, scope: Scope, model_id: str, request: GenerationRequest) -> GenerationResult:
        """The whole answer to a request that another API has read. Raises   as `invoke`."""
        placed = await self._placement.place(scope, model_id)
        return await self._whole_answer(scope, placed, request)

    async def generate_stream(
        self, scope: Scope, model_id: str, request: GenerationRequest
    ) -> AsyncGenerator[AnswerEvent]:
        """The events of an answer that has begun. Raises   as `invoke_stream`."""
        placed = await self._placement.place(scope, model_id)
        return await opened(await self._answer(scope, placed, request))

    async def count_body_tokens(self, scope: Scope, model_id: str, body: bytes) -> int:
        """What `invoke` would report as input tokens for this body."""
        placed = await self._placement.place(scope, model_id)
        decoded = decode_body(body, placed.body_format, is_imported=placed.is_imported)
        return await self._count(placed, decoded.request)

    async def count_conversation_tokens(self, scope: Scope, model_id: str, conversation: Conversation) -> int:
        placed = await self._placement.place(scope, model_id)
        return await self._count(placed, GenerationRequest(conversation=conversation, max_new_tokens=1, temperature=0))

    async def _whole_answer(self, scope: Scope, placed: Placed, request: GenerationRequest) -> GenerationResult:
        return await collected(await self._answer(scope, placed, replace(request, is_streamed=False)))

    async def _answer(self, scope: Scope, placed: Placed, request: GenerationRequest) -> AsyncGenerator[AnswerEvent]:
        """The events of an answer that begins when the first of them is asked for."""
        checked = await _checked(placed, request)
        stops = () if checked.forced_tools else checked.stop_sequences
        asked = replace(checked, cache_scope=scope.account_id, stop_sequences=stops)
        return with_tool_uses(placed.engine.generate(asked, placed.adapter), asked)

    async def _count(self, placed: Placed, request: GenerationRequest) -> int:
        return await placed.engine.count_input_tokens((await _checked(placed, request)).conversation)


async def _checked(placed: Placed, request: GenerationRequest) -> GenerationRequest:
    """The request, its documents read. Raises   what one that asks for more than plain text can be refused with."""
    conversation = request.conversation
    if conversation.prompt is None and not placed.takes_conversations:
        raise ValidationFailed(
            "This action doesn't support the model that you provided. Try again with a supported text or chat model. "
            f"{placed.model_id} has no chat template (instructSupported is false); InvokeModel with a prompt is what "
            "it answers."
        )
    if conversation.tools and not placed.has_tool_use:
        raise NotImplementedHere("This model doesn't support tool use.")
    if conversation.tools or request.answer_schema is not None:
        await asyncio.to_thread(check_tools, request)
    if any(message.documents or message.enclosed for message in conversation.messages):
        # In a thread, since it waits for a process that parses them.
        return replace(request, conversation=await DOCUMENTS.run(with_documents_read, conversation))
    return request


async def collected(events: AsyncGenerator[AnswerEvent]) -> GenerationResult:
    """The answer as a whole; a tool use that has not ended is no part of it."""
    texts: list[str] = []
    tool_uses: list[ToolUse] = []
    started: ToolUseStart | None = None
    inputs: list[str] = []
    async with aclosing(events):
        async for event in events:
            match event:
                case TextDelta():
                    texts.append(event.text)
                case ToolUseStart():
                    started, inputs = event, []
                case ToolInputDelta():
                    inputs.append(event.json_text)
                case ToolUseEnd():
                    assert started is not None
                    tool_uses.append(ToolUse(id=started.id, name=started.name, input=json.loads("".join(inputs))))
                case GenerationEnd():
                    return GenerationResult(text="".join(texts), end=event, tool_uses=tuple(tool_uses))
                case _:
                    pass
    raise ModelFailed("the engine's answer broke off without an end")


async def opened(events: AsyncGenerator[AnswerEvent]) -> AsyncGenerator[AnswerEvent]:
    """The same events, the first of them already here. Raises   what the engine raises before its first event."""
    try:
        first = await anext(events)
    except BaseException:
        await events.aclose()
        raise
    return _resumed(first, events)


async def _resumed(first: AnswerEvent, rest: AsyncGenerator[AnswerEvent]) -> AsyncGenerator[AnswerEvent]:
    async with aclosing(rest):
        yield first
        async for event in rest:
            yield event


async def _encoded(
    events: AsyncGenerator[AnswerEvent], body_format: BodyFormat, model_id: str
) -> AsyncGenerator[bytes]:
    encoder = body_format.stream_encoder(model_id)
    async with aclosing(events):
        async for event in events:
            for chunk in encoder.chunks(event):
                yield _json_bytes(chunk)


def _json_bytes(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
