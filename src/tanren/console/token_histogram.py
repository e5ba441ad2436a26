"""How long the records of a data file are, as a drawing: a bar for each step of lengths, for a template's SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

WIDTH: Final = 720
HEIGHT: Final = 190
LEFT: Final = 8
TOP: Final = 22
BOTTOM: Final = 26
_GAP: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    middle: float
    record_count: int
    least: int
    """Tokens of the shortest records that it stands for."""
    label: str
    """All lengths that it stands for."""


def token_histogram(counts: Sequence[Mapping[str, Any]]) -> tuple[Bar, ...]:
    """Of the histogram of ExamineTrainingData: each step as wide as any other, since steps grow as lengths do."""
    if not counts:
        return ()
    most = max(each["recordCount"] for each in counts) or 1
    width = (WIDTH - 2 * LEFT) / len(counts)
    room = HEIGHT - TOP - BOTTOM
    return tuple(
        Bar(
            x=round(LEFT + index * width + _GAP / 2, 1),
            y=round(HEIGHT - BOTTOM - room * each["recordCount"] / most, 1),
            width=round(width - _GAP, 1),
            height=round(room * each["recordCount"] / most, 1),
            middle=round(LEFT + (index + 0.5) * width, 1),
            record_count=each["recordCount"],
            least=each["fromTokens"],
            label=_label(each["fromTokens"], each["belowTokens"] - 1),
        )
        for index, each in enumerate(counts)
    )


def _label(least: int, most: int) -> str:
    return f"{least}" if least == most else f"{least}–{most}"
