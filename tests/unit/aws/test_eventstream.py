"""Frames: botocore reads what we write, we read what we write, and damage is noticed."""

from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from tanren.aws.errors import Fault, WireError
from tanren.aws.eventstream import decode_events, encode_event, encode_exception
from tanren.aws.service_models import Member, load_service

RUNTIME = load_service("bedrock-runtime")


def stream_of(operation: str) -> Member:
    stream = RUNTIME.operation(operation).output_stream
    assert stream is not None
    return stream


INVOKE, CONVERSE = stream_of("InvokeModelWithResponseStream"), stream_of("ConverseStream")


@given(st.lists(st.binary(max_size=200), max_size=4), st.integers(1, 60))
def test_botocore_reads_each_frame_however_the_bytes_are_cut(chunks: list[bytes], size: int) -> None:
    body = b"".join(encode_event(INVOKE, {"chunk": {"bytes": chunk}}) for chunk in chunks)
    buffer = EventStreamBuffer()
    messages: list[Any] = []
    for start in range(0, len(body), size):
        buffer.add_data(body[start : start + size])
        messages += list(buffer)
    assert [message.headers for message in messages] == [
        {":message-type": "event", ":event-type": "chunk", ":content-type": "application/json"}
    ] * len(chunks)
    ours = list(decode_events(body))
    assert [(headers, payload) for headers, payload in ours] == [(m.headers, m.payload) for m in messages]


def test_a_blob_without_the_payload_trait_is_base64_inside_json() -> None:
    ((_, payload),) = decode_events(encode_event(INVOKE, {"chunk": {"bytes": b"\x00\x01"}}))
    assert payload == b'{"bytes":"AAE="}'


def test_an_exception_carries_its_camel_case_name_and_a_fault_the_stream_lacks_its_nearest() -> None:
    fault = Fault(code="ModelErrorException", status=424, message="gone")
    ((headers, payload),) = decode_events(encode_exception(INVOKE, fault))
    assert (headers[":message-type"], headers[":exception-type"]) == ("exception", "modelStreamErrorException")
    assert payload == b'{"message":"gone"}'
    timeout = Fault(code="ModelTimeoutException", status=408, message="slow")
    ((headers, _),) = decode_events(encode_exception(CONVERSE, timeout))
    assert headers[":exception-type"] == "modelStreamErrorException"
    other = Fault(code="ResourceNotFoundException", status=404, message="none")
    ((headers, _),) = decode_events(encode_exception(CONVERSE, other))
    assert headers[":exception-type"] == "validationException"


@pytest.mark.parametrize(
    "event", [{}, {"chunk": {}, "other": {}}, {"nothing": {}}, {"chunk": {"unknown": 1}}, {"chunk": {"bytes": "text"}}]
)
def test_an_event_that_the_stream_does_not_have_is_our_mistake(event: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        encode_event(INVOKE, event)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_damaged_frame_is_refused(place: int, change: int) -> None:
    body = bytearray(encode_event(INVOKE, {"chunk": {"bytes": b"hello"}}))
    body[place % len(body)] ^= change
    with pytest.raises(WireError, match="SerializationException"):
        list(decode_events(bytes(body)))
