"""OpenAI's completion of a prompt, as Bedrock speaks it for imported models: `prompt` in, `choices` out.

The prompt is the model's whole input, as the caller wrote it in the model's own template or in none; no chat template
is applied. Which model answers is said by the path, and whether it streams by the operation.

Source   https://docs.aws.amazon.com/bedrock/latest/userguide/invoke-imported-model.html (OpenAICompletion); shapes and
         the default of 16 tokens: OpenAI's API reference, "Create completion".
"""

import secrets
import string
from collections.abc import Callable
from typing import ClassVar, Final

from tanren.bodies.base import GenerationDefaults, Json, StreamEncoder, invocation_metrics
from tanren.bodies.openai_chat import (
    FINISH_REASONS,
    MAX_SEED,
    MAX_STOPS,
    MAX_TEMPERATURE,
    NOT_YET,
    seconds_since_epoch,
)
from tanren.bodies.openai_content import read_answer_schema
from tanren.bodies.schema_violations import Members, Violations
from tanren.domain.conversation import written_prompt
from tanren.domain.generation import (
    AnswerEvent,
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

_OF_COMPLETIONS_NOT_YET: Final = ("best_of", "echo", "suffix")


def random_completion_id() -> str:
    alphabet = string.ascii_letters + string.digits
    return "cmpl-" + "".join(secrets.choice(alphabet) for _ in range(29))


class OpenAICompletion:
    name: ClassVar[str] = "openai_completion"
    defaults: ClassVar[GenerationDefaults] = GenerationDefaults(max_new_tokens=16, temperature=1.0, top_p=1.0)
    prompt_templates: ClassVar[tuple[PromptTemplate, ...]] = ()

    def __init__(
        self, *, new_id: Callable[[], str] = random_completion_id, now: Callable[[], int] = seconds_since_epoch
    ) -> None:
        self._new_id = new_id
        self._now = now

    def matches(self, body: Json) -> bool:
        # `prompt` and `max_tokens` are others' too; whether a body is in this format is said by the model.
        return False

    def decode(self, body: Json) -> GenerationRequest:
        violations = Violations()
        members = Members(body, violations)
        prompt = members.text("prompt", is_required=True, min_length=1)
        max_tokens = members.integer("max_tokens", minimum=1)
        temperature = members.number("temperature", minimum=0, maximum=MAX_TEMPERATURE)
        top_p = members.number("top_p", minimum=0, maximum=1, is_minimum_excluded=True)
        seed = members.integer("seed", minimum=0, maximum=MAX_SEED)
        stops = self._stops(members)
        answer_schema = read_answer_schema(members, violations)
        members.integer("n", minimum=1, maximum=1)
        members.refuse(*NOT_YET, *_OF_COMPLETIONS_NOT_YET)
        members.refuse_others()
        violations.raise_if_any()
        return GenerationRequest(
            conversation=written_prompt(prompt or ""),
            max_new_tokens=max_tokens or self.defaults.max_new_tokens,
            temperature=self.defaults.temperature if temperature is None else temperature,
            top_p=top_p or self.defaults.top_p,
            seed=seed,
            stop_sequences=stops,
            answer_schema=answer_schema,
        )

    def encode(self, result: GenerationResult, model_id: str, body: Json) -> Json:
        choice = {"index": 0, "text": result.text, "finish_reason": FINISH_REASONS[result.end.finish_reason]}
        return {**self._frame(model_id), "choices": [choice], "usage": _usage(result.end)}

    def stream_encoder(self, model_id: str) -> StreamEncoder:
        return _OpenAICompletionStream(self._frame(model_id))

    def _frame(self, model_id: str) -> Json:
        return {"id": self._new_id(), "object": "text_completion", "created": self._now(), "model": model_id}

    def _stops(self, members: Members) -> tuple[str, ...]:
        if isinstance(members.take("stop"), str):
            stop = members.text("stop", min_length=1)
            return () if stop is None else (stop,)
        return members.texts("stop", max_items=MAX_STOPS)


class _OpenAICompletionStream:
    """One chunk a piece of text; a last one has the reason, usage and metrics, and no text."""

    def __init__(self, frame: Json) -> None:
        self._frame = frame

    def chunks(self, event: AnswerEvent) -> list[Json]:
        match event:
            case TextDelta():
                return [self._chunk(event.text, None)] if event.text else []
            case GenerationStart() | ToolUseStart() | ToolInputDelta() | ToolUseEnd():
                return []  # the format has no tools, so no request that it reads has any
            case GenerationEnd():
                last = self._chunk("", FINISH_REASONS[event.finish_reason])
                return [{**last, "usage": _usage(event), **invocation_metrics(event)}]

    def _chunk(self, text: str, reason: str | None) -> Json:
        return {**self._frame, "choices": [{"index": 0, "text": text, "finish_reason": reason}]}


def _usage(end: GenerationEnd) -> Json:
    return {
        "prompt_tokens": end.input_token_count,
        "completion_tokens": end.output_token_count,
        "total_tokens": end.input_token_count + end.output_token_count,
    }
