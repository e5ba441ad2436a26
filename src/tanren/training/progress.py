"""How far a run is, and how long it will take: tokens left, times what a token has lately cost.

    left = training tokens left x seconds a token + validations left x seconds of one + closing

What is left is known exactly: every epoch passes every row. What a token costs is taken from the last steps, without
the first, which warms up, and with a step that stood still counted as a slow one only. Until the first validation has
been timed, its tokens cost a third of a trained one: a forward pass and no backward.
"""

import statistics
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any, Final

from tanren.domain.sentences import Sentence, joined, sentence

WINDOW: Final = 200
"""Steps that are looked back at."""
_FEW: Final = 25
_STALLED_OF_FEW: Final = 1.4
_STALLED_OF_MANY: Final = 4.0
"""Times the median: more than that a step's cost does not count. Of few steps, one that stood still says nothing of how
often that happens; of many it does."""
_FORWARD_SHARE: Final = 1 / 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """After a step; goes to the store with its record."""

    step: int
    total_steps: int
    share: float
    """Of the training tokens that are done, 0 to 1."""
    remaining_seconds: float | None
    """To the end of the planned epochs, publishing included; None before the first step has been timed."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class RemainingTime:
    """Fed with what has been timed; asked for what is left."""

    def __init__(
        self,
        *,
        total_tokens: int,
        validation_tokens: int,
        validation_count: int,
        closing_seconds: float,
        done_tokens: int = 0,
        done_validations: int = 0,
    ) -> None:
        """Takes   totals over the whole run, and what an earlier attempt has done of them."""
        self._total_tokens = total_tokens
        self._done_tokens = done_tokens
        self._validation_tokens = validation_tokens
        self._validations_left = validation_count - done_validations
        self._validation_seconds: float | None = None
        self._closing_seconds = closing_seconds
        self._steps: deque[tuple[int, float]] = deque(maxlen=WINDOW)
        self._is_warm = False

    @property
    def share(self) -> float:
        return min(1.0, self._done_tokens / self._total_tokens)

    def after_step(self, *, tokens: int, seconds: float) -> None:
        """Takes   seconds: from the end of the step before, with all that was done in between."""
        self._done_tokens += tokens
        self._steps.append((tokens, seconds))
        if not self._is_warm and len(self._steps) == 2:
            self._steps.popleft()
            self._is_warm = True

    def after_validation(self, seconds: float) -> None:
        self._validations_left -= 1
        self._validation_seconds = seconds

    def seconds_per_token(self) -> float | None:
        if not self._steps:
            return None
        median = statistics.median_low(seconds / tokens for tokens, seconds in self._steps)
        most = _STALLED_OF_FEW if len(self._steps) < _FEW else _STALLED_OF_MANY
        counted = sum(min(seconds, most * median * tokens) for tokens, seconds in self._steps)
        return counted / sum(tokens for tokens, _ in self._steps)

    def remaining_seconds(self) -> float | None:
        rate = self.seconds_per_token()
        if rate is None:
            return None
        one = self._validation_seconds
        if one is None:
            one = self._validation_tokens * rate * _FORWARD_SHARE
        training = max(0, self._total_tokens - self._done_tokens) * rate
        return training + self._validations_left * one + self._closing_seconds


def in_words(seconds: float) -> Sentence:
    """45 s, 3 min 20 s, 2 h 5 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return sentence("{n} s", n=whole)
    if whole >= 3600:
        return joined(sentence("{n} h", n=whole // 3600), " ", sentence("{n} min", n=whole % 3600 // 60))
    if whole >= 600:
        return sentence("{n} min", n=round(whole / 60))
    return joined(sentence("{n} min", n=whole // 60), " ", sentence("{n} s", n=whole % 60))
