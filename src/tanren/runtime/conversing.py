"""Converse's members ↔ domain values: the one shape of a conversation that needs no body format.

The messages are read in `content_blocks.py`; here are tools, settings, answers and events. Every member that Bedrock
has and tanren has not is refused by its name; none is ignored. A value that says "the normal thing"
(`performanceConfig.latency: standard`, `serviceTier.type: default`) is taken, since it is true.

Source   botocore service model `bedrock-runtime/2023-09-30`; texts of refusals as Bedrock words them (fact sheet §5.4).
"""

import json
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, cast

from tanren.bodies.base import GenerationDefaults
from tanren.bodies.content_block_events import ContentBlockEvents
from tanren.domain.conversation import Conversation, Tool
from tanren.domain.errors import NotImplementedHere, ValidationFailed
from tanren.domain.generation import (
    AnswerEvent,
    FinishReason,
    GenerationEnd,
    GenerationRequest,
    GenerationResult,
    GenerationStart,
)
from tanren.runtime.content_blocks import Members, read_conversation, refuse_broken_text

Output = dict[str, Any]

STOP_REASONS: Final[dict[FinishReason, str]] = {
    FinishReason.END_TURN: "end_turn",
    FinishReason.MAX_TOKENS: "max_tokens",
    FinishReason.STOP_SEQUENCE: "stop_sequence",
    FinishReason.CONTEXT_FULL: "model_context_window_exceeded",
    FinishReason.TOOL_USE: "tool_use",
}

NOT_YET: Final = ("guardrailConfig", "promptVariables", "additionalModelResponseFieldPaths")

NORMAL_VALUES: Final[tuple[tuple[str, str, str], ...]] = (
    ("performanceConfig", "latency", "standard"),
    ("serviceTier", "type", "default"),
)
"""Members with one value that is what happens anyway; they are echoed in the answer."""

MAX_TOP_K: Final = 500
MAX_STOP_SEQUENCES: Final = 2500
MAX_DESCRIPTION: Final = 64 * 1024
"""Characters; ours, AWS states no bound."""

_TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")


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
    forced_tools: tuple[str, ...] = ()
    answer_schema: Mapping[str, Any] | None = None

    def request(self, defaults: GenerationDefaults) -> GenerationRequest:
        return GenerationRequest(
            conversation=self.conversation,
            max_new_tokens=self.max_new_tokens or defaults.max_new_tokens,
            temperature=defaults.temperature if self.temperature is None else self.temperature,
            top_p=defaults.top_p if self.top_p is None else self.top_p,
            top_k=self.top_k or defaults.top_k,
            seed=self.seed,
            stop_sequences=self.stop_sequences,
            forced_tools=self.forced_tools,
            answer_schema=self.answer_schema,
        )


def read_converse(params: Members) -> ConverseInput:
    """The request as a whole; its documents are still to be read.

    Raises   ValidationFailed naming the member that breaks a rule; NotImplementedHere for one we do not have.
    """
    for name in NOT_YET:
        if params.get(name):
            raise unsupported_member(name)
    echoed_settings(params)
    settings: Members = params.get("inferenceConfig") or {}
    fields = _read_additional_fields(params.get("additionalModelRequestFields"))
    tools, forced = _read_tools(params.get("toolConfig"))
    return ConverseInput(
        conversation=read_conversation(params, tools),
        forced_tools=forced,
        answer_schema=_read_answer_schema(params.get("outputConfig"), forced),
        max_new_tokens=_whole(settings, "inferenceConfig", "maxTokens", minimum=1),
        temperature=_fraction(settings, "temperature"),
        top_p=_fraction(settings, "topP"),
        top_k=_top_k(fields),
        seed=_whole(fields, "additionalModelRequestFields", "seed", minimum=0, maximum=2**63 - 1),
        stop_sequences=_stop_sequences(settings),
    )


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
    content: list[Output] = [{"text": result.text}] if result.text else []
    content += [{"toolUse": {"toolUseId": use.id, "name": use.name, "input": use.input}} for use in result.tool_uses]
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": STOP_REASONS[result.end.finish_reason],
        **_metadata(result.end),
    }


async def converse_events(events: AsyncGenerator[AnswerEvent], echoed: Output | None = None) -> AsyncGenerator[Output]:
    """ConverseStream's events in order, for each event of the answer as it comes."""
    blocks = ContentBlockEvents()
    async with aclosing(events):
        async for event in events:
            match event:
                case GenerationStart():
                    yield {"messageStart": {"role": "assistant"}}
                case GenerationEnd():
                    for closing in blocks.close():
                        yield closing
                    yield {"messageStop": {"stopReason": STOP_REASONS[event.finish_reason]}}
                    yield {"metadata": {**_metadata(event), **(echoed or {})}}
                case _:
                    for piece in blocks.events(event):
                        yield piece


