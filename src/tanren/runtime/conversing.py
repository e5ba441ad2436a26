"""Converse's members ↔ domain values: the one shape of a conversation that needs no body format.

Text for now. Every member that Bedrock has and tanren has not is refused by its name; none is ignored. A value that
says "the normal thing" (`performanceConfig.latency: standard`, `serviceTier.type: default`) is taken, since it is true.

Source   botocore service model `bedrock-runtime/2023-09-30`; texts of refusals as Bedrock words them (fact sheet §5.4).
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, cast

from tanren.bodies.base import GenerationDefaults
from tanren.domain.conversation import Conversation, Message, Role
from tanren.domain.errors import NotImplementedHere, ValidationFailed
from tanren.domain.generation import (
    FinishReason,
    GenerationEnd,
    GenerationEvent,
    GenerationRequest,
    GenerationResult,
    GenerationStart,
    TextDelta,
)

Members = Mapping[str, Any]
"""Members of a shape by name, as parsed from the request."""

Output = dict[str, Any]

STOP_REASONS: Final[dict[FinishReason, str]] = {
    FinishReason.END_TURN: "end_turn",
    FinishReason.MAX_TOKENS: "max_tokens",
    FinishReason.STOP_SEQUENCE: "stop_sequence",
    FinishReason.CONTEXT_FULL: "model_context_window_exceeded",
}

NOT_YET: Final = (
    "toolConfig",
    "guardrailConfig",
    "promptVariables",
    "additionalModelResponseFieldPaths",
    "requestMetadata",
    "outputConfig",
)

NORMAL_VALUES: Final[tuple[tuple[str, str, str], ...]] = (
    ("performanceConfig", "latency", "standard"),
    ("serviceTier", "type", "default"),
)
"""Members with one value that is what happens anyway; they are echoed in the answer."""

BLOCK_SEPARATOR: Final = "\n"
"""Between the text blocks of one message."""

MAX_TOP_K: Final = 500
MAX_STOP_SEQUENCES: Final = 2500


@dataclass(frozen=True, slots=True, kw_only=True)
class ConverseInput:
    """A Converse request, read; None where the family's default stands."""

    conversation: Conversation
    max_new_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    """From `additionalModelRequestFields.top_k`."""
    seed: int | None = None
    """From `additionalModelRequestFields.seed`; an extension of ours."""
    stop_sequences: tuple[str, ...] = ()

    def request(self, defaults: GenerationDefaults) -> GenerationRequest:
        return GenerationRequest(
            conversation=self.conversation,
            max_new_tokens=self.max_new_tokens or defaults.max_new_tokens,
            temperature=defaults.temperature if self.temperature is None else self.temperature,
            top_p=defaults.top_p if self.top_p is None else self.top_p,
            top_k=self.top_k or defaults.top_k,
            seed=self.seed,
            stop_sequences=self.stop_sequences,
        )


def read_converse(params: Members) -> ConverseInput:
    """Raises   ValidationFailed naming the member that breaks a rule; NotImplementedHere for one we do not have."""
    for name in NOT_YET:
        if params.get(name):
            raise unsupported_member(name)
    echoed_settings(params)
    settings: Members = params.get("inferenceConfig") or {}
    fields = _read_additional_fields(params.get("additionalModelRequestFields"))
    return ConverseInput(
        conversation=read_conversation(params),
        max_new_tokens=_whole(settings, "inferenceConfig", "maxTokens", minimum=1),
        temperature=_fraction(settings, "temperature"),
        top_p=_fraction(settings, "topP"),
        top_k=_whole(fields, "additionalModelRequestFields", "top_k", minimum=1, maximum=MAX_TOP_K),
        seed=_whole(fields, "additionalModelRequestFields", "seed", minimum=0, maximum=2**63 - 1),
        stop_sequences=_stop_sequences(settings),
    )


def read_conversation(params: Members) -> Conversation:
    """The turns of `messages` and `system`. Raises   ValidationFailed where they do not alternate or hold no text."""
    system = [
        _block_text(block, f"system.{index}", "SystemContentBlock")
        for index, block in enumerate(params.get("system") or ())
    ]
    messages = tuple(_read_message(message, index) for index, message in enumerate(params.get("messages") or ()))
    if not messages or messages[0].role is not Role.USER:
        raise ValidationFailed(
            "A conversation must start with a user message. Try again with a conversation that starts with a user "
            "message."
        )
    for before, after in pairwise(messages):
        if before.role is after.role:
            raise ValidationFailed(
                "A conversation must alternate between user and assistant roles. Make sure the conversation alternates "
                "between user and assistant roles and try again."
            )
    if messages[-1].role is not Role.USER:
        raise NotImplementedHere(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    return Conversation(system=BLOCK_SEPARATOR.join(system) or None, messages=messages)


def unsupported_member(name: str) -> NotImplementedHere:
    return NotImplementedHere(f"This model doesn't support the {name} field. Remove {name} and try again.")


def echoed_settings(params: Members) -> Output:
    """`performanceConfig` and `serviceTier` for the answer. Raises   NotImplementedHere for a value we do not have."""
    for name, inner, normal in NORMAL_VALUES:
        value = (params.get(name) or {}).get(inner, normal)
        if value != normal:
            raise NotImplementedHere(f"{name}.{inner} '{value}' is not supported here; '{normal}' is what there is.")
    return {name: dict(params[name]) for name, _, _ in NORMAL_VALUES if params.get(name)}


def converse_output(result: GenerationResult) -> Output:
    """Members of ConverseResponse. An empty answer has no content block."""
    content = [{"text": result.text}] if result.text else []
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": STOP_REASONS[result.end.finish_reason],
        **_metadata(result.end),
    }


