"""The members of an operation's output become a rest-json response; faults become a response in any protocol.

How: the mirror of `parsing.py`. Members go to the status code, headers, the payload, or a JSON object, by shape; what
makes JSON of them is `json_writers.py`. `None` is left out. A member that the shape does not have, or of the wrong
type, is our own mistake and fails an assertion: no client may come to depend on it. Timestamps are ISO 8601 in UTC
where the model says so, as everywhere in Bedrock.

Faults are written in the protocol that the caller's SDK reads: rest-json, JSON 1.x (`__type`), query (`ErrorResponse`),
EC2, and S3's XML.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast
from xml.sax.saxutils import escape

from tanren.aws.errors import Fault, WireProtocol
from tanren.aws.json_writers import Misfit, Writer, json_bytes, member_writer, timestamp_writer, writer_of
from tanren.aws.service_models import Member, Operation, Shape, TimestampFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class WireResponse:
    status: int
    headers: Mapping[str, str]
    body: bytes


def serialize_result(operation: Operation, members: Mapping[str, Any], *, request_id: str) -> WireResponse:
    """The response to `operation`, all but an event stream, whose frames are `eventstream.py`'s."""
    shape = operation.output
    status = operation.status
    headers = {"x-amzn-RequestId": request_id}
    if shape is None:
        assert not members, f"{operation.name} has no output, but its handler returned {sorted(members)}"
        return WireResponse(
            status=status,
            headers={**headers, "Content-Type": "application/json"},
            body=b"{}",
        )
    unknown = members.keys() - shape.members.keys()
    assert not unknown, f"{operation.name}: the output shape has no member {sorted(unknown)}"
    body: dict[str, Any] = {}
    payload: bytes | None = None
    content_type = "application/json"
    in_body = _body_writers(shape)
    for name, value in members.items():
        if value is None:
            continue
        if name in in_body:
            wire_name, write = in_body[name]
            body[wire_name] = _written(write, value, name)
            continue
        member = shape.members[name]
        if member.location == "header":
            headers[member.wire_name] = _header_text(value, member)
        elif member.location == "headers":
            headers |= {member.wire_name + key: str(item) for key, item in value.items()}
        elif member.location == "statusCode":
            status = int(value)
        else:
            payload, content_type = _payload(value, member)
    if payload is None:
        payload = b"" if shape.payload is not None else json_bytes(body)
    headers.setdefault("Content-Type", content_type)
    return WireResponse(status=status, headers=headers, body=b"" if status == 204 else payload)


def serialize_fault(fault: Fault, *, protocol: WireProtocol, request_id: str, resource: str = "") -> WireResponse:
    """The error response that SDKs of `protocol` turn into their exception. `resource` is S3's name for the path."""
    headers = {"x-amzn-RequestId": request_id}
    if protocol in ("rest-json", "json"):
        extra = {name: _plain(value) for name, value in fault.members.items()}
        if protocol == "rest-json":
            headers |= {
                "x-amzn-ErrorType": fault.code,
                "Content-Type": "application/json",
            }
            body = json_bytes({"message": fault.message, **extra})
        else:
            headers |= {
                "x-amzn-ErrorType": fault.code,
                "Content-Type": "application/x-amz-json-1.1",
            }
            body = json_bytes(
                {
                    "__type": fault.code,
                    "message": fault.message,
                    "Message": fault.message,
                    **extra,
                }
            )
        return WireResponse(status=fault.status, headers=headers, body=body)
    code, message, name = (
        escape(fault.code),
        escape(xml_text(fault.message)),
        escape(xml_text(resource)),
    )
    if protocol == "s3":
        headers = {"x-amz-request-id": request_id, "Content-Type": "application/xml"}
        text = (
            f"<Error><Code>{code}</Code><Message>{message}</Message><Resource>{name}</Resource>"
            f"<RequestId>{request_id}</RequestId></Error>"
        )
    elif protocol == "ec2":
        headers["Content-Type"] = "text/xml"
        text = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
    else:
        headers["Content-Type"] = "text/xml"
        side = "Sender" if fault.is_sender else "Receiver"
        text = (
            f"<ErrorResponse><Error><Type>{side}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return WireResponse(status=fault.status, headers=headers, body=(declaration + text).encode())


def to_json(value: Any, shape: Shape, at: str, member: Member | None = None) -> Any:
    """`value` by shape, as `json_bytes` takes it; asserts that it is what the shape says. `at` is its place, for the
    assertion."""
    return _written(writer_of(shape, member.timestamp_format if member else None), value, at.removeprefix("/"))


@cache
def _body_writers(output: Shape) -> Mapping[str, tuple[str, Writer]]:
    """Wire name and writer of each member that is in the JSON body, by name."""
    in_body = (member for member in output.members.values() if member.location == "body")
    return {member.name: (member.wire_name, member_writer(member)) for member in in_body}


def _written(write: Writer, value: Any, name: str) -> Any:
    try:
        return write(value)
    except Misfit as misfit:
        misfit.within(name)
        raise


def timestamp_to_wire(value: datetime, timestamp_format: TimestampFormat) -> str | float:
    """ISO 8601 ends in Z and shows microseconds only where there are any."""
    written = timestamp_writer(timestamp_format)(value)
    return written.isoformat().replace("+00:00", "Z") if isinstance(written, datetime) else written


def _payload(value: Any, member: Member) -> tuple[bytes, str]:
    if member.shape.kind == "blob":
        assert isinstance(value, bytes), f"{member.name}: expected bytes"
        return value, "application/octet-stream"
    if member.shape.kind in ("string", "char"):
        return str(value).encode(), "text/plain"
    return json_bytes(to_json(value, member.shape, f"/{member.name}", member)), "application/json"


def _header_text(value: Any, member: Member) -> str:
    if member.is_json_value:
        return base64.b64encode(json_bytes(value)).decode()
    if member.shape.kind == "list":
        return ", ".join(_header_scalar(item, cast("Shape", member.shape.element), None) for item in value)
    return _header_scalar(value, member.shape, member)


def _header_scalar(value: Any, shape: Shape, member: Member | None) -> str:
    encoded = to_json(value, shape, "")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return str(timestamp_to_wire(value, _format_of(shape, member, "rfc822")))
    return str(encoded)


def _format_of(shape: Shape, member: Member | None, default: TimestampFormat) -> TimestampFormat:
    return (member.timestamp_format if member else None) or shape.timestamp_format or default


def _plain(value: Any) -> Any:
    return timestamp_to_wire(value, "iso8601") if isinstance(value, datetime) else value


def xml_text(text: str) -> str:
    """`text` without what no XML document can hold."""
    # XML 1.0 has no way to write control characters, not even as entities.
    return "".join(char if char >= " " or char in "\t\n" else "�" for char in text)
