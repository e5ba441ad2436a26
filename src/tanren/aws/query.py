"""AWS's query protocol, which IAM and STS speak: form fields become parameters, results become XML.

    Action=CreateRole&Version=2010-05-08&RoleName=r&Tags.member.1.Key=team&Tags.member.1.Value=forge

How: fields are `name=value` with dotted names, where numbers count the elements of a list (`Tags.member.1`) or the
entries of a map (`M.entry.1.key`); they are put into a tree once, which is then read by shape, as `parsing.py` reads
JSON. A flattened list or map has no `member` or `entry`. What the shape does not have is ignored, as AWS does. The
result is the mirror of it in XML, in the model's namespace and wrapper, followed by the request id.

Fields come from the body of a POST; a GET, as presigned URLs of STS are, has them in its query string.

Source   https://smithy.io/2.0/aws/protocols/aws-query-protocol.html, botocore's QuerySerializer and QueryParser
Cost     linear in the number of fields, of which there are at most LARGEST_NUMBER_OF_FIELDS.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast
from urllib.parse import unquote_plus
from xml.sax.saxutils import escape

from tanren.aws.errors import WireError
from tanren.aws.parsing import scalar_from_text
from tanren.aws.serialization import WireResponse, timestamp_to_wire, to_json, xml_text
from tanren.aws.service_models import Member, Operation, Service, Shape

LARGEST_NUMBER_OF_FIELDS: Final = 5_000
_DEEPEST_NAME: Final = 32
_FORM: Final = "application/x-www-form-urlencoded"
_OF_SIGNING: Final = "X-Amz-"

_ElementNames = tuple[str, ...]


@dataclass(slots=True)
class _Field:
    """A name's own value, and what lies below it."""

    text: str | None = None
    below: "dict[str, _Field]" = field(default_factory=dict[str, "_Field"])


def read_fields(*, method: str, headers: Mapping[str, str], raw_query: str, body: bytes) -> dict[str, str]:
    """The fields of a request by name, decoded.

    Raises   WireError: InvalidParameterValue for a field that is given twice, or is no UTF-8; MalformedQueryString for
             too many fields, or a body of another kind.
    """
    text = raw_query
    if method == "POST":
        kind = headers.get("content-type", _FORM)
        if body and not kind.startswith(_FORM):
            raise _malformed(f"The body must be {_FORM}, not {kind[:64]}.")
        text = "&".join(filter(None, (body.decode("latin-1"), raw_query)))
    found: dict[str, str] = {}
    pairs = [pair for pair in text.split("&") if pair]
    if len(pairs) > LARGEST_NUMBER_OF_FIELDS:
        raise _malformed(f"{len(pairs)} fields; a request has at most {LARGEST_NUMBER_OF_FIELDS}.")
    for pair in pairs:
        raw_name, _, raw_value = pair.partition("=")
        try:
            name, value = (unquote_plus(part, errors="strict") for part in (raw_name, raw_value))
        except UnicodeDecodeError as error:
            raise WireError("InvalidParameterValue", f"The field {raw_name[:64]} is not UTF-8.", status=400) from error
        if name in found:
            raise WireError("InvalidParameterValue", f"The field {name[:64]} is given twice.", status=400)
        found[name] = value
    return found


def operation_of(service: Service, fields: Mapping[str, str]) -> Operation:
    """The operation that the fields name.

    Raises   WireError: MissingAction, InvalidAction.
    """
    name, version = fields.get("Action"), fields.get("Version")
    if not name:
        raise WireError("MissingAction", f"A request to {service.name} names its operation in Action.", status=400)
    if name not in service.operation_names or version not in (None, service.api_version):
        raise WireError(
            "InvalidAction",
            f"Could not find operation {name[:64]} for version {(version or service.api_version)[:32]}; "
            f"{service.name} has version {service.api_version}.",
            status=400,
        )
    return service.operation(name)


def parse_fields(operation: Operation, fields: Mapping[str, str]) -> dict[str, Any]:
    """The operation's parameters by member name.

    Raises   WireError: SerializationException for a value of the wrong type, or a gap in a list's numbers.
    """
    if operation.input is None:
        return {}
    return _structure(_tree(fields), operation.input)


def serialize_query_result(
    operation: Operation, members: Mapping[str, Any], *, namespace: str, request_id: str
) -> WireResponse:
    """The response to `operation`; asserts that the members are what its output shape says."""
    result = ""
    if operation.output is not None:
        # The same walk as for JSON checks every value against its shape: a wrong one is our own mistake.
        to_json(members, operation.output, f"/{operation.name}")
        result = "".join(_members_as_xml(members, operation.output))
        if operation.output_wrapper is not None:
            result = f"<{operation.output_wrapper}>{result}</{operation.output_wrapper}>"
    else:
        assert not members, f"{operation.name} has no output, but its handler returned {sorted(members)}"
    text = (
        f'<{operation.name}Response xmlns="{escape(namespace)}">{result}'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation.name}Response>"
    )
    headers = {"x-amzn-RequestId": request_id, "Content-Type": "text/xml"}
    return WireResponse(status=operation.status, headers=headers, body=text.encode())


