"""One HTTP request over ASGI: what it says, its body as it arrives, and the way to answer it.

How: each step of the chain notes on the `Exchange` what it has found; the steps after it, and the logs, read it there.
The body is read once; `peek_body` alone puts back what it has read.
"""

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Final, TypeVar, cast

from tanren.aws.context import Members
from tanren.aws.doors import Door
from tanren.aws.errors import Fault, WireError, WireProtocol, protocol_of
from tanren.aws.service_models import Operation
from tanren.aws.signatures import Credential, SignedRequest, VerifiedSignature

ASGIScope = MutableMapping[str, Any]
ASGIMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[ASGIMessage]]
Send = Callable[[ASGIMessage], Awaitable[None]]
ASGIApp = Callable[[ASGIScope, Receive, Send], Awaitable[None]]

Result = TypeVar("Result")

LARGEST_BODY_BYTES: Final = 25 * 1024 * 1024
"""Of an operation of ours. InvokeModel's own limit of 25,000,000 is in its shape."""
WATCHED_AFTER_SECONDS: Final = 0.02
"""Of work that goes on as long as its client is there. To ask the server whether he is, and to take the question back,
would cost a tenth of a short answer's time."""


class ClientGone(Exception):
    """The client closed the connection before its answer was complete; there is no one to tell."""


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One HTTP request and the way to answer it."""

    request_id: str
    scope: ASGIScope
    receive: Receive
    send: Send
    method: str
    raw_path: str
    """As it came over the wire, percent-encoded."""
    raw_query: str
    headers: dict[str, str]
    """By lower-case name; a repeated header joined with commas."""
    received_at: datetime
    started: float
    service: str = ""
    """As far as it is known: the signing name, then the service's name."""
    operation: Operation | None = None
    credential: Credential | None = None
    """What the request says of itself."""
    signature: VerifiedSignature | None = None
    """None until who asks has been proved."""
    params: Members | None = None
    reply: Members | None = None
    fault: Fault | None = None
    """Why it is refused, if it is."""
    status: int = 0
    """0 until the answer has begun."""
    admit: "Callable[[Exchange, VerifiedSignature, IO[bytes] | None], Awaitable[None]] | None" = None
    """Called once the signature of a request for the neighbourhood is verified; raises what forbids it. The file has
    the body, where that has been read already."""
    door: Door | None = None
    """The other API that the request is for, and in whose shape it is refused."""
    before_answer: "Callable[[Exchange, int], None] | None" = None
    """Called once, with the status, before anything of the answer goes out; what it raises is answered instead."""

    @property
    def signed_request(self) -> SignedRequest:
        return SignedRequest(method=self.method, raw_path=self.raw_path, raw_query=self.raw_query, headers=self.headers)

    @property
    def source_ip(self) -> str:
        """Empty where the server does not know it."""
        client = cast("tuple[str, int] | None", self.scope.get("client"))
        return client[0] if client else ""

    @property
    def is_secure(self) -> bool:
        """Whether it came over TLS."""
        return self.scope.get("scheme") == "https"

    @property
    def wire_protocol(self) -> WireProtocol:
        return protocol_of(self.service, self.headers)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The request body as it arrives.

        Raises   ClientGone.
        """
        more = True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            more = bool(message.get("more_body", False))
            piece = cast("bytes", message.get("body", b""))
            if piece:
                yield piece

    def record(self, status: int) -> None:
        """Calls `before_answer`, unless it has been."""
        hook, self.before_answer = self.before_answer, None
        if hook is not None:
            hook(self, status)

    async def begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.record(status)
        self.status = status
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, body: bytes, *, more: bool) -> None:
        await self.send({"type": "http.response.body", "body": body, "more_body": more})

    async def disconnected(self) -> None:
        """Returns when the client has closed the connection. Only after the body has been read."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def while_connected(self, work: Awaitable[Result]) -> Result:
        """The result of `work`, which is cancelled when the client goes away. Only after the body has been read.

        How      the work stays in the task that asks for it; what waits for the client to leave cancels that, as
                 `asyncio.timeout` does. So an answer costs no more turns of the loop than its work does.
        Raises   ClientGone.
        """
        asking = asyncio.current_task()
        assert asking is not None
        cancelled_before = asking.cancelling()
        watch = _Watch(self, asking)
        try:
            return await work
        except asyncio.CancelledError as error:
            if watch.has_seen_it_leave and asking.uncancel() <= cancelled_before:
                raise ClientGone from error
            raise
        finally:
            watch.end()


