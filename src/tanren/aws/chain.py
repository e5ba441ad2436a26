"""The ASGI application: one request's way from the wire to a handler and back.

    request id → credential (who says they sign, for which service)
      ours:       body → signature → route → parse → validate → handler → serialize
      any other:  dot segments → signature → the neighbourhood, streaming both ways

How: `Chain` is that list, in order; each step is a module beside this one. The signing name chooses the service, and
since `bedrock` signs for both Bedrock services, the path chooses between those. The services that are ours are the keys
of `handlers`. Any error leaves through `_refuse`, in the protocol that the caller's SDK reads.

A streaming answer sends its headers when its first event is there, so that an error before it is an ordinary HTTP
error; an error after it becomes a modelled exception frame. When the client goes away, the iterator is closed.

Cost: about 0.3 ms of our own for a small request; bodies of our services are held in memory up to 25 MiB.
"""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Protocol, TypeVar, cast

from tanren.aws import eventstream
from tanren.aws.context import (
    AsyncHandler,
    Handler,
    Handlers,
    Members,
    Principal,
    Reply,
    RequestContext,
    SyncHandler,
    is_async,
)
from tanren.aws.errors import Fault, WireError, WireProtocol, fault_of, in_protocol, protocol_of
from tanren.aws.parsing import WireRequest, parse_request
from tanren.aws.payloads import payload_check
from tanren.aws.routing import Router
from tanren.aws.serialization import WireResponse, serialize_fault, serialize_result
from tanren.aws.service_models import Member, Operation, Service, load_service
from tanren.aws.signatures import (
    EMPTY_SHA256,
    AccessKey,
    AccessKeys,
    Credential,
    SignedRequest,
    VerifiedSignature,
    key_of,
    needs_body,
    read_credential,
    verify,
)
from tanren.aws.validation import validate
from tanren.domain.clock import Clock, utc_now
from tanren.domain.errors import NotImplementedHere
from tanren.domain.scope import Scope

logger = logging.getLogger(__name__)
access_log = logging.getLogger("tanren.access")

ASGIScope = MutableMapping[str, Any]
ASGIMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[ASGIMessage]]
Send = Callable[[ASGIMessage], Awaitable[None]]
ASGIApp = Callable[[ASGIScope, Receive, Send], Awaitable[None]]
Lifespan = Callable[[], AbstractAsyncContextManager[None]]

_SECRET_HEADERS: Final = frozenset({"authorization", "x-amz-security-token", "cookie"})

Result = TypeVar("Result")

LARGEST_BODY_BYTES: Final = 25 * 1024 * 1024
"""Of an operation of ours. InvokeModel's own limit of 25,000,000 is in its shape."""

