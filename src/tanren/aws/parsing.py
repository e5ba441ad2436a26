"""A rest-json request becomes the parameters of its operation, by shape.

How: each member of the input shape says where it lives (label, query string, header, payload, JSON body) and of which
kind it is; the walk below reads exactly those places. Unknown JSON keys are ignored, as Bedrock's control plane does;
`null` is the same as absent; a wrong JSON type, broken JSON, or a union without exactly one member is a
SerializationException that names the place as a JSON pointer. Timestamps come out as aware UTC datetimes, blobs as
bytes, documents as the JSON that they are. An event-stream input comes out as the list of its events.

Constraints (required, length, pattern, enum) are `validation.py`'s.

Cost: one pass over the body; about 15 µs for a small request.
"""

import base64
import binascii
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, cast
from urllib.parse import unquote_plus

from tanren.aws.errors import serialization_failed
from tanren.aws.eventstream import decode_events
from tanren.aws.service_models import Member, Operation, Shape, TimestampFormat

_INTEGER_BOUNDS = {"integer": 2**31, "long": 2**63}
_SPECIAL_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """The parts of an HTTP request from which parameters are read."""

    labels: Mapping[str, str]
    raw_query: str
    """As it came over the wire, without the question mark."""
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes


def parse_request(operation: Operation, request: WireRequest) -> dict[str, Any]:
    """The operation's parameters by member name.

    Raises   WireError SerializationException.
    """
    shape = operation.input
    params: dict[str, Any] = {}
    if shape is None:
        return params
    query: dict[str, list[str]] | None = None
    body: dict[str, Any] | None = None
    for member in shape.members.values():
        value: Any = None
        if member.location == "uri":
            value = request.labels.get(member.wire_name)
            value = None if value is None else _from_text(value, member, "iso8601")
        elif member.location == "querystring":
            query = _query(request.raw_query) if query is None else query
            value = _from_query(query, member, shape)
        elif member.location == "header":
            value = request.headers.get(member.wire_name.lower())
            value = None if value is None else _from_header(value, member)
        elif member.location == "headers":
            value = _from_prefixed_headers(request.headers, member.wire_name.lower())
        elif member.location == "payload":
            value = _from_payload(request.body, member)
        elif member.location == "body":
            body = _json_object(request.body) if body is None else body
            value = body.get(member.wire_name)
            value = None if value is None else from_json(value, member.shape, f"/{member.name}", member)
        if value is not None:
            params[member.name] = value
    return params


def from_json(value: Any, shape: Shape, at: str, member: Member | None = None) -> Any:
    """`value` as the shape's Python value. `at` is its JSON pointer, for the error.

    Raises   WireError SerializationException.
    """
    kind = shape.kind
    if shape.is_document:
        return value
    if kind == "structure":
        return _structure_from_json(value, shape, at)
    if kind in ("string", "char"):
        return _text(value, at)
    if kind == "list":
        items = cast(
            "list[Any]",
            value if isinstance(value, list) else _wrong(at, "a list", value),
        )
        element = cast("Shape", shape.element)
        return [from_json(_present(item, f"{at}/{i}"), element, f"{at}/{i}") for i, item in enumerate(items)]
    if kind == "map":
        pairs = cast(
            "dict[str, Any]",
            value if isinstance(value, dict) else _wrong(at, "an object", value),
        )
        element = cast("Shape", shape.element)
        return {
            _text(name, at): from_json(_present(item, f"{at}/{name}"), element, f"{at}/{name}")
            for name, item in pairs.items()
        }
    if kind == "boolean":
        return value if isinstance(value, bool) else _wrong(at, "true or false", value)
    if kind in ("integer", "long"):
        return _integer(value, kind, at)
    if kind in ("float", "double"):
        return _float(value, at)
    if kind == "timestamp":
        return _timestamp_from_json(value, _format_of(shape, member, "unixTimestamp"), at)
    return _blob(value, at)


def _structure_from_json(value: Any, shape: Shape, at: str) -> dict[str, Any]:
    found = cast(
        "dict[str, Any]",
        value if isinstance(value, dict) else _wrong(at, "an object", value),
    )
    params: dict[str, Any] = {}
    for member in shape.members.values():
        item = found.get(member.wire_name)
        if item is not None:
            params[member.name] = from_json(item, member.shape, f"{at}/{member.name}", member)
    if shape.is_union and len(params) != 1:
        names, given = ", ".join(shape.members), ", ".join(params) or "none"
        raise serialization_failed(f"Expected exactly one of {names} at '{at}', found {given}")
    return params


def _json_object(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    value = _json(body)
    return cast(
        "dict[str, Any]",
        value if isinstance(value, dict) else _wrong("/", "an object", value),
    )


def _json(body: bytes) -> Any:
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_such_constant)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise serialization_failed(f"The request body is not valid JSON: {reason}") from error
    if b"\\u" in body:
        _refuse_lone_surrogates(value)
    return value


def _refuse_lone_surrogates(value: Any) -> None:
    # Half a surrogate pair is a legal JSON escape but no text: it could be neither stored nor sent back.
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise serialization_failed("The request body holds half of a surrogate pair (\\ud800–\\udfff)") from error


def _no_such_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _from_payload(body: bytes, member: Member) -> Any:
    shape = member.shape
    if shape.is_event_stream:
        return _events(body, shape)
    if shape.kind == "blob":
        return body
    if shape.kind in ("string", "char"):
        try:
            return body.decode("utf-8") if body else None
        except UnicodeDecodeError as error:
            raise serialization_failed(f"The request body is not UTF-8: {error}") from error
    if not body:
        return None
    value = _json(body)
    return None if value is None else from_json(value, shape, f"/{member.name}", member)


