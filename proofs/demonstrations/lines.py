"""One measured thing: for the base as it is, the tuned model, and the control after the same job."""

from dataclasses import dataclass, replace
from typing import Literal

Unit = Literal["nats", "share", "change", "count", "score", "seconds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    key: str
    label: str
    unit: Unit
    """share: a part of one; change: of one, with its sign; count: rows; score: from 0 to 1."""
    base: float | None
    """None where there is nothing to measure before training."""
    tuned: float
    control: float | None
    of: int | None = None
    """How many rows were asked."""

    def shown(self) -> list[str]:
        """Base, tuned and control as written."""
        return [self.written(value) for value in (self.base, self.tuned, self.control)]

    def without_control(self) -> "Line":
        """For what the control was not taught."""
        return replace(self, control=None)

    def written(self, value: float | None) -> str:
        """With its unit; an en dash for None."""
        if value is None:
            return "–"
        match self.unit:
            case "nats" | "score":
                return f"{value:.2f}"
            case "share":
                return f"{round(100 * value, 1):g}%"
            case "change":
                return f"{value:+.0%}".replace("-0%", "+0%")
            case "count":
                return f"{value:.0f}"
            case "seconds":
                return f"{value:.0f} s"
