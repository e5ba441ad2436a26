"""Amazon Nova's messages: `messages` of content blocks with `inferenceConfig` in, `output.message` out.

Text only for now; images, videos, documents, tools and reasoning are refused by name.

Source   https://docs.aws.amazon.com/nova/latest/userguide/complete-request-schema.html; the shape of chunks: fact sheet
         §5.3. `schemaVersion` may be left out. `max_new_tokens` is an older spelling of `maxTokens` which AWS's console
         samples write and AWS takes.
"""

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

SCHEMA_VERSION: Final = "messages-v1"
MAX_TOKENS: Final = 65_536
"""Of Nova 2, the largest of the family; the first generation takes 5,000."""
DEFAULT_MAX_TOKENS: Final = 5_000
MAX_TOP_K: Final = 128
MAX_STOP_SEQUENCES: Final = 64
"""Ours: AWS states no bound, and each costs a little at every token."""

SPELLINGS: Final = (("maxTokens", "max_new_tokens"), ("topP", "top_p"), ("topK", "top_k"))

NO_TEXT: Final = ("image", "video", "audio", "document", "toolUse", "toolResult", "reasoningContent", "cachePoint")
"""Content blocks that Nova has beside `text`."""

BLOCK_SEPARATOR: Final = "\n"
"""Between the text blocks of one message."""

STOP_REASONS: Final[dict[FinishReason, str]] = {
    FinishReason.END_TURN: "end_turn",
    FinishReason.MAX_TOKENS: "max_tokens",
    FinishReason.STOP_SEQUENCE: "stop_sequence",
    FinishReason.CONTEXT_FULL: "max_tokens",
}


class NovaMessages:
    name: ClassVar[str] = "nova_messages"
    defaults: ClassVar[GenerationDefaults] = GenerationDefaults(
        max_new_tokens=DEFAULT_MAX_TOKENS, temperature=0.7, top_p=0.9
    )

    def matches(self, body: Json) -> bool:
        return "inferenceConfig" in body or body.get("schemaVersion") == SCHEMA_VERSION

    def decode(self, body: Json) -> GenerationRequest:
        violations = Violations()
        members = Members(body, violations)
        members.text("schemaVersion", one_of=(SCHEMA_VERSION,))
        system = [_read_block(pointer, block, violations) for pointer, block in members.items("system")]
        messages = _read_messages(members, violations)
        config = members.nested("inferenceConfig") or Members({}, violations)
        names = {name: _spelling(config, name, older, violations) for name, older in SPELLINGS}
        max_tokens = config.integer(names["maxTokens"], minimum=1, maximum=MAX_TOKENS)
        temperature = config.number("temperature", minimum=0, maximum=1)
        top_p = config.number(names["topP"], minimum=0, maximum=1, is_minimum_excluded=True)
        top_k = config.integer(names["topK"], minimum=0, maximum=MAX_TOP_K)
        stop_sequences = config.texts("stopSequences", max_items=MAX_STOP_SEQUENCES)
        config.refuse("reasoningConfig")
        config.refuse_others()
        members.refuse("toolConfig")
        members.refuse_others()
        violations.raise_if_any()
        return GenerationRequest(
            conversation=Conversation(
                system=BLOCK_SEPARATOR.join(text for text in system if text) or None, messages=messages
            ),
            max_new_tokens=max_tokens or self.defaults.max_new_tokens,
            temperature=self.defaults.temperature if temperature is None else temperature,
            top_p=top_p or self.defaults.top_p,
            top_k=top_k or None,
            stop_sequences=stop_sequences,
        )

    def encode(self, result: GenerationResult, model_id: str, body: Json) -> Json:
        content = [{"text": result.text}] if result.text else []
        return {
            "output": {"message": {"content": content, "role": "assistant"}},
            "stopReason": STOP_REASONS[result.end.finish_reason],
            "usage": _usage(result.end),
        }

    def stream_encoder(self, model_id: str) -> StreamEncoder:
        return _NovaStream()


class _NovaStream:
    """Objects of ConverseStream's shapes: messageStart, deltas of one block, its stop, messageStop, metadata."""

    def __init__(self) -> None:
        self._has_block = False

    def chunks(self, event: GenerationEvent) -> list[Json]:
        match event:
            case GenerationStart():
                return [{"messageStart": {"role": "assistant"}}]
            case TextDelta() if event.text:
                self._has_block = True
                return [{"contentBlockDelta": {"delta": {"text": event.text}, "contentBlockIndex": 0}}]
            case TextDelta():
                return []
            case GenerationEnd():
                return [
                    *([{"contentBlockStop": {"contentBlockIndex": 0}}] if self._has_block else []),
                    {"messageStop": {"stopReason": STOP_REASONS[event.finish_reason]}},
                    {"metadata": {"usage": _usage(event), "metrics": {}, "trace": {}}, **invocation_metrics(event)},
                ]


def _usage(end: GenerationEnd) -> Json:
    return {
        "inputTokens": end.input_token_count,
        "outputTokens": end.output_token_count,
        "totalTokens": end.input_token_count + end.output_token_count,
    }


def _spelling(config: Members, name: str, older: str, violations: Violations) -> str:
    """Which of two spellings the body uses."""
    if config.has(name) and config.has(older):
        violations.add(config.pointer, f"{name} and {older} are the same; give one of them")
        config.take(older)
    return older if config.has(older) and not config.has(name) else name


def _read_messages(members: Members, violations: Violations) -> tuple[Message, ...]:
    """The turns, alternating, the user's first and last. Violations are recorded where they are not."""
    messages: list[Message] = []
    for pointer, item in members.items("messages", min_items=1, is_required=True):
        if not isinstance(item, dict):
            violations.add(pointer, f"expected type: JSONObject, found: {type_name(item)}")
            continue
        message = Members(cast("Json", item), violations, pointer)
        role = message.text("role", is_required=True, one_of=("user", "assistant"))
        blocks = message.items("content", min_items=1, is_required=True)
        texts = [_read_block(block_pointer, block, violations) for block_pointer, block in blocks]
        message.refuse_others()
        if role is None:
            continue
        if messages and messages[-1].role == role:
            violations.add(pointer, "roles must alternate between user and assistant")
        messages.append(Message(role=Role(role), text=BLOCK_SEPARATOR.join(text for text in texts if text)))
    if messages and messages[0].role is not Role.USER:
        violations.add("#/messages/0", "the first message must use the user role")
    if messages and messages[-1].role is not Role.USER:
        violations.add("#/messages", f"a last message of the assistant (prefill) is {NOT_SUPPORTED}")
    return tuple(messages)


def _read_block(pointer: str, value: Any, violations: Violations) -> str | None:
    """The text of `{"text": …}`."""
    if not isinstance(value, dict):
        violations.add(pointer, f"expected type: JSONObject, found: {type_name(value)}")
        return None
    block = Members(cast("Json", value), violations, pointer)
    other = [name for name in NO_TEXT if block.has(name)]
    block.refuse(*NO_TEXT)
    text = block.text("text", is_required=not other, min_length=1)
    block.refuse_others()
    return text