class _Watch:
    """Cancels a task when the client leaves. It looks after WATCHED_AFTER_SECONDS: most answers are there sooner."""

    def __init__(self, exchange: Exchange, task: asyncio.Task[Any]) -> None:
        self._exchange = exchange
        self._task = task
        self._leaving: asyncio.Future[None] | None = None
        self._is_over = False
        self._timer = asyncio.get_running_loop().call_later(WATCHED_AFTER_SECONDS, self._begin)

    @property
    def has_seen_it_leave(self) -> bool:
        return self._leaving is not None and self._leaving.done()

    def end(self) -> None:
        self._is_over = True
        self._timer.cancel()
        if self._leaving is not None:
            self._leaving.cancel()

    def _begin(self) -> None:
        self._leaving = asyncio.ensure_future(self._exchange.disconnected())
        self._leaving.add_done_callback(self._stop)

    def _stop(self, left: asyncio.Future[None]) -> None:
        # It may be called after the work has ended, where both happen in one turn of the loop.
        if not self._is_over and not left.cancelled():
            self._task.cancel()


def exchange_of(scope: ASGIScope, receive: Receive, send: Send, now: datetime) -> Exchange:
    """Of an ASGI scope of type `http`."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in cast("list[tuple[bytes, bytes]]", scope["headers"]):
        name, value = raw_name.decode("latin-1").lower(), _text(raw_value)
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    raw_path = cast("bytes | None", scope.get("raw_path")) or str(scope["path"]).encode()
    return Exchange(
        request_id=str(uuid.uuid4()),
        scope=scope,
        receive=receive,
        send=send,
        method=scope["method"],
        raw_path=raw_path.partition(b"?")[0].decode("latin-1"),
        raw_query=cast("bytes", scope.get("query_string", b"")).decode("latin-1"),
        headers=headers,
        received_at=now,
        started=time.perf_counter(),
    )


def _text(raw: bytes) -> str:
    # Header bytes are UTF-8 from most SDKs and Latin-1 from older ones; signers hash the text as UTF-8 in both cases.
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


async def read_body(exchange: Exchange) -> bytes:
    """Raises   ClientGone; WireError (413) past LARGEST_BODY_BYTES, which nothing is kept of."""
    length = exchange.headers.get("content-length", "0")
    pieces: list[bytes] = []
    size = int(length) if length.isascii() and length.isdigit() else 0
    if size <= LARGEST_BODY_BYTES:
        size = 0
        async for piece in exchange.pieces():
            size += len(piece)
            if size > LARGEST_BODY_BYTES:
                break
            pieces.append(piece)
    if size > LARGEST_BODY_BYTES:
        raise WireError(
            "ValidationException", f"The request body is larger than {LARGEST_BODY_BYTES} bytes.", status=413
        )
    return b"".join(pieces)


async def peek_body(exchange: Exchange, spool: IO[bytes] | None, limit: int) -> bytes | None:
    """The body of a request that is to be forwarded, which is read again afterwards; None if it is longer.

    Raises   ClientGone.
    """
    if spool is not None:
        spool.seek(0)
        body = spool.read(limit + 1)
        spool.seek(0, os.SEEK_END)
        return body if len(body) <= limit else None
    read, more = bytearray(), True
    while more and len(read) <= limit:
        message = await exchange.receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        more = bool(message.get("more_body", False))
        read += cast("bytes", message.get("body", b""))
    body = bytes(read)
    exchange.receive = _replayed({"type": "http.request", "body": body, "more_body": more}, exchange.receive)
    return None if more or len(body) > limit else body


def _replayed(first: ASGIMessage, receive: Receive) -> Receive:
    """Gives `first`, then what `receive` gives."""
    messages = [first]

    async def replay() -> ASGIMessage:
        return messages.pop() if messages else await receive()

    return replay
