"""Amazon Titan Text: `inputText` with `textGenerationConfig` in, `results` out.

Source   https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-text.html. The page and older
         examples disagree on the reason of an answer that ended by itself: FINISHED (now) and FINISH (then). We write
         FINISHED.
"""

from typing import ClassVar, Final

from tanren.bodies.base import GenerationDefaults, Json, StreamEncoder, invocation_metrics
from tanren.bodies.schema_violations import Members, Violations
from tanren.domain.conversation import user_turn
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

MAX_TOKEN_COUNT: Final = 8192
"""Of Titan Text Express, the largest of the family; the model that answers may have a smaller window."""

MAX_STOP_SEQUENCES: Final = 64
"""Ours: AWS states no bound, and each costs a little at every token."""

COMPLETION_REASONS: Final[dict[FinishReason, str]] = {
    FinishReason.END_TURN: "FINISHED",
    FinishReason.MAX_TOKENS: "LENGTH",
    FinishReason.STOP_SEQUENCE: "STOP_CRITERIA_MET",
    FinishReason.CONTEXT_FULL: "LENGTH",
}


class TitanText:
    name: ClassVar[str] = "titan_text"
    defaults: ClassVar[GenerationDefaults] = GenerationDefaults(max_new_tokens=512, temperature=0.7, top_p=0.9)
    prompt_templates: ClassVar[tuple[PromptTemplate, ...]] = ()

    def matches(self, body: Json) -> bool:
        return "inputText" in body

    def decode(self, body: Json) -> GenerationRequest:
        violations = Violations()
        members = Members(body, violations)
        input_text = members.text("inputText", is_required=True, min_length=1)
        config = members.nested("textGenerationConfig") or Members({}, violations)
        max_token_count = config.integer("maxTokenCount", minimum=1, maximum=MAX_TOKEN_COUNT)
        temperature = config.number("temperature", minimum=0, maximum=1)
        top_p = config.number("topP", minimum=0, maximum=1, is_minimum_excluded=True)
        stop_sequences = config.texts("stopSequences", max_items=MAX_STOP_SEQUENCES)
        config.refuse_others()
        members.refuse_others()
        violations.raise_if_any()
        return GenerationRequest(
            conversation=user_turn(input_text or ""),
            max_new_tokens=max_token_count or self.defaults.max_new_tokens,
            temperature=self.defaults.temperature if temperature is None else temperature,
            top_p=top_p or self.defaults.top_p,
            stop_sequences=stop_sequences,
        )

    def encode(self, result: GenerationResult, model_id: str, body: Json) -> Json:
        return {
            "inputTextTokenCount": result.end.input_token_count,
            "results": [
                {
                    "tokenCount": result.end.output_token_count,
                    "outputText": result.text,
                    "completionReason": COMPLETION_REASONS[result.end.finish_reason],
                }
            ],
        }

    def stream_encoder(self, model_id: str) -> StreamEncoder:
        return _TitanTextStream()


class _TitanTextStream:
    """One chunk a piece of text; the reason and the metrics come with a last chunk, whose text is empty."""

    def __init__(self) -> None:
        self._input_token_count = 0

    def chunks(self, event: AnswerEvent) -> list[Json]:
        match event:
            case GenerationStart():
                self._input_token_count = event.input_token_count
                return []
            case TextDelta():
                return [self._chunk(event.text, event.output_token_count, None)] if event.text else []
            case ToolUseStart() | ToolInputDelta() | ToolUseEnd():
                return []  # the format has no tools, so no request that it reads has any
            case GenerationEnd():
                reason = COMPLETION_REASONS[event.finish_reason]
                return [{**self._chunk("", event.output_token_count, reason), **invocation_metrics(event)}]

    def _chunk(self, text: str, output_token_count: int, reason: str | None) -> Json:
        return {
            "index": 0,
            "inputTextTokenCount": self._input_token_count,
            "totalOutputTextTokenCount": output_token_count,
            "outputText": text,
            "completionReason": reason,
        }
