"""Mistral AI's text completion: `prompt` with [INST] in, `outputs` out.

Source   https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-mistral-text-completion.html. Bounds and
         defaults are those of Mistral 7B, the widest of the family. The shape of chunks: fact sheet §5.3, unconfirmed.
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

MAX_TOKENS: Final = 8192
MAX_TOP_K: Final = 200
MAX_STOPS: Final = 10

STOP_REASONS: Final[dict[FinishReason, str]] = {
    FinishReason.END_TURN: "stop",
    FinishReason.MAX_TOKENS: "length",
    FinishReason.STOP_SEQUENCE: "stop",
    FinishReason.CONTEXT_FULL: "length",
}


class MistralText:
    name: ClassVar[str] = "mistral_text"
    defaults: ClassVar[GenerationDefaults] = GenerationDefaults(
        max_new_tokens=512, temperature=0.5, top_p=0.9, top_k=50
    )
    prompt_templates: ClassVar[tuple[PromptTemplate, ...]] = (PromptTemplate.INST,)

    def matches(self, body: Json) -> bool:
        # `prompt` and `max_tokens` are Cohere's too.
        return "prompt" in body and (
            "stop" in body or ("max_tokens" in body and bool({"top_p", "top_k"} & body.keys()))
        )

    def decode(self, body: Json) -> GenerationRequest:
        violations = Violations()
        members = Members(body, violations)
        prompt = members.text("prompt", is_required=True, min_length=1)
        max_tokens = members.integer("max_tokens", minimum=1, maximum=MAX_TOKENS)
        temperature = members.number("temperature", minimum=0, maximum=1)
        top_p = members.number("top_p", minimum=0, maximum=1, is_minimum_excluded=True)
        top_k = members.integer("top_k", minimum=1, maximum=MAX_TOP_K)
        stop = members.texts("stop", max_items=MAX_STOPS)
        members.refuse_others()
        conversation = conversation_of(prompt or "", self.prompt_templates, violations)
        violations.raise_if_any()
        return GenerationRequest(
            conversation=conversation,
            max_new_tokens=max_tokens or self.defaults.max_new_tokens,
            temperature=self.defaults.temperature if temperature is None else temperature,
            top_p=top_p or self.defaults.top_p,
            top_k=top_k or self.defaults.top_k,
            stop_sequences=stop,
        )

    def encode(self, result: GenerationResult, model_id: str, body: Json) -> Json:
        return _outputs(result.text, STOP_REASONS[result.end.finish_reason])

    def stream_encoder(self, model_id: str) -> StreamEncoder:
        return _MistralTextStream()


class _MistralTextStream:
    """One chunk a piece of text; the reason and the metrics come with a last chunk, whose text is empty."""

    def chunks(self, event: AnswerEvent) -> list[Json]:
        match event:
            case GenerationStart():
                return []
            case TextDelta():
                return [_outputs(event.text, None)] if event.text else []
            case ToolUseStart() | ToolInputDelta() | ToolUseEnd():
                return []  # the format has no tools, so no request that it reads has any
            case GenerationEnd():
                return [{**_outputs("", STOP_REASONS[event.finish_reason]), **invocation_metrics(event)}]


def _outputs(text: str, reason: str | None) -> Json:
    return {"outputs": [{"text": text, "stop_reason": reason}]}
