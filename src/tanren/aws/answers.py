"""How an answer goes out: whole, event by event, or piece by piece from another API's door. And the access log.

A streaming answer sends its headers when its first event is there, so that an error before it is an ordinary HTTP
error; an error after it becomes a modelled exception frame. When the client goes away, the iterator is closed.
"""

import json
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import cast

from tanren.aws import eventstream
from tanren.aws.context import Members, Reply
from tanren.aws.doors import DoorAnswer
from tanren.aws.errors import fault_of
from tanren.aws.exchange import Exchange
from tanren.aws.serialization import WireResponse, serialize_result
from tanren.aws.service_models import Member, Operation

access_log = logging.getLogger("tanren.access")


async def write_answer(exchange: Exchange, response: WireResponse, extra: Mapping[str, str] | None = None) -> None:
    headers = {**response.headers, **(extra or {}), "Content-Length": str(len(response.body))}
    if response.status == 204:
        del headers["Content-Length"]
    await exchange.begin(response.status, _wire_headers(headers))
    await exchange.write(b"" if exchange.method == "HEAD" else response.body, more=False)


async def write_at_door(exchange: Exchange, answer: DoorAnswer) -> None:
    pieces = answer.body
    if isinstance(pieces, bytes):
        await write_answer(exchange, WireResponse(status=answer.status, headers=dict(answer.headers), body=pieces))
        return
    try:
        await exchange.while_connected(_pour(exchange, answer, pieces))
    finally:
        await pieces.aclose()


async def _pour(exchange: Exchange, answer: DoorAnswer, pieces: AsyncGenerator[bytes]) -> None:
    await exchange.begin(answer.status, _wire_headers(answer.headers))
    async for piece in pieces:
        await exchange.write(piece, more=True)
    await exchange.write(b"", more=False)


async def write_stream(exchange: Exchange, operation: Operation, stream: Member, reply: Reply) -> None:
    events = cast("AsyncIterator[Mapping[str, Members]]", reply.members[stream.name])
    try:
        await exchange.while_connected(_pump(exchange, operation, stream, reply, events))
    finally:
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()


async def _pump(
    exchange: Exchange,
    operation: Operation,
    stream: Member,
    reply: Reply,
    events: AsyncIterator[Mapping[str, Members]],
) -> None:
    frame = await _next_frame(stream, events)
    plain = {name: value for name, value in reply.members.items() if name != stream.name}
    response = serialize_result(operation, plain, request_id=exchange.request_id)
    headers = {**response.headers, **reply.extra_headers, "Content-Type": eventstream.CONTENT_TYPE}
    await exchange.begin(response.status, _wire_headers(headers))
    try:
        while frame is not None:
            await exchange.write(frame, more=True)
            frame = await _next_frame(stream, events)
        last = b""
    # The stream's own way to say that something failed; fault_of logs what is not a client's mistake.
    except Exception as error:
        last = eventstream.encode_exception(stream, fault_of(error, operation, request_id=exchange.request_id))
    await exchange.write(last, more=False)


async def _next_frame(stream: Member, events: AsyncIterator[Mapping[str, Members]]) -> bytes | None:
    event = await anext(events, None)
    return None if event is None else eventstream.encode_event(stream, dict(event))


def _wire_headers(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("utf-8")) for name, value in headers.items()]


def log_access(exchange: Exchange) -> None:
    if access_log.isEnabledFor(logging.INFO):
        event = {
            "event": "request",
            "request_id": exchange.request_id,
            "method": exchange.method,
            "service": exchange.service,
            "operation": exchange.operation.name if exchange.operation else None,
            "status": exchange.status,
            "ms": round((time.perf_counter() - exchange.started) * 1000, 2),
        }
        access_log.info("%s", json.dumps(event))
