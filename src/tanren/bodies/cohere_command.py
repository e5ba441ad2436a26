"""Cohere Command: `prompt` in, `generations` out.

Source   https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-cohere-command.html; chunks: fact sheet
         §5.3. `stream` is only checked: whether the answer is streamed is the operation's to say.
"""

import uuid
from collections.abc import Callable
from typing import ClassVar, Final

from tanren.bodies.base import GenerationDefaults, Json, StreamEncoder, invocation_metrics
from tanren.bodies.schema_violations import NOT_SUPPORTED, Members, Violations
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

MAX_TOKENS: Final = 4096
DEFAULT_MAX_TOKENS: Final = 20
MAX_TEMPERATURE: Final = 5
MAX_K: Final = 500
MAX_STOP_SEQUENCES: Final = 4
MAX_GENERATIONS: Final = 5

OWN_KEYS: Final = frozenset(("p", "k", "num_generations", "return_likelihoods", "truncate", "logit_bias"))
"""Keys that no other format with a `prompt` has."""

FINISH_REASONS: Final[dict[FinishReason, str]] = {
    FinishReason.END_TURN: "COMPLETE",
    FinishReason.MAX_TOKENS: "MAX_TOKENS",
    FinishReason.STOP_SEQUENCE: "COMPLETE",
    FinishReason.CONTEXT_FULL: "MAX_TOKENS",
}


def random_id() -> str:
    return str(uuid.uuid4())


class CohereCommand:
    name: ClassVar[str] = "cohere_command"
    # Converse takes the family's maximum; a body that says nothing gets DEFAULT_MAX_TOKENS.
    defaults: ClassVar[GenerationDefaults] = GenerationDefaults(max_new_tokens=MAX_TOKENS, temperature=0.9, top_p=0.75)

    def __init__(self, *, new_id: Callable[[], str] = random_id) -> None:
        self._new_id = new_id

    prompt_templates: ClassVar[tuple[PromptTemplate, ...]] = ()

    def matches(self, body: Json) -> bool:
        return "prompt" in body and bool(OWN_KEYS & body.keys())

    def decode(self, body: Json) -> GenerationRequest:
        violations = Violations()
        members = Members(body, violations)
        prompt = members.text("prompt", is_required=True, min_length=1)
        max_tokens = members.integer("max_tokens", minimum=1, maximum=MAX_TOKENS)
        temperature = members.number("temperature", minimum=0, maximum=MAX_TEMPERATURE)
        top_p = members.number("p", minimum=0, maximum=1)
        top_k = members.integer("k", minimum=0, maximum=MAX_K)
        stop_sequences = members.texts("stop_sequences", max_items=MAX_STOP_SEQUENCES)
        members.boolean("stream")
        _refuse_all_but_normal(members, violations)
        members.refuse("logit_bias")
        members.refuse_others()
        violations.raise_if_any()
        return GenerationRequest(
            conversation=user_turn(prompt or ""),
            max_new_tokens=max_tokens or DEFAULT_MAX_TOKENS,
            temperature=self.defaults.temperature if temperature is None else temperature,
            # 0 and 1 both switch it off (AWS's page).
            top_p=self.defaults.top_p if top_p is None else top_p or 1.0,
            top_k=top_k or None,
            stop_sequences=stop_sequences,
        )

    def encode(self, result: GenerationResult, model_id: str, body: Json) -> Json:
        generation = {
            "id": self._new_id(),
            "text": result.text,
            "finish_reason": FINISH_REASONS[result.end.finish_reason],
        }
        return {"id": self._new_id(), "prompt": body["prompt"], "generations": [generation]}

    def stream_encoder(self, model_id: str) -> StreamEncoder:
        return _CohereCommandStream()


class _CohereCommandStream:
    """One chunk a piece of text; the reason and the metrics come with a last chunk, whose text is empty."""

    def chunks(self, event: AnswerEvent) -> list[Json]:
        match event:
            case GenerationStart():
                return []
            case TextDelta():
                return [{"text": event.text, "is_finished": False}] if event.text else []
            case ToolUseStart() | ToolInputDelta() | ToolUseEnd():
                return []  # the format has no tools, so no request that it reads has any
            case GenerationEnd():
                reason = FINISH_REASONS[event.finish_reason]
                return [{"text": "", "is_finished": True, "finish_reason": reason, **invocation_metrics(event)}]


def _refuse_all_but_normal(members: Members, violations: Violations) -> None:
    """Options with one value that is what happens anyway: one generation, no likelihoods, no prompt cut short."""
    if (members.integer("num_generations", minimum=1, maximum=MAX_GENERATIONS) or 1) != 1:
        violations.add("#/num_generations", f"more than one generation is {NOT_SUPPORTED}")
    for name, values in (
        ("return_likelihoods", ("GENERATION", "ALL", "NONE")),
        ("truncate", ("NONE", "START", "END")),
    ):
        value = members.text(name, one_of=values)
        if value not in (None, "NONE"):
            violations.add(f"#/{name}", f"{value} is {NOT_SUPPORTED}")
