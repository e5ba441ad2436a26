"""What can be wrong with a request, by intention: in its parameters, or on the wire.

A fault in the parameters (a required member left out, a text too long, a pattern or an enum not met) is known to break
the model, so that the request must be refused. Of one on the wire nothing is known but that it is no fault of ours.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from hypothesis import strategies as st

from tanren.aws.service_models import Operation, Shape
from tanren.aws.validation import deviation_of, pattern_of
from tests.conformance.wire_requests import DrawnRequest, Params

Draw = Callable[[st.SearchStrategy[Any]], Any]

HOSTILE_TEXT: Final = "☃\x00 ../%2e%2e/ $(id) '\"<>&"
_HOSTILE_BODIES: Final = (
    *(b"", b"null", b"[]", b'"text"', b"7", b"{", b'{"a":1', b"\xff\xfe\x00", b"\x00" * 64, b"{} {}", b'{"a":NaN}'),
    *(b"[" * 3000, b'{"a":' * 3000, b'{"a":"\\ud800"}', b'{"a":1e999}', b'{"a":' + b"9" * 5000 + b"}"),
    *("\ufeff{}".encode(), b"<xml/>", b"a=b&c=d", b'{"jobName":"a","jobName":"b"}', b"\r\n\r\n"),
)
_HOSTILE_FIELDS: Final = (
    *("UserName=%ff%fe", "UserName=a&UserName=b", "=", "&&&", "Tags.member.1=x", "Tags.member.9.Key=a", "a.b.c.d.e=1"),
    *("Tags.member.-1.Key=a", "Tags.member.1.Key=a&Tags.member.1.Key.x=b", "MaxItems=ten", "MaxItems=%00", ".=x"),
)
_HOSTILE_QUERIES: Final = (
    *(
        "maxResults=ten",
        "maxResults=99999999999999999999",
        "maxResults=1&maxResults=2",
        "nextToken=%ff%fe",
        "maxResults",
    ),
    *("creationTimeAfter=yesterday", "creationTimeAfter=99999-01-01T00:00:00Z", "sortOrder=Sideways", "isOwned=1"),
    *("nextToken=e30%3D", "nextToken=" + "A" * 3000, "nextToken=%00", "statusEquals=", "x" * 5000),
)
_HOSTILE_LABELS: Final = (
    *(
        "%00",
        "%ff%fe",
        "..%2F..%2Fetc%2Fpasswd",
        "a" * 3000,
        "%E2%98%83",
        "arn%3Aaws%3Abedrock%3A%3A%3A%2F",
        "%25",
        "-",
    ),
    *("arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Acustom-model%2F%00", "%22%27%3B--", "%7B%7D", "a%20b", "."),
)
_HOSTILE_HEADERS: Final = (
    {"Content-Type": "text/plain"},
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Bedrock.Nothing"},
    {"Content-Type": "application/json; charset=utf-16"},
    {"Accept": "text/html", "User-Agent": "x" * 4000},
    {"Content-Encoding": "gzip"},
    {"Expect": "200-maybe", "X-Forwarded-For": "' OR 1=1"},
)
_JSON_VALUES: Final = ({}, [], "text", 7, True, None, -1.5, [None], {"a": {"b": []}}, 10**30, [[[]]], {"": ""})


@dataclass(frozen=True, slots=True)
class _Place:
    """A member somewhere in parameters, and how it is replaced."""

    shape: Shape
    owner: Any
    key: Any
    location: str
    is_required: bool


# Faults in the parameters: each changes them in place, and says whether it did.


def _leave_out(draw: Draw, operation: Operation, params: Params) -> bool:
    return _change(draw, operation, params, lambda place: place.is_required and place.location != "uri", None)


def _make_too_long(draw: Draw, operation: Operation, params: Params) -> bool:
    def is_bounded(place: _Place) -> bool:
        kinds = ("string", "list") if place.location == "body" else ("string",)
        return place.shape.kind in kinds and place.shape.maximum is not None and place.shape.maximum < 20_000

    def longer(place: _Place) -> Any:
        most = int(place.shape.maximum or 0)
        if place.shape.kind == "string":
            return "a" * (most + 1)
        value = place.owner[place.key]
        return (value * (most + 1))[: most + 1] if value else None

    return _change(draw, operation, params, is_bounded, longer)


def _break_pattern(draw: Draw, operation: Operation, params: Params) -> bool:
    def is_broken_by_it(place: _Place) -> bool:
        shape = place.shape
        if shape.kind != "string" or shape.pattern is None or place.location == "header":
            return False
        deviation = deviation_of(shape.service, shape.name)
        return not pattern_of(shape.pattern).fullmatch(HOSTILE_TEXT) and not (deviation and deviation.also_accept)

    return _change(draw, operation, params, is_broken_by_it, lambda _: HOSTILE_TEXT)


def _break_enum(draw: Draw, operation: Operation, params: Params) -> bool:
    def has_enum(place: _Place) -> bool:
        deviation = deviation_of(place.shape.service, place.shape.name)
        return bool(place.shape.enum) and not (deviation and deviation.ignore_enum)

    return _change(draw, operation, params, has_enum, lambda _: "Unheard")


def _go_out_of_range(draw: Draw, operation: Operation, params: Params) -> bool:
    def is_bounded(place: _Place) -> bool:
        return place.shape.kind in ("integer", "long") and (
            place.shape.maximum is not None or place.shape.minimum is not None
        )

    def beyond(place: _Place) -> int:
        high, low = place.shape.maximum, place.shape.minimum
        return int(high) + 1 if high is not None and high < 2**31 - 1 else int(low or 0) - 1

    return _change(draw, operation, params, is_bounded, beyond)


def _change(
    draw: Draw,
    operation: Operation,
    params: Params,
    is_wanted: Callable[[_Place], bool],
    make: Callable[[_Place], Any] | None,
) -> bool:
    """Whether there was a place that is wanted: it has the made value now, or is gone."""
    assert operation.input is not None or not params
    if operation.input is None:
        return False
    # What likely values brought is shared with other requests.
    copied = _copied(params)
    params.clear()
    params.update(copied)
    places = [place for place in _places(params, operation.input) if is_wanted(place)]
    if not places:
        return False
    place = draw(st.sampled_from(places))
    value = None if make is None else make(place)
    if value is not None:
        place.owner[place.key] = value
    elif make is None:
        del place.owner[place.key]
    return value is not None or make is None


def _places(owner: Params, shape: Shape, location: str | None = None) -> Iterator[_Place]:
    for name, value in owner.items():
        member = shape.members[name]
        where = location or member.location
        yield _Place(member.shape, owner, name, where, name in shape.required)
        yield from _places_below(value, member.shape, where)


def _places_below(value: Any, shape: Shape, location: str) -> Iterator[_Place]:
    if shape.is_document:
        return
    if shape.kind == "structure":
        yield from _places(value, shape, location)
    elif shape.kind == "list" and shape.element is not None:
        for index, item in enumerate(value):
            yield _Place(shape.element, value, index, location, False)
            yield from _places_below(item, shape.element, location)
    elif shape.kind == "map" and shape.element is not None:
        for key, item in value.items():
            yield _Place(shape.element, value, key, location, False)
            yield from _places_below(item, shape.element, location)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


# Faults on the wire: each gives another request.


def _spoil_a_type(draw: Draw, request: DrawnRequest) -> DrawnRequest:
    return _in_json(draw, request, lambda owner, key: owner.__setitem__(key, draw(st.sampled_from(_JSON_VALUES))))


def _add_an_unknown_member(draw: Draw, request: DrawnRequest) -> DrawnRequest:
    def add(owner: Any, key: Any) -> None:
        target = owner[key] if isinstance(owner[key], dict) else owner
        if isinstance(target, dict):
            target["notInTheModel"] = draw(st.sampled_from(_JSON_VALUES))

    return _in_json(draw, request, add)


def _in_json(draw: Draw, request: DrawnRequest, change: Callable[[Any, Any], object]) -> DrawnRequest:
    try:
        content = [json.loads(request.body)]
    except ValueError:
        return replace(request, fault="")
    places = [(content, 0), *_json_places(content[0])]
    change(*draw(st.sampled_from(places)))
    return replace(request, body=json.dumps(content[0]).encode())


def _json_places(value: Any) -> Iterator[tuple[Any, Any]]:
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    for key, item in pairs:
        yield value, key
        yield from _json_places(item)


def _send_hostile_bytes(draw: Draw, request: DrawnRequest) -> DrawnRequest:
    body = draw(st.one_of(st.sampled_from(_HOSTILE_BODIES), st.binary(max_size=60)))
    return replace(request, body=body)


def _cut_the_body(draw: Draw, request: DrawnRequest) -> DrawnRequest:
    if len(request.body) < 2:
        return replace(request, fault="")
    return replace(request, body=request.body[: draw(st.integers(1, len(request.body) - 1))])


def _send_a_hostile_query(draw: Draw, request: DrawnRequest) -> DrawnRequest:
    more = draw(st.sampled_from(_HOSTILE_QUERIES))
    return replace(request, query="&".join(filter(None, (request.query, more))))


def _send_a_hostile_label(draw: Draw, request: DrawnRequest) -> DrawnRequest:
    template = request.operation.uri.partition("?")[0].split("/")
    places = [index for index, segment in enumerate(template) if segment.startswith("{")]
    segments = request.path.split("/")
    if not places or len(segments) != len(template):
        return replace(request, fault="")
    segments[draw(st.sampled_from(places))] = draw(st.sampled_from(_HOSTILE_LABELS))
    return replace(request, path="/".join(segments))


def _send_hostile_headers(draw: Draw, request: DrawnRequest) -> DrawnRequest:
    return replace(request, headers={**request.headers, **draw(st.sampled_from(_HOSTILE_HEADERS))})


def _send_hostile_fields(draw: Draw, request: DrawnRequest) -> DrawnRequest:
    more = draw(st.sampled_from(_HOSTILE_FIELDS))
    return replace(request, body=request.body + b"&" + more.encode())


PARAMETER_FAULTS: Final = (_leave_out, _make_too_long, _break_pattern, _break_enum, _go_out_of_range)
_OF_PARAMETERS: Final = (
    ("a required member left out", _leave_out),
    ("too long", _make_too_long),
    ("a pattern not met", _break_pattern),
    ("an unknown enum", _break_enum),
    ("out of range", _go_out_of_range),
)
_OF_BODIES: Final = (("a body cut off", _cut_the_body), ("a hostile body", _send_hostile_bytes))
_OF_JSON: Final = (("a wrong type", _spoil_a_type), ("an unknown member", _add_an_unknown_member))


@cache
def faults_of(operation: Operation) -> tuple[tuple[str, Any], ...]:
    """What may be wrong with a request of the operation, by name; as often as all of them together, nothing is."""
    found: list[tuple[str, Any]] = [("hostile headers", _send_hostile_headers)]
    if operation.input is not None and operation.input.members:
        found += _OF_PARAMETERS
    if operation.protocol == "query":
        found += [*_OF_BODIES, ("hostile fields", _send_hostile_fields)]
    else:
        found += [("a hostile query", _send_a_hostile_query)]
        found += [*_OF_BODIES, *_OF_JSON] if operation.method not in ("GET", "DELETE") else []
        found += [("a hostile label", _send_a_hostile_label)] if "{" in operation.uri else []
    return (*[("", None)] * len(found), *found)
