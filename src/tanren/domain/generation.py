"""What is asked of an engine, and what comes back: text outside, tokens inside.

An engine speaks `GenerationEvent`s. Where an answer may call tools, `runtime/tool_use.py` reads the calls out of the
text, and what goes on to the caller are `AnswerEvent`s.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tanren.domain.conversation import Conversation, ToolUse


class FinishReason(StrEnum):
    END_TURN = "end_turn"
    """The model ended its turn by itself."""
    MAX_TOKENS = "max_tokens"
    STOP_SEQUENCE = "stop_sequence"
    CONTEXT_FULL = "context_full"
    """Prompt and answer together fill the model's window."""
    TOOL_USE = "tool_use"
    """The answer calls tools. No engine says so: it is what the text was read as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    conversation: Conversation
    max_new_tokens: int
    """At least 1."""
    temperature: float
    """0 is greedy."""
    top_p: float = 1.0
    top_k: int | None = None
    stop_sequences: tuple[str, ...] = ()
    """Generation ends before the first of them; it is not part of the answer."""
    seed: int | None = None
    """Given, the same request gives the same answer."""
    cache_scope: str = ""
    """Requests share cached prompt beginnings only within the same scope; the account."""
    is_streamed: bool = True
    """Whether anybody reads the text as it is made. If not, it may come in few large pieces."""
    forced_tools: tuple[str, ...] = ()
    """Names of tools of the conversation: the answer is a call of one of them, whose input satisfies its schema.
    Empty where the model may choose."""
    answer_schema: Mapping[str, Any] | None = None
    """The answer is JSON that satisfies it. Not together with `forced_tools`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    text: str
    """Whole characters only; may be empty on the first event."""
    output_token_count: int
    """Tokens made so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationEnd:
    finish_reason: FinishReason
    stop_sequence: str | None
    """Which one, where `finish_reason` is STOP_SEQUENCE."""
    input_token_count: int
    output_token_count: int
    first_token_ms: int
    total_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationStart:
    input_token_count: int


GenerationEvent = GenerationStart | TextDelta | GenerationEnd
"""A generation is one GenerationStart, then deltas, then one GenerationEnd; an error is raised instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUseStart:
    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolInputDelta:
    json_text: str
    """A piece of the input; all pieces together are one JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUseEnd:
    pass


AnswerEvent = GenerationEvent | ToolUseStart | ToolInputDelta | ToolUseEnd
"""Of an answer that may call tools: between start and end, text and then tool uses, each from its start to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationResult:
    text: str
    end: GenerationEnd
    tool_uses: tuple[ToolUse, ...] = ()
