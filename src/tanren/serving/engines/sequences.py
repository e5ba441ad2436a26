"""One generation inside an engine, whatever computes it: from tokens to its events.

    token ─▶ take: counted, and why it is the last one, as far as tokens tell
          ─▶ tell ─▶ sink: text as far as it is certain, and the end

Two steps, because an engine can begin with the next token between them. Text may end an answer too, by a stop sequence;
what has been computed beyond it is nobody's.
"""

import logging
import time
from dataclasses import dataclass
from typing import Final, Generic

from tanren.domain.errors import TanrenError
from tanren.domain.generation import (
    FinishReason,
    GenerationEnd,
    GenerationEvent,
    GenerationRequest,
    GenerationStart,
    TextDelta,
)
from tanren.serving.adapter_cache import AdapterT, Loan
from tanren.serving.answer_text import AnswerText, Piece
from tanren.serving.protocol import EventSink
from tanren.serving.sampling import Sampler

logger = logging.getLogger(__name__)

BROKEN: Final = "the model failed on this request; the engine host's log has the reason"


@dataclass(slots=True, kw_only=True, eq=False)
class Sequence(Generic[AdapterT]):
    """After it is queued, only the engine's own thread touches it, but for `is_cancelled`."""

    request: GenerationRequest
    prompt_ids: list[int]
    sink: EventSink
    sampler: Sampler
    text: AnswerText
    stop_ids: frozenset[int]
    context_length: int
    accepted_at: float
    """Seconds of the monotonic clock, as below."""
    loan: Loan[AdapterT] | None = None
    """Of its adapter; None for the base itself."""
    output_count: int = 0
    """Tokens taken."""
    told_count: int = 0
    """Tokens told; one fewer, or as many."""
    first_token_at: float = 0.0
    is_cancelled: bool = False

    @property
    def adapter(self) -> AdapterT | None:
        return None if self.loan is None else self.loan.adapter

    @property
    def longest(self) -> int:
        """Tokens that prompt and answer have together at most."""
        return min(len(self.prompt_ids) + self.request.max_new_tokens, self.context_length)

    def start(self) -> None:
        """The first event. An error of the sink is the caller's, who is still there."""
        self.sink(GenerationStart(input_token_count=len(self.prompt_ids)))

    def take(self, token: int) -> FinishReason | None:
        """Counts the token; why it is the last one, if it is. `tell` follows before the next one is told."""
        self.output_count += 1
        if self.output_count == 1:
            self.first_token_at = time.monotonic()
        if token in self.stop_ids or self.sampler.is_complete:
            return FinishReason.END_TURN
        if self.output_count >= self.request.max_new_tokens:
            return FinishReason.MAX_TOKENS
        if len(self.prompt_ids) + self.output_count >= self.context_length:
            return FinishReason.CONTEXT_FULL
        return None

    def tell(self, token: int, reason: FinishReason | None) -> GenerationEnd | None:
        """Sends the text of a token that was taken, with what `take` answered; the end, still to be delivered, if it
        was the last, which a stop sequence makes it too."""
        self.told_count += 1
        piece = Piece(text="") if token in self.stop_ids else self.text.add(token)
        if reason is not None and piece.stop_sequence is None:
            rest = self.text.flush()
            piece = Piece(text=piece.text + rest.text, stop_sequence=rest.stop_sequence)
        if piece.text or self.told_count == 1:
            self.deliver(TextDelta(text=piece.text, output_token_count=self.told_count))
        if piece.stop_sequence is not None:
            reason = FinishReason.STOP_SEQUENCE
        return None if reason is None else self._end(reason, piece.stop_sequence)

    def deliver(self, event: GenerationEvent | TanrenError) -> None:
        if self.is_cancelled:
            return
        try:
            self.sink(event)
        except Exception:
            # One caller's fault must not end the engine's thread, which answers for all of them.
            logger.exception("an event could not be delivered; its generation is cancelled")
            self.is_cancelled = True

    def give_back_adapter(self) -> None:
        if self.loan is not None:
            self.loan.give_back()

    def _end(self, reason: FinishReason, stop_sequence: str | None) -> GenerationEnd:
        return GenerationEnd(
            finish_reason=reason,
            stop_sequence=stop_sequence,
            input_token_count=len(self.prompt_ids),
            output_token_count=self.told_count,
            first_token_ms=round((self.first_token_at - self.accepted_at) * 1000),
            total_ms=round((time.monotonic() - self.accepted_at) * 1000),
        )
