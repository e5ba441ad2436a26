"""OpenAI's chat completions, as Bedrock speaks them for imported models: `messages` in, `choices` out.

Text, tools and structured output (`response_format`). A last message of the assistant is the beginning of the answer.
Which model answers is said by the path, and whether it streams by the operation, so `model` and `stream` are no part of
the body.

Source   https://docs.aws.amazon.com/bedrock/latest/userguide/invoke-imported-model.html (OpenAIChatCompletion); shapes:
         OpenAI's API reference, "Create chat completion".
"""

import secrets
import string
import time
from collections.abc import Callable
from typing import ClassVar, Final

from tanren.bodies.base import GenerationDefaults, Json, StreamEncoder, invocation_metrics
from tanren.bodies.openai_content import read_answer_schema, read_messages, read_tools
from tanren.bodies.schema_violations import Members, Violations
from tanren.domain.conversation import Conversation, ToolUse
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

MAX_TEMPERATURE: Final = 2.0
MAX_STOPS: Final = 16
"""OpenAI takes 4; AWS states no bound."""
MAX_SEED: Final = 2**63 - 1

OWN_KEYS: Final = frozenset(
    {"max_completion_tokens", "response_format", "n", "logprobs", "frequency_penalty", "presence_penalty"}
)
NOT_YET: Final = (
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "frequency_penalty",
    "presence_penalty",
    "structured_outputs",
)

FINISH_REASONS: Final[dict[FinishReason, str]] = {
    FinishReason.END_TURN: "stop",
    FinishReason.MAX_TOKENS: "length",
    FinishReason.STOP_SEQUENCE: "stop",
    FinishReason.CONTEXT_FULL: "length",
    FinishReason.TOOL_USE: "tool_calls",
}


def random_completion_id() -> str:
    alphabet = string.ascii_letters + string.digits
    return "chatcmpl-" + "".join(secrets.choice(alphabet) for _ in range(29))


def seconds_since_epoch() -> int:
    return int(time.time())


class OpenAIChat:
    name: ClassVar[str] = "openai_chat"
    defaults: ClassVar[GenerationDefaults] = GenerationDefaults(max_new_tokens=512, temperature=1.0, top_p=1.0)

    def __init__(
        self, *, new_id: Callable[[], str] = random_completion_id, now: Callable[[], int] = seconds_since_epoch
    ) -> None:
        self._new_id = new_id
        self._now = now

    prompt_templates: ClassVar[tuple[PromptTemplate, ...]] = ()

    def matches(self, body: Json) -> bool:
        # `messages` with `max_tokens` are Anthropic's too, so only what OpenAI alone has says that it is this.
        messages = body.get("messages")
        if not isinstance(messages, list) or "anthropic_version" in body:
            return False
        roles = [each["role"] for each in messages if isinstance(each, dict) and "role" in each]
        return bool(OWN_KEYS & body.keys()) or any(role in ("system", "developer", "tool") for role in roles)

    def decode(self, body: Json) -> GenerationRequest:
        violations = Violations()
        members = Members(body, violations)
        tools, forced_tools = read_tools(members, violations)
        members.boolean("parallel_tool_calls")  # how many calls an answer has is the model's choice
        system, messages = read_messages(members, tools, violations)
        max_tokens = self._max_tokens(members, violations)
        temperature = members.number("temperature", minimum=0, maximum=MAX_TEMPERATURE)
        top_p = members.number("top_p", minimum=0, maximum=1, is_minimum_excluded=True)
        seed = members.integer("seed", minimum=0, maximum=MAX_SEED)
        stops = self._stops(members)
        answer_schema = read_answer_schema(members, violations)
        members.integer("n", minimum=1, maximum=1)
        members.refuse(*NOT_YET)
        members.refuse_others()
        if forced_tools and answer_schema is not None:
            violations.add("#/response_format", "a forced tool and a response_format exclude each other")
        violations.raise_if_any()
        return GenerationRequest(
            conversation=Conversation(system=system, messages=messages, tools=tools),
            max_new_tokens=max_tokens or self.defaults.max_new_tokens,
            temperature=self.defaults.temperature if temperature is None else temperature,
            top_p=top_p or self.defaults.top_p,
            seed=seed,
            stop_sequences=stops,
            forced_tools=forced_tools,
            answer_schema=answer_schema,
        )

    def encode(self, result: GenerationResult, model_id: str, body: Json) -> Json:
        message: Json = {"role": "assistant", "content": result.text or None}
        if result.tool_uses:
            message["tool_calls"] = [_call(use) for use in result.tool_uses]
        reason = FINISH_REASONS[result.end.finish_reason]
        return {
            "id": self._new_id(),
            "object": "chat.completion",
            "created": self._now(),
            "model": model_id,
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": _usage(result.end),
        }

    def stream_encoder(self, model_id: str) -> StreamEncoder:
        return _OpenAIStream(
            {
                "id": self._new_id(),
                "object": "chat.completion.chunk",
                "created": self._now(),
                "model": model_id,
            }
        )

    def _max_tokens(self, members: Members, violations: Violations) -> int | None:
        older = members.integer("max_tokens", minimum=1)
        newer = members.integer("max_completion_tokens", minimum=1)
        if older is not None and newer is not None:
            violations.add("#", "max_tokens and max_completion_tokens are the same; give one of them")
        return older or newer

    def _stops(self, members: Members) -> tuple[str, ...]:
        if isinstance(members.take("stop"), str):
            stop = members.text("stop", min_length=1)
            return () if stop is None else (stop,)
        return members.texts("stop", max_items=MAX_STOPS)


class _OpenAIStream:
    """A chunk with the role, one for each piece, one with the reason; the last carries usage and metrics."""

    def __init__(self, frame: Json) -> None:
        self._frame = frame
        self._calls = -1
        """Index of the call that is being written."""

    def chunks(self, event: AnswerEvent) -> list[Json]:
        match event:
            case GenerationStart():
                return [self._chunk({"role": "assistant", "content": ""})]
            case TextDelta():
                return [self._chunk({"content": event.text})] if event.text else []
            case ToolUseStart():
                self._calls += 1
                function = {"name": event.name, "arguments": ""}
                return [self._call({"id": event.id, "type": "function", "function": function})]
            case ToolInputDelta():
                return [self._call({"function": {"arguments": event.json_text}})]
            case ToolUseEnd():
                return []
            case GenerationEnd():
                last = self._chunk({}, FINISH_REASONS[event.finish_reason])
                return [{**last, "usage": _usage(event), **invocation_metrics(event)}]

    def _call(self, members: Json) -> Json:
        return self._chunk({"tool_calls": [{"index": self._calls, **members}]})

    def _chunk(self, delta: Json, reason: str | None = None) -> Json:
        return {**self._frame, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def _call(use: ToolUse) -> Json:
    return {"id": use.id, "type": "function", "function": {"name": use.name, "arguments": use.input_json}}


def _usage(end: GenerationEnd) -> Json:
    return {
        "prompt_tokens": end.input_token_count,
        "completion_tokens": end.output_token_count,
        "total_tokens": end.input_token_count + end.output_token_count,
    }
