"""How values of the API are written in a page: filters of the templates."""

import json
import math
import re
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
    "Ready": "good",
    "Evaluating": "running",
    "Running": "running",
    "Starting": "running",
    "Failed": "bad",
    "Restarting": "bad",
    "Invalid": "bad",
    "Stopped": "quiet",
    "NotStarted": "quiet",
}


_TURNS: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


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


def resource_id(arn: str) -> str:
    """The last part of an ARN, by which a page of it is called."""
    return arn.rpartition("/")[2]


def principal_name(arn: str | Undefined | None) -> str:
    """What follows the account in an ARN of IAM or STS: `user/mika`, `root`. A key's id, and the like, as it is."""
    return "—" if not arn or isinstance(arn, Undefined) else arn.split(":", 5)[-1]


def score(value: float | str | Undefined | None) -> str:
    """A metric's result: a number, or a word of a judge's own scale."""
    return value if isinstance(value, str) else figure(value, 3)


def indented_json(text: str) -> str:
    """JSON as people read it; characters that turn the direction of writing are written as they are called."""
    laid_out = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return _TURNS.sub(lambda found: f"\\u{ord(found[0]):04x}", laid_out)


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
    "resource_id": resource_id,
    "principal_name": principal_name,
    "score": score,
    "indented_json": indented_json,
    "tone": tone,
    "iso": iso,
}
