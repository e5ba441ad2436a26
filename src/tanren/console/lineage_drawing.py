"""Where a model comes from as a drawing: boxes from top to bottom, which a template puts into an SVG.

    weights ─▶ base model ─▶ job ─▶ model ─▶ job ─▶ this model ─▶ models that were trained from it

One column, so that it can be read on a telephone. A box is as wide as the drawing but for the children's branch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import quote

from tanren.domain.arns import FOUNDATION_MODEL, parse_arn

WIDTH: Final = 340
BOX_HEIGHT: Final = 50
JOB_HEIGHT: Final = 34
GAP: Final = 22
INSET: Final = 26
"""Of the children's boxes and of the jobs."""
MOST_CHILDREN: Final = 8
_LONGEST_TEXT: Final = 36

BoxKind = Literal["weights", "base", "job", "model", "this", "deleted", "more"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    kind: BoxKind
    x: int
    y: int
    width: int
    height: int
    text: str
    """As long as it fits."""
    whole_text: str
    note: str
    """The second line: of a model how it was made, of a job its data."""
    path: str | None
    """Of its page; None where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageDrawing:
    height: int
    boxes: tuple[Box, ...]
    arrows: tuple[str, ...]
    """Paths of SVG."""


def lineage_drawing(lineage: Mapping[str, Any]) -> LineageDrawing:
    """Of what GetModelLineage answers: `ancestors`, the model itself first, and `descendants`."""
    boxes: list[Box] = []
    arrows: list[str] = []
    middle = WIDTH // 2

    def add(kind: BoxKind, text: str, note: str = "", path: str | None = None, *, inset: int = 0) -> None:
        y = boxes[-1].y + boxes[-1].height + GAP if boxes else 0
        if boxes:
            arrows.append(f"M{middle} {y - GAP}V{y - 5}")
        boxes.append(_box(kind, text, note, path, y=y, inset=inset))

    if weights := lineage.get("weights"):
        add("weights", weights, str(lineage.get("weightsRevision") or "")[:12])
    line: Sequence[Mapping[str, Any]] = [*reversed(lineage["ancestors"])]
    for number, each in enumerate(line):
        if data := each.get("trainingDataS3Uri"):
            add("job", data.rpartition("/")[2] or data, "", _data_path(data), inset=INSET)
        elif each.get("jobArn"):
            add("job", each["jobArn"].rpartition("/")[2], inset=INSET)
        add(*_model(each, is_this=number == len(line) - 1))
    _add_children(boxes, arrows, lineage.get("descendants", []))
    return LineageDrawing(height=boxes[-1].y + boxes[-1].height + 2, boxes=tuple(boxes), arrows=tuple(arrows))


def _model(each: Mapping[str, Any], *, is_this: bool) -> tuple[BoxKind, str, str, str | None]:
    arn = parse_arn(each["modelArn"])
    if arn is not None and arn.kind == FOUNDATION_MODEL:
        return "base", arn.path, "", f"/console/foundation-models/{quote(arn.path)}"
    name: str = each.get("modelName") or (each["modelArn"] if arn is None else arn.path)
    note: str = each.get("customizationType") or ""
    if each.get("isDeleted"):
        return "deleted", name, note, None
    return "this" if is_this else "model", name, note, None if is_this else f"/console/models/{quote(name)}"


def _add_children(boxes: list[Box], arrows: list[str], children: Sequence[Mapping[str, Any]]) -> None:
    """Beneath each other, on a branch from the left edge of the model."""
    parent = boxes[-1]
    for child in children[:MOST_CHILDREN]:
        kind, text, note, path = _model(child, is_this=False)
        y = boxes[-1].y + boxes[-1].height + GAP
        boxes.append(_box(kind, text, note, path, y=y, inset=INSET, is_child=True))
        arrows.append(f"M12 {parent.y + parent.height}V{y + BOX_HEIGHT // 2}H{INSET - 5}")
    if len(children) > MOST_CHILDREN:
        y = boxes[-1].y + boxes[-1].height + GAP // 2
        more = f"+{len(children) - MOST_CHILDREN}"
        boxes.append(_box("more", more, "", None, y=y, inset=INSET, is_child=True))


def _box(
    kind: BoxKind, text: str, note: str, path: str | None, *, y: int, inset: int = 0, is_child: bool = False
) -> Box:
    right = 0 if is_child else inset
    longest = _LONGEST_TEXT - (inset + right) // 8
    return Box(
        kind=kind,
        x=inset + 1,
        y=y + 1,
        width=WIDTH - inset - right - 2,
        height=JOB_HEIGHT if kind in ("job", "more") else BOX_HEIGHT,
        text=text if len(text) <= longest else text[: longest - 1] + "…",
        whole_text=text,
        note=note,
        path=path,
    )


def _data_path(uri: str) -> str | None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return f"/console/data/{quote(bucket)}/object?key={quote(key)}" if key else None