def _malformed(message: str) -> WireError:
    # IAM's list of common errors has 404 for it.
    return WireError("MalformedQueryString", message, status=404)


def _tree(fields: Mapping[str, str]) -> _Field:
    root = _Field()
    for name, value in fields.items():
        if name in ("Action", "Version") or name.startswith(_OF_SIGNING):
            continue
        parts = name.split(".")
        if len(parts) > _DEEPEST_NAME:
            raise _malformed(f"The field {name[:64]} has more than {_DEEPEST_NAME} parts.")
        place = root
        for part in parts:
            place = place.below.setdefault(part, _Field())
        place.text = value
    return root


def _structure(place: _Field, shape: Shape) -> dict[str, Any]:
    params: dict[str, Any] = {}
    for member in shape.members.values():
        for name in _names_of(member):
            found = place.below.get(name)
            if found is not None:
                params[member.name] = _value(found, member.shape, member)
                break
    return params


def _names_of(member: Member) -> _ElementNames:
    """What a field of this member is called: a flattened list goes by the name of its elements."""
    shape = member.shape
    if shape.kind == "list" and shape.is_flattened and shape.element_name is not None:
        # An empty list is sent under the member's own name.
        return shape.element_name, member.wire_name
    return (member.wire_name,)


def _value(place: _Field, shape: Shape, member: Member) -> Any:
    if shape.kind == "structure":
        return _structure(place, shape)
    if shape.kind == "list":
        element = cast("Shape", shape.element)
        return [_value(item, element, member) for item in _numbered(place, shape, "member", member)]
    if shape.kind == "map":
        key, element = cast("Shape", shape.key), cast("Shape", shape.element)
        key_name, value_name = shape.key_name or "key", shape.element_name or "value"
        entries = _numbered(place, shape, "entry", member)
        return {
            _value(_part(entry, key_name, member), key, member): _value(
                _part(entry, value_name, member), element, member
            )
            for entry in entries
        }
    return scalar_from_text(place.text or "", shape, member, "iso8601")


def _numbered(place: _Field, shape: Shape, envelope: str, member: Member) -> Iterator[_Field]:
    """The elements in their order, which their numbers say, from 1 without a gap."""
    if not shape.is_flattened:
        if shape.kind == "list" and shape.element_name is not None and shape.element_name in place.below:
            envelope = shape.element_name
        place = place.below.get(envelope, _Field())
    for number in range(1, len(place.below) + 1):
        element = place.below.get(str(number))
        if element is None:
            raise WireError(
                "SerializationException",
                f"{member.name} has {len(place.below)} elements, but none with the number {number}.",
                status=400,
            )
        yield element


def _part(entry: _Field, name: str, member: Member) -> _Field:
    part = entry.below.get(name)
    if part is None:
        raise WireError("SerializationException", f"An entry of {member.name} has no {name}.", status=400)
    return part


def _members_as_xml(value: Mapping[str, Any], shape: Shape) -> Iterator[str]:
    for name, item in value.items():
        if item is not None:
            member = shape.members[name]
            yield from _as_xml(item, member.shape, member.wire_name, member)


def _as_xml(value: Any, shape: Shape, tag: str, member: Member) -> Iterator[str]:
    if shape.kind == "list":
        element = cast("Shape", shape.element)
        inner = (shape.element_name or tag) if shape.is_flattened else (shape.element_name or "member")
        items = (piece for item in value for piece in _as_xml(item, element, inner, member))
        yield from items if shape.is_flattened else _enclosed(tag, items)
    elif shape.kind == "map":
        entries = (_entry(name, item, shape, member) for name, item in value.items())
        if shape.is_flattened:
            yield from (f"<{tag}>{entry}</{tag}>" for entry in entries)
        else:
            yield from _enclosed(tag, (f"<entry>{entry}</entry>" for entry in entries))
    elif shape.kind == "structure":
        yield from _enclosed(tag, _members_as_xml(value, shape))
    else:
        yield f"<{tag}>{escape(xml_text(_scalar_as_text(value, shape, member)))}</{tag}>"


def _entry(name: str, item: Any, shape: Shape, member: Member) -> str:
    key, element = cast("Shape", shape.key), cast("Shape", shape.element)
    parts = (
        *_as_xml(name, key, shape.key_name or "key", member),
        *_as_xml(item, element, shape.element_name or "value", member),
    )
    return "".join(parts)


def _enclosed(tag: str, pieces: Iterator[str]) -> Iterator[str]:
    yield f"<{tag}>"
    yield from pieces
    yield f"</{tag}>"


def _scalar_as_text(value: Any, shape: Shape, member: Member) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return str(timestamp_to_wire(value, member.timestamp_format or shape.timestamp_format or "iso8601"))
    return str(to_json(value, shape, f"/{member.name}"))
