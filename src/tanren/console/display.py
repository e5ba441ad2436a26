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


_STAND_IN: Final = "stand-in: "
_MODEL_NAME: Final = re.compile(r"^[^.]*\.|:.*$|-v\d+(?=$|:)|-\d{8}")
"""What of an id is no part of the model's name: provider, throughput, version and date."""
_LETTERS_BEFORE_DIGITS: Final = re.compile(r"-|(?<=[a-z]{3})(?=\d)")
_VERSION: Final = re.compile(r"-v(\d+)(?::(\d+))?$")
"""Said only where the name has nothing else: Claude 2.1."""
_SIZE: Final = re.compile(r"(\d+x)?\d+b")
_LONG: Final = re.compile(r":(\d+k)$")
_ACRONYMS: Final = {"gpt": "GPT", "oss": "OSS"}
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
    """A measured value, to so many significant digits; whole from 1,000 on, and from where it has as many before the
    point."""
    if value is None or isinstance(value, Undefined):
        return "—"
    if not math.isfinite(value):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= min(1000, 10 ** (digits - 1)) else f"{value:.{digits}g}"


def count(value: int | Undefined | None) -> str:
    return "—" if value is None or isinstance(value, Undefined) else f"{value:,}"


def short_name(identifier: str | Undefined | None) -> str:
    """A model's id or an ARN's path: what tells it from others at a glance.

    An ARN of S3 has a bucket where others have a kind, and root's nothing else: of these, all that stands after the
    account.
    """
    if not identifier or isinstance(identifier, Undefined):
        return "—"
    arn = parse_arn(identifier)
    if arn is None:
        return identifier
    return arn.path if arn.path and arn.service != "s3" else identifier.split(":", 5)[-1]


def model_title(model: Mapping[str, Any]) -> str:
    """A foundation model as people call it: `anthropic.claude-3-haiku-20240307-v1:0` is Claude 3 Haiku.

    Why      a stand-in's own name says what stands in, and is the same for every id that it stands in for.
    """
    if not is_stand_in(model):
        return str(model["modelName"])
    words: list[str] = []
    for word in _LETTERS_BEFORE_DIGITS.sub(" ", _MODEL_NAME.sub("", model["modelId"])).split():
        if words and word.isdigit() and words[-1].isdigit():
            words[-1] += f".{word}"
        else:
            words.append(_ACRONYMS.get(word, f"{word[:-1]}B" if _SIZE.fullmatch(word) else word.capitalize()))
    if len(words) == 1 and (version := _VERSION.search(model["modelId"])):
        words.append(".".join(filter(None, version.groups())))
    context = _LONG.search(model["modelId"])
    return " ".join(words) + (f" ({context[1]})" if context else "")


def is_stand_in(model: Mapping[str, Any]) -> bool:
    """Whether other weights answer under the id; the API says so in the name."""
    return str(model.get("modelName", "")).startswith(_STAND_IN)


def stand_in(model: Mapping[str, Any]) -> str:
    """What answers under the id."""
    return str(model.get("modelName", "")).removeprefix(_STAND_IN)


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
    "model_title": model_title,
    "is_stand_in": is_stand_in,
    "stand_in": stand_in,
    "resource_id": resource_id,
    "principal_name": principal_name,
    "score": score,
    "indented_json": indented_json,
    "tone": tone,
    "iso": iso,
}
