"""Meta's Llama: `prompt` and `max_gen_len` in, `generation` out.

Source   https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-meta.html; chunks: fact sheet §5.3.
"""

from typing import ClassVar, Final

from tanren.bodies.base import GenerationDefaults, Json, StreamEncoder, invocation_metrics
from tanren.bodies.prompts import conversation_of
from tanren.bodies.schema_violations import Members, Violations
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

MAX_GEN_LEN: Final = 2048

STOP_REASONS: Final[dict[FinishReason, str]] = {
    FinishReason.END_TURN: "stop",
    FinishReason.MAX_TOKENS: "length",
    FinishReason.STOP_SEQUENCE: "stop",
    FinishReason.CONTEXT_FULL: "length",
}


class MetaLlama:
    name: ClassVar[str] = "meta_llama"
    defaults: ClassVar[GenerationDefaults] = GenerationDefaults(max_new_tokens=512, temperature=0.5, top_p=0.9)
    prompt_templates: ClassVar[tuple[PromptTemplate, ...]] = (PromptTemplate.LLAMA_3, PromptTemplate.INST)

    def matches(self, body: Json) -> bool:
        return "max_gen_len" in body

    def decode(self, body: Json) -> GenerationRequest:
        violations = Violations()
        members = Members(body, violations)
        prompt = members.text("prompt", is_required=True, min_length=1)
        max_gen_len = members.integer("max_gen_len", minimum=1, maximum=MAX_GEN_LEN)
        temperature = members.number("temperature", minimum=0, maximum=1)
        top_p = members.number("top_p", minimum=0, maximum=1, is_minimum_excluded=True)
        members.refuse("images")
        members.refuse_others()
        conversation = conversation_of(prompt or "", self.prompt_templates, violations)
        violations.raise_if_any()
        return GenerationRequest(
            conversation=conversation,
            max_new_tokens=max_gen_len or self.defaults.max_new_tokens,
            temperature=self.defaults.temperature if temperature is None else temperature,
            top_p=top_p or self.defaults.top_p,
        )

    def encode(self, result: GenerationResult, model_id: str, body: Json) -> Json:
        return {
            "generation": result.text,
            "prompt_token_count": result.end.input_token_count,
            "generation_token_count": result.end.output_token_count,
            "stop_reason": STOP_REASONS[result.end.finish_reason],
        }

    def stream_encoder(self, model_id: str) -> StreamEncoder:
        return _MetaLlamaStream()


class _MetaLlamaStream:
    """One chunk a piece of text, the first with the prompt's tokens; a last one has reason and metrics, and no text."""

    def __init__(self) -> None:
        self._prompt_token_count: int | None = None

    def chunks(self, event: AnswerEvent) -> list[Json]:
        match event:
            case GenerationStart():
                self._prompt_token_count = event.input_token_count
                return []
            case TextDelta():
                return [self._chunk(event.text, event.output_token_count, None)] if event.text else []
            case ToolUseStart() | ToolInputDelta() | ToolUseEnd():
                return []  # the format has no tools, so no request that it reads has any
            case GenerationEnd():
                reason = STOP_REASONS[event.finish_reason]
                return [{**self._chunk("", event.output_token_count, reason), **invocation_metrics(event)}]

    def _chunk(self, text: str, generation_token_count: int, reason: str | None) -> Json:
        chunk = {
            "generation": text,
            "prompt_token_count": self._prompt_token_count,
            "generation_token_count": generation_token_count,
            "stop_reason": reason,
        }
        self._prompt_token_count = None
        return chunk