async def converse_events(
    events: AsyncGenerator[GenerationEvent], echoed: Output | None = None
) -> AsyncGenerator[Output]:
    """ConverseStream's events in order, for each event of the generation as it comes."""
    has_block = False
    async with aclosing(events):
        async for event in events:
            match event:
                case GenerationStart():
                    yield {"messageStart": {"role": "assistant"}}
                case TextDelta() if event.text:
                    has_block = True
                    yield {"contentBlockDelta": {"delta": {"text": event.text}, "contentBlockIndex": 0}}
                case TextDelta():
                    pass
                case GenerationEnd():
                    if has_block:
                        yield {"contentBlockStop": {"contentBlockIndex": 0}}
                    yield {"messageStop": {"stopReason": STOP_REASONS[event.finish_reason]}}
                    yield {"metadata": {**_metadata(event), **(echoed or {})}}


def _metadata(end: GenerationEnd) -> Output:
    usage = {
        "inputTokens": end.input_token_count,
        "outputTokens": end.output_token_count,
        "totalTokens": end.input_token_count + end.output_token_count,
    }
    return {"usage": usage, "metrics": {"latencyMs": end.total_ms}}


def _read_message(message: Members, index: int) -> Message:
    role = message.get("role")
    if role not in ("user", "assistant"):
        raise ValidationFailed(f"The role '{role}' at messages.{index}.role is not valid; expected user or assistant.")
    blocks = message.get("content") or ()
    if not blocks:
        raise ValidationFailed(
            f"The content field in the Message object at messages.{index} is empty. Add a ContentBlock object to the "
            "content field and try again."
        )
    place = f"messages.{index}.content"
    texts = [_block_text(block, f"{place}.{number}", "ContentBlock") for number, block in enumerate(blocks)]
    return Message(role=Role(role), text=BLOCK_SEPARATOR.join(texts))


def _block_text(block: Members, place: str, shape: str) -> str:
    for kind in block:
        if kind != "text":
            raise NotImplementedHere(
                f"This model doesn't support the {kind} content block at {place}. Remove it and try again."
            )
    text = block.get("text")
    if not isinstance(text, str):
        raise ValidationFailed(f"The {shape} object at {place} must set one of the following keys: text.")
    if not text.strip():
        raise ValidationFailed(
            f"The text field in the {shape} object at {place} is blank. Add text to the text field, and try again."
        )
    _refuse_broken_text(text, place)
    return text


def _stop_sequences(settings: Members) -> tuple[str, ...]:
    stops = tuple(settings.get("stopSequences") or ())
    if len(stops) > MAX_STOP_SEQUENCES:
        raise ValidationFailed(
            f"inferenceConfig.stopSequences has {len(stops)} elements; at most {MAX_STOP_SEQUENCES} are allowed."
        )
    for index, stop in enumerate(stops):
        place = f"inferenceConfig.stopSequences.{index}"
        if not stop:
            raise ValidationFailed(f"The value at {place} is empty; a stop sequence has at least one character.")
        _refuse_broken_text(stop, place)
    return stops


def _refuse_broken_text(text: str, place: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValidationFailed(
            f"The text at {place} holds half of a surrogate pair, which is not a character."
        ) from error


def _read_additional_fields(fields: object) -> Members:
    if not fields:
        return {}
    if not isinstance(fields, Mapping):
        raise ValidationFailed("additionalModelRequestFields must be a JSON object.")
    for name in cast("Members", fields):
        if name not in ("top_k", "seed"):
            raise ValidationFailed(
                f"The additional field {name} isn't supported by this model; top_k and seed are. Remove {name} from "
                "additionalModelRequestFields and try again."
            )
    return cast("Members", fields)


def _whole(members: Members, place: str, name: str, *, minimum: int, maximum: int | None = None) -> int | None:
    value = members.get(name)
    if value is None:
        return None
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or value < minimum or (maximum is not None and value > maximum):
        upper = "" if maximum is None else f" and at most {maximum}"
        raise ValidationFailed(
            f"The value {value!r} at {place}.{name} must be a whole number, at least {minimum}{upper}."
        )
    return value


def _fraction(settings: Members, name: str) -> float | None:
    value = settings.get(name)
    if value is None:
        return None
    if not 0 <= value <= 1:
        raise ValidationFailed(f"The value at inferenceConfig.{name} must be between 0 and 1, not {value}.")
    return float(value)
