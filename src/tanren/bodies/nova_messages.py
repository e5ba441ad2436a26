"""Amazon Nova's messages: `messages` of content blocks with `inferenceConfig` in, `output.message` out.

Text, documents and tools (`nova_content.py` reads them); images, videos and reasoning are refused by name. A last
message of the assistant is the beginning of the answer.

Source   https://docs.aws.amazon.com/nova/latest/userguide/complete-request-schema.html; the shape of chunks: fact sheet
         §5.3. `schemaVersion` may be left out. `max_new_tokens` is an older spelling of `maxTokens` which AWS's console
         samples write and AWS takes.
"""

from typing import ClassVar, Final

from tanren.bodies.base import GenerationDefaults, Json, StreamEncoder, invocation_metrics
from tanren.bodies.content_block_events import ContentBlockEvents
from tanren.bodies.nova_content import read_messages, read_system, read_tools
from tanren.bodies.schema_violations import Members, Violations
from tanren.domain.conversation import Conversation
from tanren.domain.generation import (
    AnswerEvent,
    FinishReason,
    GenerationEnd,
    GenerationRequest,
    GenerationResult,
    GenerationStart,
)
from tanren.domain.prompt_templates import PromptTemplate

SCHEMA_VERSION: Final = "messages-v1"
MAX_TOKENS: Final = 65_536
"""Of Nova 2, the largest of the family; the first generation takes 5,000."""
DEFAULT_MAX_TOKENS: Final = 5_000
MAX_TOP_K: Final = 128
MAX_STOP_SEQUENCES: Final = 64
"""Ours: AWS states no bound, and each costs a little at every token."""

SPELLINGS: Final = (("maxTokens", "max_new_tokens"), ("topP", "top_p"), ("topK", "top_k"))

STOP_REASONS: Final[dict[FinishReason, str]] = {
    FinishReason.END_TURN: "end_turn",
    FinishReason.MAX_TOKENS: "max_tokens",
    FinishReason.STOP_SEQUENCE: "stop_sequence",
    FinishReason.CONTEXT_FULL: "max_tokens",
    FinishReason.TOOL_USE: "tool_use",
}


class NovaMessages:
    name: ClassVar[str] = "nova_messages"
    defaults: ClassVar[GenerationDefaults] = GenerationDefaults(
        max_new_tokens=DEFAULT_MAX_TOKENS, temperature=0.7, top_p=0.9
    )
    prompt_templates: ClassVar[tuple[PromptTemplate, ...]] = ()

    def matches(self, body: Json) -> bool:
        return "inferenceConfig" in body or body.get("schemaVersion") == SCHEMA_VERSION

    def decode(self, body: Json) -> GenerationRequest:
        violations = Violations()
        members = Members(body, violations)
        members.text("schemaVersion", one_of=(SCHEMA_VERSION,))
        system = read_system(members, violations)
        tools, forced_tools = read_tools(members, violations)
        messages = read_messages(members, tools, violations)
        config = members.nested("inferenceConfig") or Members({}, violations)
        names = {name: _spelling(config, name, older, violations) for name, older in SPELLINGS}
        max_tokens = config.integer(names["maxTokens"], minimum=1, maximum=MAX_TOKENS)
        temperature = config.number("temperature", minimum=0, maximum=1)
        top_p = config.number(names["topP"], minimum=0, maximum=1, is_minimum_excluded=True)
        top_k = config.integer(names["topK"], minimum=0, maximum=MAX_TOP_K)
        stop_sequences = config.texts("stopSequences", max_items=MAX_STOP_SEQUENCES)
        config.refuse("reasoningConfig")
        config.refuse_others()
        members.refuse_others()
        violations.raise_if_any()
        return GenerationRequest(
            conversation=Conversation(system=system, messages=messages, tools=tools),
            forced_tools=forced_tools,
            max_new_tokens=max_tokens or self.defaults.max_new_tokens,
            temperature=self.defaults.temperature if temperature is None else temperature,
            top_p=top_p or self.defaults.top_p,
            top_k=top_k or None,
            stop_sequences=stop_sequences,
        )

    def encode(self, result: GenerationResult, model_id: str, body: Json) -> Json:
        content: list[Json] = [{"text": result.text}] if result.text else []
        content += [
            {"toolUse": {"toolUseId": use.id, "name": use.name, "input": use.input}} for use in result.tool_uses
        ]
        return {
            "output": {"message": {"content": content, "role": "assistant"}},
            "stopReason": STOP_REASONS[result.end.finish_reason],
            "usage": _usage(result.end),
        }

    def stream_encoder(self, model_id: str) -> StreamEncoder:
        return _NovaStream()


class _NovaStream:
    """Objects of ConverseStream's shapes: messageStart, content blocks, messageStop, metadata."""

    def __init__(self) -> None:
        self._blocks = ContentBlockEvents()

    def chunks(self, event: AnswerEvent) -> list[Json]:
        match event:
            case GenerationStart():
                return [{"messageStart": {"role": "assistant"}}]
            case GenerationEnd():
                return [
                    *self._blocks.close(),
                    {"messageStop": {"stopReason": STOP_REASONS[event.finish_reason]}},
                    {"metadata": {"usage": _usage(event), "metrics": {}, "trace": {}}, **invocation_metrics(event)},
                ]
            case _:
                return self._blocks.events(event)


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
