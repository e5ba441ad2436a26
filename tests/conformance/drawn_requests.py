"""Requests for any operation, right and wrong, drawn by Hypothesis from botocore's shapes and put on the wire.

    parameters (mostly what a member is for) → one fault, or none → botocore's serializer → perhaps a hostile place

Seven requests in ten are as right as a drawing can be, so that they reach what is there; in half of all nothing is
wrong by intention. What can be wrong is in `request_faults.py`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from hypothesis import strategies as st

from tanren.aws.service_models import Operation, Shape
from tests.conformance.likely_values import SELDOM, LikelyValues
from tests.conformance.request_faults import HOSTILE_TEXT, PARAMETER_FAULTS, Draw, faults_of
from tests.conformance.wire_requests import DrawnRequest, Params, on_the_wire
from tests.protocol.sampling import Sampler

_DEEPEST: Final = 4
_HOSTILE_TEXTS: Final = (
    "",
    "x" * 70,
    "bad name!",
    "刀",
    "/",
    HOSTILE_TEXT,
    "{}",
    "arn:aws:bedrock:us-east-1:1:x/y",
    "-",
)


def drawn_requests(operation: Operation, model: Any, likely: LikelyValues) -> st.SearchStrategy[DrawnRequest]:
    """`model` is botocore's model of the operation, by which the request is serialized."""

    @st.composite
    def request(draw: Draw) -> DrawnRequest:
        is_right = draw(st.integers(0, 9)) < 7
        params = _params(draw, operation, likely, is_right=is_right)
        name, spoil = draw(st.sampled_from(faults_of(operation)))
        must_be_refused = False
        if spoil in PARAMETER_FAULTS:
            must_be_refused = spoil(draw, operation, params)
            name = name if must_be_refused else ""
        found = on_the_wire(operation, model, params, fault=name, must_be_refused=must_be_refused)
        return found if spoil is None or spoil in PARAMETER_FAULTS else spoil(draw, found)

    return request()


def _params(draw: Draw, operation: Operation, likely: LikelyValues, *, is_right: bool) -> Params:
    if operation.input is None:
        return {}
    found = _structure(draw, operation.input, _Drawing(operation.name, likely, is_right), 0)
    whole = likely.wholes.get(operation.name)
    if whole is None or not is_right:
        return found
    right = dict(whole(draw(_new_names())))
    # A few of the optional members go with it.
    return {**{name: value for name, value in found.items() if draw(st.booleans())}, **right}


@dataclass(frozen=True, slots=True)
class _Drawing:
    operation: str
    likely: LikelyValues
    is_right: bool


def _structure(draw: Draw, shape: Shape, drawing: _Drawing, depth: int) -> Params:
    if shape.is_union:
        names = [name for name in shape.members if not (drawing.is_right and name in SELDOM)] or list(shape.members)
        if depth >= _DEEPEST:
            names = [name for name in names if shape.members[name].shape.kind not in ("structure", "list")] or names
        name = draw(st.sampled_from(names))
        return {name: _value(draw, shape.members[name].shape, name, drawing, depth + 1)}
    optional = [
        name for name in shape.members if name not in shape.required and not (drawing.is_right and name in SELDOM)
    ]
    chosen = list(shape.required)
    if depth == 0:
        chosen += drawing.likely.wanted.get(drawing.operation, ())
    if optional and depth < _DEEPEST:
        most = 2 if drawing.is_right else 6
        chosen += draw(st.lists(st.sampled_from(optional), max_size=most, unique=True))
    found = dict[str, Any]()
    for name in chosen:
        member = shape.members[name]
        value = _value(draw, member.shape, name, drawing, depth + 1)
        if member.location == "uri" and (not isinstance(value, str) or value.strip(".") == ""):
            value = "none"  # in a path it would be another operation's
        if member.location == "header" and isinstance(value, str):
            value = "".join(letter for letter in value if letter.isascii() and letter.isprintable()).strip()
        found[name] = value
    return found


def _value(draw: Draw, shape: Shape, name: str, drawing: _Drawing, depth: int) -> Any:
    # A list and its elements have one name.
    right = [each for each in drawing.likely.of(drawing.operation, name) or () if _fits(each, shape)]
    if right and draw(st.integers(0, 19)) < (19 if drawing.is_right else 14):
        return draw(st.sampled_from(right))
    if shape.is_document:
        return draw(st.sampled_from(({}, {"a": [1, None, "☃"]}, {"top_k": 5})))
    if shape.kind == "structure":
        return _structure(draw, shape, drawing, depth)
    if shape.kind == "list":
        assert shape.element is not None
        least = int(shape.minimum or 0)
        size = draw(st.integers(min(least, 5), max(least, min(3, int(shape.maximum or 3)))))
        return [
            _value(draw, shape.element, name, drawing, depth + 1) for _ in range(size if depth < _DEEPEST else least)
        ]
    if shape.kind == "map":
        assert shape.key is not None
        assert shape.element is not None
        size = draw(st.integers(0, 2)) if depth < _DEEPEST else 0
        return {
            _value(draw, shape.key, "", drawing, depth): _value(draw, shape.element, "", drawing, depth + 1)
            for _ in range(size)
        }
    return draw(_scalars(shape, drawing.is_right))


def _fits(value: Any, shape: Shape) -> bool:
    if shape.kind in ("structure", "map"):
        return isinstance(value, dict)
    return isinstance(value, list) == (shape.kind == "list")


@cache
def _scalars(shape: Shape, is_right: bool) -> st.SearchStrategy[Any]:
    if shape.kind in ("integer", "long"):
        low = int(shape.minimum if shape.minimum is not None else 0)
        high = int(shape.maximum if shape.maximum is not None else low + 1000)
        return st.integers(low, high) if is_right else st.integers(-1, 2**31 - 1)
    if shape.kind in ("float", "double"):
        low = shape.minimum if shape.minimum is not None else 0.0
        return st.floats(low, shape.maximum if shape.maximum is not None else low + 1.0)
    if shape.kind == "boolean":
        return st.booleans()
    if shape.kind == "timestamp":
        return st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
    if shape.kind == "blob":
        return st.binary(min_size=int(shape.minimum or 0), max_size=40)
    if shape.enum:
        right: st.SearchStrategy[str] = st.sampled_from(shape.enum)
    else:
        right = st.integers(0, 999).map(lambda seed: Sampler(seed).string(shape))
    return right if is_right else st.one_of(right, st.sampled_from(_HOSTILE_TEXTS), st.text(max_size=8))


@cache
def _new_names() -> st.SearchStrategy[str]:
    return st.integers(0, 10**9).map(lambda number: f"new-{number}")
