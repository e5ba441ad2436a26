"""Compiled writers against the plain walk over the shape that they stand for, on answers drawn from the models."""

import base64
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanren.aws.json_writers import Misfit, json_bytes, writer_of
from tanren.aws.service_models import Member, Shape, load_service

OUTPUTS = [
    operation.output
    for service in ("bedrock", "bedrock-runtime", "tanren")
    for operation in load_service(service).operations()
    if operation.output is not None and operation.output_stream is None and operation.output.payload is None
]
DEEPEST = 6


def plain(value: Any, shape: Shape, member: Member | None = None) -> Any:
    """The oracle: one recursion over the shape, a look at the model for every value."""
    if shape.is_document:
        return value
    if shape.kind == "structure":
        members = shape.members
        return {
            members[name].wire_name: plain(item, members[name].shape, members[name])
            for name, item in value.items()
            if item is not None
        }
    if shape.kind == "list":
        assert shape.element is not None
        return [plain(item, shape.element) for item in value]
    if shape.kind == "map":
        assert shape.element is not None
        return {str(name): plain(item, shape.element) for name, item in value.items() if item is not None}
    if shape.kind == "timestamp":
        wanted = (member.timestamp_format if member else None) or shape.timestamp_format or "unixTimestamp"
        moment = value.astimezone(UTC)
        if wanted == "iso8601":
            return moment.isoformat().replace("+00:00", "Z")
        return format_datetime(moment, usegmt=True) if wanted == "rfc822" else moment.timestamp()
    if shape.kind == "blob":
        return base64.b64encode(value).decode()
    if shape.kind in ("float", "double") and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return str(value) if isinstance(value, str) else value


TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001  # hypothesis wants it naive, and adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=9)), timezone(-timedelta(hours=3, minutes=30))]),
)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
SCALARS: Mapping[str, st.SearchStrategy[Any]] = {
    "string": TEXTS,
    "char": TEXTS,
    "blob": st.binary(max_size=8),
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32) | st.integers(-100, 100),
    "double": st.floats() | st.integers(-100, 100),
    "timestamp": MOMENTS,
}


@st.composite
def values_of(draw: st.DrawFn, shape: Shape, depth: int = 0) -> Any:
    """What a handler may return for the shape; members are there, absent or None."""
    if shape.is_document:
        return draw(DOCUMENTS)
    if shape.kind == "structure":
        names = draw(st.lists(st.sampled_from(sorted(shape.members)), unique=True)) if shape.members else []
        return {
            name: None
            if depth > DEEPEST or draw(st.integers(0, 9)) == 0
            else draw(values_of(shape.members[name].shape, depth + 1))
            for name in names
        }
    if shape.element is not None:
        element = values_of(shape.element, depth + 1)
        most = 0 if depth > DEEPEST else 3
        return draw(
            st.lists(element, max_size=most) if shape.kind == "list" else st.dictionaries(TEXTS, element, max_size=most)
        )
    return draw(SCALARS[shape.kind])


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_compiled_writer_writes_what_the_plain_walk_writes(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from(OUTPUTS))
    value = data.draw(values_of(shape))
    assert json.loads(json_bytes(writer_of(shape)(value))) == json.loads(json.dumps(plain(value, shape)))


def test_a_shape_may_refer_to_itself() -> None:
    shape = load_service("bedrock").shape("RetrievalFilter")
    nested = {"andAll": [{"orAll": [{"equals": {"key": "k", "value": 1}}]}]}
    assert writer_of(shape)(nested) == nested


class Status(StrEnum):
    ACTIVE = "Active"


def test_an_enum_is_written_as_its_text_and_is_no_enum_any_more() -> None:
    written = writer_of(Shape(service="t", name="S", kind="string"))(Status.ACTIVE)
    assert (written, type(written)) == ("Active", str)


@pytest.mark.parametrize(
    ("members", "where"),
    [
        (
            {"modelCustomizationJobSummaries": [{"jobArn": "a"}, {"jobArn": 5}]},
            "/modelCustomizationJobSummaries/1/jobArn",
        ),
        ({"modelCustomizationJobSummaries": {}}, "/modelCustomizationJobSummaries"),
        ({"modelCustomizationJobSummaries": [{"unknown": None}]}, "/modelCustomizationJobSummaries/0"),
        ({"nextToken": b"x"}, "/nextToken"),
        ({"modelCustomizationJobSummaries": [{"creationTime": datetime(2026, 1, 2)}]}, "creationTime"),  # noqa: DTZ001
        ({"modelCustomizationJobSummaries": [{"creationTime": "2026"}]}, "/0/creationTime: expected a datetime"),
    ],
)
def test_what_is_not_as_the_shape_says_is_named_with_its_place(members: dict[str, Any], where: str) -> None:
    shape = load_service("bedrock").operation("ListModelCustomizationJobs").output
    assert shape is not None
    with pytest.raises(Misfit) as caught:
        writer_of(shape)(members)
    assert where in str(caught.value)


@pytest.mark.parametrize(("kind", "value"), [("boolean", 1), ("integer", True), ("double", True), ("integer", 1.0)])
def test_a_number_is_no_truth_value_and_the_other_way_round(kind: Any, value: Any) -> None:
    with pytest.raises(Misfit):
        writer_of(Shape(service="t", name="S", kind=kind))(value)


@pytest.mark.parametrize("document", [math.nan, {"a": [math.inf]}])
def test_a_document_that_is_not_json_never_becomes_null(document: Any) -> None:
    with pytest.raises(Misfit, match="not a JSON value"):
        writer_of(Shape(service="t", name="D", kind="structure", is_document=True))(document)