def _metadata(end: GenerationEnd) -> Output:
    usage = {
        "inputTokens": end.input_token_count,
        "outputTokens": end.output_token_count,
        "totalTokens": end.input_token_count + end.output_token_count,
    }
    return {"usage": usage, "metrics": {"latencyMs": end.total_ms}}


def _read_tools(config: Members | None) -> tuple[tuple[Tool, ...], tuple[str, ...]]:
    """The tools, and the names of those of which one must be called. Schemas are checked in `tool_use.py`."""
    if not config:
        return (), ()
    given = config.get("tools") or ()
    if not given:
        raise ValidationFailed("toolConfig.tools must hold at least one tool.")
    tools = tuple(_read_tool(tool, f"toolConfig.tools.{index}") for index, tool in enumerate(given))
    return tools, _forced(config.get("toolChoice") or {}, tools)


def _forced(choice: Members, tools: tuple[Tool, ...]) -> tuple[str, ...]:
    if len(choice) > 1:
        raise ValidationFailed("toolConfig.toolChoice must set one of the following keys: auto, any, tool.")
    for kind in choice:
        match kind:
            case "auto":
                return ()
            case "any":
                return tuple(tool.name for tool in tools)
            case "tool":
                return (str((choice[kind] or {}).get("name", "")),)
            case _:
                raise ValidationFailed("toolConfig.toolChoice must set one of the following keys: auto, any, tool.")
    return ()


def _read_tool(tool: Members, place: str) -> Tool:
    for kind in tool:
        if kind != "toolSpec":
            raise NotImplementedHere(f"This model doesn't support the {kind} field at {place}. Remove it.")
    spec: Members = tool.get("toolSpec") or {}
    name, description = spec.get("name"), spec.get("description")
    if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
        raise ValidationFailed(
            f"The value at {place}.toolSpec.name must match the pattern [a-zA-Z0-9_-]+ and have 1 to 64 characters."
        )
    if description is not None:
        if not 0 < len(description) <= MAX_DESCRIPTION:
            raise ValidationFailed(f"{place}.toolSpec.description must have 1 to {MAX_DESCRIPTION} characters.")
        refuse_broken_text(description, f"{place}.toolSpec.description")
    schema = (spec.get("inputSchema") or {}).get("json")
    if not isinstance(schema, Mapping):
        raise ValidationFailed(f"The value at {place}.toolSpec.inputSchema.json must be a JSON schema, an object.")
    # `strict` asks that inputs satisfy the schema; here they always do.
    return Tool(name=name, description=description, input_schema=cast("Members", schema))


def _read_answer_schema(config: Members | None, forced: tuple[str, ...]) -> Members | None:
    """Of `outputConfig.textFormat`, whose schema is JSON in a string."""
    text_format: Members = (config or {}).get("textFormat") or {}
    if not text_format:
        return None
    place = "outputConfig.textFormat"
    if text_format.get("type") != "json_schema":
        raise ValidationFailed(f"The value at {place}.type must be one of the following: json_schema.")
    if forced:
        raise ValidationFailed(f"{place} and a toolChoice that forces a tool exclude each other; give one of them.")
    written = ((text_format.get("structure") or {}).get("jsonSchema") or {}).get("schema")
    try:
        schema: Any = json.loads(written or "")
    except (TypeError, ValueError, RecursionError) as error:
        raise ValidationFailed(f"The value at {place}.structure.jsonSchema.schema is not JSON: {error}") from error
    if not isinstance(schema, dict):
        raise ValidationFailed(f"The value at {place}.structure.jsonSchema.schema must be a JSON schema, an object.")
    return cast("Members", schema)


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
        refuse_broken_text(stop, place)
    return stops


def _read_additional_fields(fields: object) -> Members:
    if not fields:
        return {}
    if not isinstance(fields, Mapping):
        raise ValidationFailed("additionalModelRequestFields must be a JSON object.")
    for name in cast("Members", fields):
        if name not in ("top_k", "seed", "inferenceConfig"):
            raise ValidationFailed(
                f"The additional field {name} isn't supported by this model; top_k, inferenceConfig.topK and seed are. "
                f"Remove {name} from additionalModelRequestFields and try again."
            )
    return cast("Members", fields)


def _top_k(fields: Members) -> int | None:
    """Claude's `top_k`, or `inferenceConfig.topK` as Nova's scripts write it."""
    place = "additionalModelRequestFields"
    nested = fields.get("inferenceConfig")
    if nested is None:
        return _whole(fields, place, "top_k", minimum=1, maximum=MAX_TOP_K)
    if not isinstance(nested, Mapping) or list(cast("Members", nested)) != ["topK"] or "top_k" in fields:
        raise ValidationFailed(f"{place}.inferenceConfig may hold topK and nothing else, and not beside top_k.")
    return _whole(cast("Members", nested), f"{place}.inferenceConfig", "topK", minimum=1, maximum=MAX_TOP_K)


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