def _events(body: bytes, shape: Shape) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for headers, payload in decode_events(body):
        name = str(headers.get(":event-type", ""))
        event = shape.members.get(name)
        if event is not None:
            events.append({name: _event(headers, payload, event.shape)})
    return events


def _event(headers: Mapping[str, Any], payload: bytes, shape: Shape) -> dict[str, Any]:
    whole = next((member for member in shape.members.values() if member.is_event_payload), None)
    params = {member.name: headers[member.name] for member in shape.members.values() if member.name in headers}
    if whole is not None:
        params[whole.name] = _from_payload(payload, whole)
    else:
        params |= _structure_from_json(_json_object(payload), shape, "")
    return params


def _query(raw: str) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for pair in raw.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            values.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return values


def _from_query(query: dict[str, list[str]], member: Member, owner: Shape) -> Any:
    shape = member.shape
    if shape.kind == "map":
        # A map takes what no other member claims.
        claimed = {other.wire_name for other in owner.members.values() if other.location == "querystring"}
        lists = shape.element is not None and shape.element.kind == "list"
        rest = {name: values if lists else values[0] for name, values in query.items() if name not in claimed}
        return rest or None
    values = query.get(member.wire_name)
    if values is None:
        return None
    if shape.kind == "list":
        element = cast("Shape", shape.element)
        return [_scalar_from_text(text, element, "iso8601", member.name) for text in values]
    return _from_text(values[0], member, "iso8601")


def _from_header(text: str, member: Member) -> Any:
    if member.is_json_value:
        try:
            return json.loads(base64.b64decode(text, validate=True))
        except ValueError as error:
            raise serialization_failed(f"Header {member.wire_name} is not base64-encoded JSON") from error
    if member.shape.kind == "list":
        element = cast("Shape", member.shape.element)
        return [_scalar_from_text(part.strip(), element, "rfc822", member.name) for part in text.split(",")]
    return _from_text(text, member, "rfc822")


def _from_prefixed_headers(headers: Mapping[str, str], prefix: str) -> dict[str, str] | None:
    return {name[len(prefix) :]: value for name, value in headers.items() if name.startswith(prefix)} or None


def scalar_from_text(text: str, shape: Shape, member: Member, default_format: TimestampFormat) -> Any:
    """The value of `shape`, which is the member's own or that of its elements.

    Raises   WireError SerializationException.
    """
    return _scalar_from_text(text, shape, _format_of(shape, member, default_format), member.name)


def _from_text(text: str, member: Member, default_format: TimestampFormat) -> Any:
    return scalar_from_text(text, member.shape, member, default_format)


def _scalar_from_text(text: str, shape: Shape, timestamp_format: TimestampFormat, name: str) -> Any:
    at = f"/{name}"
    kind = shape.kind
    if kind in ("string", "char"):
        return text
    if kind == "boolean":
        return {"true": True, "false": False}[text] if text in ("true", "false") else _wrong(at, "true or false", text)
    if kind in ("integer", "long"):
        try:
            number = int(text) if text.isascii() and "_" not in text else _wrong(at, "an integer", text)
        except ValueError:
            _wrong(at, "an integer", text)
        return _integer(number, kind, at)
    if kind in ("float", "double"):
        try:
            return _SPECIAL_FLOATS[text] if text in _SPECIAL_FLOATS else float(text)
        except ValueError:
            _wrong(at, "a number", text)
    if kind == "timestamp":
        return _timestamp_from_json(text, timestamp_format, at)
    return _blob(text, at)


def _format_of(shape: Shape, member: Member | None, default: TimestampFormat) -> TimestampFormat:
    return (member.timestamp_format if member else None) or shape.timestamp_format or default


def _timestamp_from_json(value: Any, timestamp_format: TimestampFormat, at: str) -> datetime:
    """An aware datetime from ISO 8601 text, an HTTP date, or seconds since 1970; the shape's format is a preference."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _EPOCH + timedelta(seconds=value)
        if isinstance(value, str):
            if timestamp_format == "unixTimestamp" and value.replace(".", "", 1).lstrip("-").isdigit():
                return _EPOCH + timedelta(seconds=float(value))
            if value[:1].isdigit():
                parsed = datetime.fromisoformat(value)
                return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
            return parsedate_to_datetime(value).astimezone(UTC)
    except (ValueError, OverflowError, TypeError):
        pass
    _wrong(at, "a timestamp such as 2026-01-02T03:04:05Z", value)


def _text(value: Any, at: str) -> str:
    return value if isinstance(value, str) else _wrong(at, "a string", value)


def _integer(value: Any, kind: str, at: str) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        _wrong(at, "an integer", value)
    bound = _INTEGER_BOUNDS[kind]
    if not -bound <= value < bound:
        _wrong(at, f"an integer of {bound.bit_length()} bits", value)
    return value


def _float(value: Any, at: str) -> float:
    if isinstance(value, str) and value in _SPECIAL_FLOATS:
        return _SPECIAL_FLOATS[value]
    if not isinstance(value, int | float) or isinstance(value, bool):
        _wrong(at, "a number", value)
    try:
        return float(value)
    except OverflowError:
        _wrong(at, "a number of 64 bits", value)


def _blob(value: Any, at: str) -> bytes:
    try:
        return base64.b64decode(_text(value, at), validate=True)
    except (binascii.Error, ValueError) as error:
        raise serialization_failed(f"Expected base64 at '{at}'") from error


def _present(value: Any, at: str) -> Any:
    return _wrong(at, "a value", value) if value is None else value


def _wrong(at: str, expected: str, found: Any) -> NoReturn:
    raise serialization_failed(f"Expected {expected} at '{at}', found {_words(found)}")


def _words(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "an object"