_HEALTH_PATHS: Final = frozenset({"/health", "/_tanren/health"})


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
    status: int = 0
    """0 until the answer has begun."""

    @property
    def signed_request(self) -> SignedRequest:
        return SignedRequest(method=self.method, raw_path=self.raw_path, raw_query=self.raw_query, headers=self.headers)

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

    async def begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
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

        How      the work stays in the task that asks for it; a second task waits for the client to leave, and cancels
                 this one, as `asyncio.timeout` does. So an answer costs no more turns of the loop than its work does.
        Raises   ClientGone.
        """
        asking = asyncio.current_task()
        assert asking is not None
        cancelled_before = asking.cancelling()
        is_under_way = True

        def stop(left: asyncio.Future[None]) -> None:
            # It may be called after the work has ended, where both happen in one turn of the loop.
            if is_under_way and not left.cancelled():
                asking.cancel()

        leaving = asyncio.ensure_future(self.disconnected())
        leaving.add_done_callback(stop)
        try:
            return await work
        except asyncio.CancelledError as error:
            if leaving.done() and asking.uncancel() <= cancelled_before:
                raise ClientGone from error
            raise
        finally:
            is_under_way = False
            leaving.cancel()


class Neighbourhood(Protocol):
    """Where requests for services that are not ours go. Signatures are verified before, paths checked."""

    async def forward(self, exchange: Exchange, credential: Credential, key: AccessKey) -> None:
        """Verifies the signature with `verify` (the body may take part), forwards, and writes the whole answer.

        Raises   WireError, TanrenError: as long as `exchange.status` is 0 the caller answers with them.
        """
        ...

    async def close(self) -> None:
        """Called once, when the server ends."""
        ...


def build_application(
    *,
    handlers: Handlers,
    access_keys: AccessKeys,
    neighbourhood: Neighbourhood | None,
    clock: Clock = utc_now,
    default_region: str = "us-east-1",
    lifespan: Lifespan | None = None,
    services: Mapping[str, Service] | None = None,
) -> ASGIApp:
    """The application over `handlers`, whose keys are the services that are ours.

    `lifespan` is entered when the server starts and left when it ends. `services` replaces botocore's models, by name.
    """
    models = {name: (services or {}).get(name) or load_service(name) for name in handlers}
    return Chain(
        models=models,
        handlers=handlers,
        access_keys=access_keys,
        neighbourhood=neighbourhood,
        clock=clock,
        default_region=default_region,
        lifespan=lifespan,
    )


@dataclass(kw_only=True)
class Chain:
    models: Mapping[str, Service]
    handlers: Handlers
    access_keys: AccessKeys
    neighbourhood: Neighbourhood | None
    clock: Clock
    default_region: str
    lifespan: Lifespan | None
    _routers: dict[str, Router] = field(init=False)
    """By signing name."""

    def __post_init__(self) -> None:
        names = {model.signing_name for model in self.models.values()}
        self._routers = {
            name: Router(model for model in self.models.values() if model.signing_name == name) for name in names
        }
        for service, mapping in self.handlers.items():
            unknown = mapping.keys() - set(self.models[service].operation_names)
            assert not unknown, f"{service} has no operations {sorted(unknown)}"

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(_exchange(scope, receive, send, self.clock()))

    async def _serve(self, exchange: Exchange) -> None:
        try:
            await self._answer(exchange)
        except ClientGone:
            exchange.status = exchange.status or 499
        # The last place where an error can be turned into an answer; fault_of logs what is not a client's mistake.
        except Exception as error:
            await self._refuse(exchange, error)
        finally:
            _log_access(exchange)

    async def _answer(self, exchange: Exchange) -> None:
        if _is_health_check(exchange):
            await _write(exchange, WireResponse(status=200, headers=_JSON, body=b'{"status":"ok"}'))
            return
        credential = read_credential(exchange.signed_request, default_region=self.default_region)
        exchange.service = credential.service
        key = key_of(credential, self.access_keys, now=exchange.received_at)
        router = self._routers.get(credential.service)
        if router is not None:
            await self._answer_ours(exchange, credential, key, router)
        elif self.neighbourhood is not None:
            await self.neighbourhood.forward(exchange, credential, key)
        else:
            raise NotImplementedHere(f"This server has no service {credential.service}, and no neighbourhood is set.")

    async def _answer_ours(self, exchange: Exchange, credential: Credential, key: AccessKey, router: Router) -> None:
        body = await _read_body(exchange)
        signature = _verify(exchange, credential, key, body)
        body = _content(signature, exchange, body)
        route = router.resolve(exchange.method, exchange.raw_path)
        exchange.service = route.service
        operation = exchange.operation = self.models[route.service].operation(route.operation)
        handler = self._handler(operation)
        request = WireRequest(labels=route.labels, raw_query=exchange.raw_query, headers=exchange.headers, body=body)
        params = parse_request(operation, request)
        validate(operation, params)
        context = _context(exchange, operation, signature)
        reply = await _run(handler, context, params, exchange)
        stream = operation.output_stream
        if stream is not None and reply.members.get(stream.name) is not None:
            await _write_stream(exchange, operation, stream, reply)
        else:
            response = serialize_result(operation, reply.members, request_id=exchange.request_id)
            await _write(exchange, response, reply.extra_headers)

    def _handler(self, operation: Operation) -> Handler:
        handler = self.handlers[operation.service].get(operation.name)
        if handler is None:
            raise NotImplementedHere(
                f"{operation.name} is not implemented by tanren. docs/operations.md lists what is."
            )
        return handler

    async def _refuse(self, exchange: Exchange, error: Exception) -> None:
        fault = fault_of(error, exchange.operation, request_id=exchange.request_id)
        if exchange.status:
            # The answer has begun: there is no honest way to end it but to break it off.
            raise ConnectionAbortedError(f"request {exchange.request_id} failed after its answer began") from error
        protocol = exchange.wire_protocol
        response = serialize_fault(
            in_protocol(fault, protocol),
            protocol=protocol,
            request_id=exchange.request_id,
            resource=exchange.raw_path,
        )
        await _write(exchange, response)

    async def _live(self, receive: Receive, send: Send) -> None:
        """The ASGI lifespan protocol: enter `lifespan`, wait for the end, leave it, close the neighbourhood."""
        await receive()
        try:
            if self.lifespan is None:
                await send({"type": "lifespan.startup.complete"})
                await receive()
            else:
                async with self.lifespan():
                    await send({"type": "lifespan.startup.complete"})
                    await receive()
        except Exception as error:
            logger.exception("the application could not start or stop")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        finally:
            if self.neighbourhood is not None:
                await self.neighbourhood.close()
        await send({"type": "lifespan.shutdown.complete"})


_JSON: Final = {"Content-Type": "application/json"}


def _exchange(scope: ASGIScope, receive: Receive, send: Send, now: datetime) -> Exchange:
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


def _is_health_check(exchange: Exchange) -> bool:
    is_unsigned = "authorization" not in exchange.headers and "X-Amz-Signature=" not in exchange.raw_query
    return is_unsigned and exchange.raw_path in _HEALTH_PATHS and exchange.method in ("GET", "HEAD")


def _text(raw: bytes) -> str:
    # Header bytes are UTF-8 from most SDKs and Latin-1 from older ones; signers hash the text as UTF-8 in both cases.
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


async def _read_body(exchange: Exchange) -> bytes:
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


def _verify(exchange: Exchange, credential: Credential, key: AccessKey, body: bytes) -> VerifiedSignature:
    request = exchange.signed_request
    body_hash = sha256(body).hexdigest() if needs_body(request, credential) else EMPTY_SHA256
    return verify(request, credential, key, body_hash=body_hash)


def _content(signature: VerifiedSignature, exchange: Exchange, body: bytes) -> bytes:
    """The body without chunk framing, checked against what the signature says of it."""
    if "x-amz-content-sha256" not in exchange.headers:
        return body
    check = payload_check(signature, exchange.headers)
    content = check.feed(body)
    check.finish()
    return content


def _context(exchange: Exchange, operation: Operation, signature: VerifiedSignature) -> RequestContext:
    key = signature.key
    client = cast("tuple[str, int] | None", exchange.scope.get("client"))
    return RequestContext(
        request_id=exchange.request_id,
        service=operation.service,
        operation=operation.name,
        scope=Scope(account_id=key.account_id, region=signature.credential.region),
        principal=Principal(arn=key.principal_arn, account_id=key.account_id, access_key_id=key.access_key_id),
        source_ip=client[0] if client else "",
        user_agent=exchange.headers.get("user-agent", ""),
        received_at=exchange.received_at,
        headers={name: value for name, value in exchange.headers.items() if name not in _SECRET_HEADERS},
    )


async def _run(handler: Handler, context: RequestContext, params: Members, exchange: Exchange) -> Reply:
    """The handler's answer. A plain function runs in a worker thread: the one place where sync and async meet."""
    if is_async(handler):
        result = await exchange.while_connected(cast("AsyncHandler", handler)(context, params))
    else:
        result = await asyncio.to_thread(cast("SyncHandler", handler), context, params)
    return result if isinstance(result, Reply) else Reply(members=result)


async def _write(exchange: Exchange, response: WireResponse, extra: Mapping[str, str] | None = None) -> None:
    headers = {**response.headers, **(extra or {}), "Content-Length": str(len(response.body))}
    if response.status == 204:
        del headers["Content-Length"]
    await exchange.begin(response.status, _wire_headers(headers))
    await exchange.write(b"" if exchange.method == "HEAD" else response.body, more=False)


async def _write_stream(exchange: Exchange, operation: Operation, stream: Member, reply: Reply) -> None:
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
        last = eventstream.encode_exception(stream, _stream_fault(error, operation, exchange))
    await exchange.write(last, more=False)


async def _next_frame(stream: Member, events: AsyncIterator[Mapping[str, Members]]) -> bytes | None:
    event = await anext(events, None)
    return None if event is None else eventstream.encode_event(stream, dict(event))


def _stream_fault(error: Exception, operation: Operation, exchange: Exchange) -> Fault:
    return fault_of(error, operation, request_id=exchange.request_id)


def _wire_headers(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("utf-8")) for name, value in headers.items()]


def _log_access(exchange: Exchange) -> None:
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
