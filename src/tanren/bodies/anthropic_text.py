"""Anthropic's text completions, as Claude 2 and Claude Instant speak them: `prompt` in, `completion` out.

A looser spelling, `max_tokens` for `max_tokens_to_sample`, is taken as well: scripts write it to models whose family
they do not know, and read `completion`.

Source   the user guide's page of 2023 (model-parameters-claude), since removed; fact sheet §5.3. Claude reports an end
         of its own as the stop sequence `\\n\\nHuman:`, and so do we.
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

VERSION: Final = "bedrock-2023-05-31"
MAX_TOKENS_TO_SAMPLE: Final = 4096
MAX_TOP_K: Final = 500
MAX_STOP_SEQUENCES: Final = 64
"""Ours: AWS states no bound, and each costs a little at every token."""

END_OF_TURN: Final = "\n\nHuman:"

STOP_REASONS: Final[dict[FinishReason, str]] = {
    FinishReason.END_TURN: "stop_sequence",
    FinishReason.MAX_TOKENS: "max_tokens",
    FinishReason.STOP_SEQUENCE: "stop_sequence",
    FinishReason.CONTEXT_FULL: "max_tokens",
}


class AnthropicText:
    name: ClassVar[str] = "anthropic_text"
    # max_tokens_to_sample must be given here; Converse takes the family's maximum.
    defaults: ClassVar[GenerationDefaults] = GenerationDefaults(
        max_new_tokens=MAX_TOKENS_TO_SAMPLE, temperature=1.0, top_p=1.0, top_k=250
    )
    prompt_templates: ClassVar[tuple[PromptTemplate, ...]] = (PromptTemplate.HUMAN_ASSISTANT,)

    def matches(self, body: Json) -> bool:
        return "max_tokens_to_sample" in body

    def decode(self, body: Json) -> GenerationRequest:
        violations = Violations()
        members = Members(body, violations)
        prompt = members.text("prompt", is_required=True, min_length=1)
        spelling = "max_tokens" if "max_tokens" in body else "max_tokens_to_sample"
        max_tokens = members.integer(spelling, minimum=1, maximum=MAX_TOKENS_TO_SAMPLE, is_required=True)
        temperature = members.number("temperature", minimum=0, maximum=1)
        top_p = members.number("top_p", minimum=0, maximum=1, is_minimum_excluded=True)
        top_k = members.integer("top_k", minimum=0, maximum=MAX_TOP_K)
        stop_sequences = members.texts("stop_sequences", max_items=MAX_STOP_SEQUENCES)
        members.text("anthropic_version", one_of=(VERSION,))
        members.refuse_others()
        conversation = conversation_of(prompt or "", self.prompt_templates, violations)
        violations.raise_if_any()
        return GenerationRequest(
            conversation=conversation,
            max_new_tokens=max_tokens or self.defaults.max_new_tokens,
            temperature=self.defaults.temperature if temperature is None else temperature,
            top_p=top_p or self.defaults.top_p,
            top_k=self.defaults.top_k if top_k is None else top_k or None,
            stop_sequences=stop_sequences,
        )

    def encode(self, result: GenerationResult, model_id: str, body: Json) -> Json:
        return _completion(result.text, result.end)

    def stream_encoder(self, model_id: str) -> StreamEncoder:
        return _AnthropicTextStream()


class _AnthropicTextStream:
    """One chunk a piece of text; the reason and the metrics come with a last chunk, whose text is empty."""

    def chunks(self, event: AnswerEvent) -> list[Json]:
        match event:
            case GenerationStart():
                return []
            case TextDelta():
                return [_completion(event.text, None)] if event.text else []
            case ToolUseStart() | ToolInputDelta() | ToolUseEnd():
                return []  # the format has no tools, so no request that it reads has any
            case GenerationEnd():
                return [{**_completion("", event), **invocation_metrics(event)}]


def _completion(text: str, end: GenerationEnd | None) -> Json:
    has_ended_by_itself = end is not None and end.finish_reason is FinishReason.END_TURN
    return {
        "type": "completion",
        "completion": text,
        "stop_reason": None if end is None else STOP_REASONS[end.finish_reason],
        "stop": END_OF_TURN if has_ended_by_itself else None if end is None else end.stop_sequence,
    }
