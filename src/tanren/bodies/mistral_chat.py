"""Mistral AI's chat completion: `messages` in, `choices` out, each with a `stop_reason`.

Messages, tools and tool results are spelt as OpenAI's (`openai_content.py` reads them); settings and answer are not.

Source   https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-mistral-chat-completion.html. The page
         states no bounds; they are those of the text completion. The shape of chunks, a message with what is new, is
         that which clients read; the fact sheet has none, and on AWS a call of a tool comes in one chunk.
"""

import json
from typing import ClassVar, Final

from tanren.bodies.base import GenerationDefaults, Json, StreamEncoder, invocation_metrics
from tanren.bodies.openai_chat import OWN_KEYS as OPENAIS_KEYS
from tanren.bodies.openai_content import read_messages, read_tools
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

MAX_TOKENS: Final = 8192

OTHERS_KEYS: Final = OPENAIS_KEYS | {"anthropic_version", "schemaVersion", "inferenceConfig", "toolConfig"}
"""Which say that `messages` are those of another format."""

STOP_REASONS: Final[dict[FinishReason, str]] = {
    FinishReason.END_TURN: "stop",
    FinishReason.MAX_TOKENS: "length",
    FinishReason.STOP_SEQUENCE: "stop",
    FinishReason.CONTEXT_FULL: "length",
    FinishReason.TOOL_USE: "tool_calls",
}


class MistralChat:
    name: ClassVar[str] = "mistral_chat"
    defaults: ClassVar[GenerationDefaults] = GenerationDefaults(max_new_tokens=MAX_TOKENS, temperature=0.7, top_p=1.0)
    prompt_templates: ClassVar[tuple[PromptTemplate, ...]] = ()

    def matches(self, body: Json) -> bool:
        # A choice by the word "any" is Mistral's alone; all else OpenAI has as well, so the model's family decides.
        return "messages" in body and body.get("tool_choice") == "any" and not OTHERS_KEYS & body.keys()

    def decode(self, body: Json) -> GenerationRequest:
        violations = Violations()
        members = Members(body, violations)
        tools, forced_tools = read_tools(members, violations, any_tool="any")
        system, messages = read_messages(members, tools, violations)
        max_tokens = members.integer("max_tokens", minimum=1, maximum=MAX_TOKENS)
        temperature = members.number("temperature", minimum=0, maximum=1)
        top_p = members.number("top_p", minimum=0, maximum=1, is_minimum_excluded=True)
        members.refuse_others()
        violations.raise_if_any()
        return GenerationRequest(
            conversation=Conversation(system=system, messages=messages, tools=tools),
            forced_tools=forced_tools,
            max_new_tokens=max_tokens or self.defaults.max_new_tokens,
            temperature=self.defaults.temperature if temperature is None else temperature,
            top_p=top_p or self.defaults.top_p,
        )

    def encode(self, result: GenerationResult, model_id: str, body: Json) -> Json:
        return _choice(result.text, [_call(use) for use in result.tool_uses], STOP_REASONS[result.end.finish_reason])

    def stream_encoder(self, model_id: str) -> StreamEncoder:
        return _MistralChatStream()


class _MistralChatStream:
    """One chunk a piece of text, one a whole call; the reason and the metrics come with a last one without content."""

    def __init__(self) -> None:
        self._started: ToolUseStart | None = None
        self._inputs: list[str] = []

    def chunks(self, event: AnswerEvent) -> list[Json]:
        match event:
            case GenerationStart():
                return []
            case TextDelta():
                return [_choice(event.text, [], None)] if event.text else []
            case ToolUseStart():
                self._started, self._inputs = event, []
                return []
            case ToolInputDelta():
                self._inputs.append(event.json_text)
                return []
            case ToolUseEnd():
                assert self._started is not None
                given = json.loads("".join(self._inputs))
                use = ToolUse(id=self._started.id, name=self._started.name, input=given)
                return [_choice("", [_call(use)], None)]
            case GenerationEnd():
                return [{**_choice("", [], STOP_REASONS[event.finish_reason]), **invocation_metrics(event)}]


def _choice(text: str, calls: list[Json], reason: str | None) -> Json:
    message: Json = {"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})}
    return {"choices": [{"index": 0, "message": message, "stop_reason": reason}]}


def _call(use: ToolUse) -> Json:
    return {"id": use.id, "function": {"name": use.name, "arguments": use.input_json}}
