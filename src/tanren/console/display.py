"""How values of the API are written in a page: filters of the templates."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from jinja2 import Undefined

from tanren.domain.arns import parse_arn

_TONES: Final = {
    "InProgress": "running",
    "Creating": "running",
    "Updating": "running",
    "Stopping": "running",
    "Completed": "good",
    "InService": "good",
    "Active": "good",
    "Valid": "good",
    "Failed": "bad",
    "Invalid": "bad",
    "Stopped": "quiet",
    "NotStarted": "quiet",
}


def size(count: int | Undefined | None) -> str:
    """Bytes, in decimal units as disks are sold."""
    if count is None or isinstance(count, Undefined):
        return "—"
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def figure(value: float | Undefined | None, digits: int = 5) -> str:
    """A measured value, to so many significant digits; from 1,000 on without a fraction."""
    if value is None or isinstance(value, Undefined):
        return "—"
    if not math.isfinite(value):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"


def count(value: int | Undefined | None) -> str:
    return "—" if value is None or isinstance(value, Undefined) else f"{value:,}"


def short_name(identifier: str | Undefined | None) -> str:
    """A model's id or the last of an ARN's path: what tells it from others at a glance."""
    if not identifier or isinstance(identifier, Undefined):
        return "—"
    arn = parse_arn(identifier)
    return identifier if arn is None else arn.path


def tone(status: str | Undefined | None) -> str:
    """The colour of a status, by name; its word stands beside it, for those who see no colours."""
    return "quiet" if isinstance(status, Undefined) else _TONES.get(status or "", "quiet")


def iso(at: datetime) -> str:
    """For `<time datetime>`, which the browser shows in its own zone."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "size": size,
    "figure": figure,
    "count": count,
    "short_name": short_name,
    "tone": tone,
    "iso": iso,
}
