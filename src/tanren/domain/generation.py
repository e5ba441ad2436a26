"""What is asked of an engine, and what comes back: text outside, tokens inside."""

from dataclasses import dataclass
from enum import StrEnum

from tanren.domain.conversation import Conversation


class FinishReason(StrEnum):
    END_TURN = "end_turn"
    """The model ended its turn by itself."""
    MAX_TOKENS = "max_tokens"
    STOP_SEQUENCE = "stop_sequence"
    CONTEXT_FULL = "context_full"
    """Prompt and answer together fill the model's window."""


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
class GenerationResult:
    text: str
    end: GenerationEnd
