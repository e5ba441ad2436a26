"""Anthropic Messages, as Bedrock speaks it: `anthropic_version` in the body, no `model`, no `stream`.

Text, documents and tools (`anthropic_content.py` reads them). A last message of the assistant is the beginning of the
answer. Extended thinking and beta flags are refused by name.

Source   https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
"""

import secrets
import string
from collections.abc import Callable
from typing import ClassVar, Final

from tanren.bodies.anthropic_content import read_messages, read_text, read_tools
from tanren.bodies.base import GenerationDefaults, Json, StreamEncoder, invocation_metrics
from tanren.bodies.schema_violations import Members, Violations
from tanren.domain.conversation import Conversation
from tanren.domain.generation import (
    AnswerEvent,
    FinishReason,
    GenerationEnd,
    GenerationRequest,
    GenerationResult,
    GenerationStart,
    TextDelta,
    ToolInputDelta,
    ToolUseEnd,
    ToolUseStart,
)
from tanren.domain.prompt_templates import PromptTemplate

VERSIONS: Final = ("bedrock-2023-05-31", "2026-10-21")
"""What Bedrock documents, and what Anthropic's own SDK for Bedrock sends since its version 2 (2.11.0 was tried)."""
MAX_TOP_K: Final = 500
MAX_STOP_SEQUENCES: Final = 8191
NOT_YET: Final = ("thinking", "anthropic_beta", "metadata", "output_config", "service_tier")

STOP_REASONS: Final[dict[FinishReason, str]] = {
    FinishReason.END_TURN: "end_turn",
    FinishReason.MAX_TOKENS: "max_tokens",
    FinishReason.STOP_SEQUENCE: "stop_sequence",
    FinishReason.CONTEXT_FULL: "model_context_window_exceeded",
    FinishReason.TOOL_USE: "tool_use",
}


def random_message_id() -> str:
    alphabet = string.ascii_letters + string.digits
    return "msg_bdrk_" + "".join(secrets.choice(alphabet) for _ in range(24))


class AnthropicMessages:
    name: ClassVar[str] = "anthropic_messages"
    # Anthropic's API requires max_tokens; Converse does not, and there the family's models take their own maximum.
    defaults: ClassVar[GenerationDefaults] = GenerationDefaults(max_new_tokens=4096, temperature=1.0, top_p=0.999)

    def __init__(self, *, new_message_id: Callable[[], str] = random_message_id) -> None:
        self._new_message_id = new_message_id

    prompt_templates: ClassVar[tuple[PromptTemplate, ...]] = ()

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
        system = read_text(members, "system", violations) if members.has("system") else None
        tools, forced_tools = read_tools(members, violations)
        messages = read_messages(members, tools, violations)
        members.refuse(*NOT_YET)
        members.refuse_others()
        violations.raise_if_any()
        return GenerationRequest(
            conversation=Conversation(system=system or None, messages=messages, tools=tools),
            forced_tools=forced_tools,
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
            "content": [
                *([{"type": "text", "text": result.text}] if result.text else []),
                *({**_tool_use(use.id, use.name), "input": use.input} for use in result.tool_uses),
            ],
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
    """message_start, then each block from start to stop (none for an empty answer), message_delta, message_stop."""

    def __init__(self, message_id: str, model_id: str) -> None:
        self._message_id = message_id
        self._model_id = model_id
        self._index = 0
        self._is_open = False

    def chunks(self, event: AnswerEvent) -> list[Json]:
        match event:
            case GenerationStart():
                return [self._message_start(event)]
            case TextDelta():
                begun = [] if self._is_open or not event.text else self._open({"type": "text", "text": ""})
                return [*begun, *([self._delta({"type": "text_delta", "text": event.text})] if event.text else [])]
            case ToolUseStart():
                return [*self._close(), *self._open({**_tool_use(event.id, event.name), "input": {}})]
            case ToolInputDelta():
                return [self._delta({"type": "input_json_delta", "partial_json": event.json_text})]
            case ToolUseEnd():
                return self._close()
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

    def _open(self, block: Json) -> list[Json]:
        self._is_open = True
        return [{"type": "content_block_start", "index": self._index, "content_block": block}]

    def _delta(self, delta: Json) -> Json:
        return {"type": "content_block_delta", "index": self._index, "delta": delta}

    def _close(self) -> list[Json]:
        """The end of the block that is open, if one is."""
        if not self._is_open:
            return []
        self._is_open = False
        self._index += 1
        return [{"type": "content_block_stop", "index": self._index - 1}]

    def _ending(self, end: GenerationEnd) -> list[Json]:
        delta = {"stop_reason": STOP_REASONS[end.finish_reason], "stop_sequence": end.stop_sequence}
        return [
            *self._close(),
            {"type": "message_delta", "delta": delta, "usage": {"output_tokens": end.output_token_count}},
            {"type": "message_stop", **invocation_metrics(end)},
        ]


def _tool_use(id: str, name: str) -> Json:
    """Without its input. Ids are spelt as Anthropic's on Bedrock."""
    return {"type": "tool_use", "id": f"toolu_bdrk_{id.removeprefix('tooluse_')}", "name": name}
