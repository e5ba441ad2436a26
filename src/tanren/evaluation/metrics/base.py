"""What a metric is: from questions and answers to statistics of each, and from their sums to one value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tanren.evaluation.questions import Question
from tanren.evaluation.statistics import Floats, Total


def _ratio(sums_RK: Floats) -> Floats:
    """First over second column; nan where the second is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums_RK[:, 0] / sums_RK[:, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemScores:
    values: Floats
    """[N], of each answer by itself; nan where the metric does not apply to its question."""
    statistics_NK: Floats = field(repr=False)
    """What is summed over answers."""
    total: Total = field(repr=False)
    signature: str = ""
    """With what the number was computed, where it could have been computed otherwise."""
    is_binary: bool = False
    """Right or wrong, 1 or 0."""

    @property
    def value(self) -> float:
        """Of all answers together."""
        return float(self.total(self.statistics_NK.sum(axis=0)[None])[0])

    @staticmethod
    def mean_of(values: Sequence[float] | Floats, *, signature: str = "", is_binary: bool = False) -> "ItemScores":
        """A metric whose value is the mean over the answers to which it applies."""
        found = np.asarray(values, dtype=np.float64)
        applies = np.isfinite(found)
        return ItemScores(
            values=found,
            statistics_NK=np.stack([np.where(applies, found, 0.0), applies.astype(np.float64)], axis=1),
            total=_ratio,
            signature=signature,
            is_binary=is_binary,
        )


Score = Callable[[Sequence[Question], Sequence[str]], ItemScores]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    name: str
    span: str
    """From the worst to the best, as the report prints it."""
    score: Score
    is_higher_better: bool = True
    needs_schema: bool = False
    """Applies to questions with a JSON schema only."""
