"""Lengths of a set of records, and their picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

_BINS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """In characters."""

    count: int
    total: int
    least: int
    median: int
    percentile_95: int
    largest: int
    histogram: tuple[tuple[int, int, int], ...]
    """(from, below, records); steps grow by a factor, since lengths do."""

    def to_json(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "total": self.total,
            "least": self.least,
            "median": self.median,
            "percentile95": self.percentile_95,
            "largest": self.largest,
            "histogram": [{"from": low, "below": high, "records": number} for low, high, number in self.histogram],
        }


def lengths(values: Sequence[int]) -> Lengths:
    """Of at least one record."""
    array = np.asarray(values, dtype=np.int64)
    edges = np.unique(np.geomspace(max(1, array.min()), array.max() + 1, _BINS + 1).astype(np.int64))
    edges = np.unique(np.concatenate(([array.min()], edges[1:-1], [array.max() + 1])))
    numbers, _ = np.histogram(array, bins=edges)
    return Lengths(
        count=int(array.size),
        total=int(array.sum()),
        least=int(array.min()),
        median=int(np.percentile(array, 50)),
        percentile_95=int(np.percentile(array, 95)),
        largest=int(array.max()),
        histogram=tuple((int(a), int(b), int(n)) for a, b, n in zip(edges, edges[1:], numbers, strict=False)),
    )
