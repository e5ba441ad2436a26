"""Anthropic Messages, as Bedrock speaks it: `anthropic_version` in the body, no `model`, no `stream`.

Text only for now. Images, documents, tools, extended thinking, beta flags and cache marks are refused by name.

Source   https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
         and Anthropic's Messages API: consecutive messages of one role count as one turn.
"""

import secrets
import string
from collections.abc import Callable
from typing import Any, ClassVar, Final, cast

from tanren.bodies.base import GenerationDefaults, Json, StreamEncoder, invocation_metrics
from tanren.bodies.schema_violations import NOT_SUPPORTED, Members, Violations, type_name
from tanren.domain.conversation import Conversation, Message, Role
from tanren.domain.generation import (
    FinishReason,
    GenerationEnd,
    GenerationEvent,
    GenerationRequest,
    GenerationResult,
    GenerationStart,
    TextDelta,
)

VERSIONS: Final = ("bedrock-2023-05-31", "2026-10-21")
"""What Bedrock documents, and what Anthropic's own SDK for Bedrock sends since its version 2 (2.11.0 was tried)."""
MAX_TOP_K: Final = 500
MAX_STOP_SEQUENCES: Final = 8191
NOT_YET: Final = ("tools", "tool_choice", "thinking", "anthropic_beta", "metadata", "output_config", "service_tier")

STOP_REASONS: Final[dict[FinishReason, str]] = {
    FinishReason.END_TURN: "end_turn",
    FinishReason.MAX_TOKENS: "max_tokens",
    FinishReason.STOP_SEQUENCE: "stop_sequence",
    FinishReason.CONTEXT_FULL: "model_context_window_exceeded",
}

BLOCK_SEPARATOR: Final = "\n"
"""Between the text blocks of one turn."""


def random_message_id() -> str:
    alphabet = string.ascii_letters + string.digits
    return "msg_bdrk_" + "".join(secrets.choice(alphabet) for _ in range(24))


class AnthropicMessages:
    name: ClassVar[str] = "anthropic_messages"
    # Anthropic's API requires max_tokens; Converse does not, and there the family's models take their own maximum.
    defaults: ClassVar[GenerationDefaults] = GenerationDefaults(max_new_tokens=4096, temperature=1.0, top_p=0.999)

    def __init__(self, *, new_message_id: Callable[[], str] = random_message_id) -> None:
        self._new_message_id = new_message_id

    def matches(self, body: Json) -> bool:
        # Text completions may have the version too.
        return "anthropic_version" in body and "max_tokens_to_sample" not in body

    def decode(self, body: Json) -> GenerationRequest:
        violations = Violations()
        members = Members(body, violations)
        members.text("anthropic_version", is_required=True, one_of=VERSIONS)
        max_tokens = members.integer("max_tokens", minimum=1, is_required=True)
        temperature = members.number("temperature", minimum=0, maximum=1)
        top_p = members.number("top_p", minimum=0, maximum=1, is_minimum_excluded=True)
        top_k = members.integer("top_k", minimum=0, maximum=MAX_TOP_K)
        stop_sequences = members.texts("stop_sequences", max_items=MAX_STOP_SEQUENCES)
        system = _read_text(members, "system", violations) if members.has("system") else None
        messages = _read_messages(members, violations)
        members.refuse(*NOT_YET)
        members.refuse_others()
        violations.raise_if_any()
        return GenerationRequest(
            conversation=Conversation(system=system or None, messages=messages),
            max_new_tokens=max_tokens or self.defaults.max_new_tokens,
            temperature=self.defaults.temperature if temperature is None else temperature,
            top_p=top_p or self.defaults.top_p,
            top_k=top_k or None,
            stop_sequences=stop_sequences,
        )

    def encode(self, result: GenerationResult, model_id: str, body: Json) -> Json:
        return {
            "id": self._new_message_id(),
            "type": "message",
            "role": "assistant",
            "model": model_id,
            "content": [{"type": "text", "text": result.text}] if result.text else [],
            "stop_reason": STOP_REASONS[result.end.finish_reason],
            "stop_sequence": result.end.stop_sequence,
            "usage": {
                "input_tokens": result.end.input_token_count,
                "output_tokens": result.end.output_token_count,
            },
        }

    def stream_encoder(self, model_id: str) -> StreamEncoder:
        return _AnthropicStream(self._new_message_id(), model_id)


