"""Event-stream frames (`application/vnd.amazon.eventstream`), written by shape.

    total length · headers length · CRC of these · headers · payload · CRC of all before
        4 bytes          4             4

How: an event carries `:message-type` event and `:event-type`; a modelled exception carries `:message-type` exception
and `:exception-type`, the camel-case name of the stream's member. A member with the event-payload trait is the payload;
without one the payload is a JSON object of the members, blobs in base64, which is how `PayloadPart.bytes` travels.

Source   https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html, botocore/eventstream.py
Cost     two CRCs a frame, about 3 µs for a text delta.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tanren.aws.errors import Fault, serialization_failed, stream_member_of
from tanren.aws.json_writers import json_bytes
from tanren.aws.serialization import to_json
from tanren.aws.service_models import Member

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"

_PRELUDE = struct.Struct(">II")
_CRC = struct.Struct(">I")
_STRING_TYPE: Final = 7
_FIXED_WIDTHS: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Header value type → bytes; 6 and 7 carry their own length."""


def encode_event(stream: Member, event: Mapping[str, dict[str, Any]]) -> bytes:
    """One frame for `{event name: members}`; the name must be one of the stream's."""
    assert len(event) == 1, f"an event has one name, this one has {sorted(event)}"
    ((name, members),) = event.items()
    assert name in stream.shape.members, f"{stream.shape.name} has no event {name}"
    shape = stream.shape.members[name].shape
    headers = {":message-type": "event", ":event-type": name}
    for member in shape.members.values():
        if member.is_event_header and members.get(member.name) is not None:
            headers[member.name] = str(members[member.name])
    whole = next((member for member in shape.members.values() if member.is_event_payload), None)
    if whole is None:
        headers[":content-type"] = "application/json"
        body = {n: v for n, v in members.items() if not (n in shape.members and shape.members[n].is_event_header)}
        return _frame(headers, json_bytes(to_json(body, shape, f"/{name}")))
    value = members.get(whole.name)
    if whole.shape.kind == "blob":
        headers[":content-type"] = "application/octet-stream"
        return _frame(headers, value or b"")
    if whole.shape.kind == "string":
        headers[":content-type"] = "text/plain"
        return _frame(headers, str(value or "").encode())
    headers[":content-type"] = "application/json"
    return _frame(headers, json_bytes(to_json(value or {}, whole.shape, f"/{name}/{whole.name}")))


def encode_exception(stream: Member, fault: Fault) -> bytes:
    """The frame of a modelled exception; a fault that the stream does not model goes as the nearest one it does."""
    member = stream_member_of(fault, stream)
    headers = {
        ":message-type": "exception",
        ":exception-type": member.name,
        ":content-type": "application/json",
    }
    extra = {name: value for name, value in fault.members.items() if name in member.shape.members}
    return _frame(
        headers,
        json_bytes({"message": fault.message, **to_json(extra, member.shape, "")}),
    )


def decode_events(body: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Headers and payload of each frame in `body`; a signed envelope is opened.

    Raises   WireError SerializationException where a length or a CRC is wrong.
    """
    position = 0
    while position < len(body):
        if len(body) - position < 16:
            raise serialization_failed("The event stream ends inside a frame")
        total, headers_length = _PRELUDE.unpack_from(body, position)
        frame = body[position : position + total]
        if len(frame) != total or total < 16 + headers_length:
            raise serialization_failed("The event stream ends inside a frame")
        if zlib.crc32(frame[:8]) != _CRC.unpack_from(frame, 8)[0]:
            raise serialization_failed("A frame of the event stream has a wrong prelude checksum")
        if zlib.crc32(frame[:-4]) != _CRC.unpack_from(frame, total - 4)[0]:
            raise serialization_failed("A frame of the event stream has a wrong checksum")
        headers = _decode_headers(frame[12 : 12 + headers_length])
        payload = frame[12 + headers_length : -4]
        if ":chunk-signature" in headers and ":message-type" not in headers:
            yield from decode_events(payload)
        else:
            yield headers, payload
        position += total


def _frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    encoded = b"".join(_encode_header(name, value) for name, value in headers.items())
    total = 16 + len(encoded) + len(payload)
    prelude = _PRELUDE.pack(total, len(encoded))
    prelude += _CRC.pack(zlib.crc32(prelude))
    checksum = zlib.crc32(payload, zlib.crc32(encoded, zlib.crc32(prelude)))
    return b"".join((prelude, encoded, payload, _CRC.pack(checksum)))


def _encode_header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return bytes((len(key),)) + key + bytes((_STRING_TYPE,)) + len(text).to_bytes(2, "big") + text


def _decode_headers(data: bytes) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    position = 0
    try:
        while position < len(data):
            name_end = position + 1 + data[position]
            name = data[position + 1 : name_end].decode()
            kind = data[name_end]
            position = name_end + 1
            if kind in _FIXED_WIDTHS:
                width = _FIXED_WIDTHS[kind]
            else:
                width = int.from_bytes(data[position : position + 2], "big")
                position += 2
            value = data[position : position + width]
            position += width
            headers[name] = value.decode() if kind == _STRING_TYPE else value
    except (IndexError, UnicodeDecodeError) as error:
        raise serialization_failed("A frame of the event stream has broken headers") from error
    return headers