class _AnthropicStream:
    """message_start, then one text block from start to stop (none for an empty answer), message_delta, message_stop."""

    def __init__(self, message_id: str, model_id: str) -> None:
        self._message_id = message_id
        self._model_id = model_id
        self._has_block = False

    def chunks(self, event: GenerationEvent) -> list[Json]:
        match event:
            case GenerationStart():
                return [self._message_start(event)]
            case TextDelta():
                return self._delta(event.text) if event.text else []
            case GenerationEnd():
                return self._ending(event)

    def _message_start(self, start: GenerationStart) -> Json:
        message = {
            "id": self._message_id,
            "type": "message",
            "role": "assistant",
            "model": self._model_id,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": start.input_token_count, "output_tokens": 0},
        }
        return {"type": "message_start", "message": message}

    def _delta(self, text: str) -> list[Json]:
        chunks: list[Json] = []
        if not self._has_block:
            self._has_block = True
            chunks.append({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
        chunks.append({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})
        return chunks

    def _ending(self, end: GenerationEnd) -> list[Json]:
        delta = {"stop_reason": STOP_REASONS[end.finish_reason], "stop_sequence": end.stop_sequence}
        return [
            *([{"type": "content_block_stop", "index": 0}] if self._has_block else []),
            {"type": "message_delta", "delta": delta, "usage": {"output_tokens": end.output_token_count}},
            {"type": "message_stop", **invocation_metrics(end)},
        ]


def _read_messages(members: Members, violations: Violations) -> tuple[Message, ...]:
    """The turns; neighbours of one role are merged. Violations are recorded where the rules of turns are broken."""
    turns: list[Message] = []
    for pointer, item in members.items("messages", min_items=1, is_required=True):
        if not isinstance(item, dict):
            violations.add(pointer, f"expected type: JSONObject, found: {type_name(item)}")
            continue
        message = Members(cast("Json", item), violations, pointer)
        role = message.text("role", is_required=True, one_of=("user", "assistant"))
        text = _read_text(message, "content", violations)
        message.refuse_others()
        if role is None or text is None:
            continue
        if turns and turns[-1].role == role:
            text = f"{turns.pop().text}{BLOCK_SEPARATOR}{text}"
        turns.append(Message(role=Role(role), text=text))
    if turns and turns[0].role is not Role.USER:
        violations.add("#/messages/0", "the first message must use the user role")
    if turns and turns[-1].role is not Role.USER:
        violations.add("#/messages", f"a last message of the assistant (prefill) is {NOT_SUPPORTED}")
    return tuple(turns)


def _read_text(members: Members, name: str, violations: Violations) -> str | None:
    """A string, or the texts of text blocks joined; None, with violations recorded, where it is neither."""
    pointer = f"{members.pointer}/{name}"
    value: Any = members.take(name, is_required=True)
    if value is None:
        return None
    if isinstance(value, str):
        return members.text(name, min_length=0 if name == "system" else 1)
    if not isinstance(value, list):
        violations.add(pointer, f"expected type: String or JSONArray, found: {type_name(value)}")
        return None
    texts = [_read_block(block_pointer, block, violations) for block_pointer, block in members.items(name, min_items=1)]
    return None if None in texts else BLOCK_SEPARATOR.join(text for text in texts if text is not None)


def _read_block(pointer: str, value: object, violations: Violations) -> str | None:
    if not isinstance(value, dict):
        violations.add(pointer, f"expected type: JSONObject, found: {type_name(value)}")
        return None
    block = Members(cast("Json", value), violations, pointer)
    kind = block.text("type", is_required=True)
    if kind is not None and kind != "text":
        violations.add(pointer, f"content blocks of type {kind} are {NOT_SUPPORTED}")
        return None
    text = block.text("text", is_required=True, min_length=1)
    block.refuse("cache_control", "citations")
    block.refuse_others()
    return text
