"""The ASGI application: one request's way from the wire to a handler and back.

    request id → credential (who says they sign, for which service)
      ours:       body → signature → route → parse → validate → authorize → handler → serialize
      any other:  dot segments → signature → authorize → the neighbourhood, streaming both ways
    request id → bearer key → body → route → … as ours, for Bedrock's services alone
    request id → signature or bearer key → the door of another API, by its paths; it asks for what the caller may do

How: `Chain` is that list, in order; each step is a module beside this one, and notes what it finds on the `Exchange`.
The signing name chooses the service, and since `bedrock` signs for both Bedrock services, the path chooses between
those; IAM and STS, which speak the query protocol, have one path and name the operation in a field. The services that
are ours are the keys of `handlers`. Any error leaves through `_refuse`, in the protocol that the caller's SDK reads.

Cost: about 0.3 ms of our own for a small request; bodies of our services are held in memory up to 25 MiB.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import IO, Final, Protocol, cast

from tanren.aws.answers import log_access, write_answer, write_at_door, write_stream
from tanren.aws.authorization import Authorizer, Circumstances
from tanren.aws.authorization_neighbours import NeighbourAuthorizer, NeighbourRequest
from tanren.aws.bearer_tokens import BEARER_SIGNING_NAME, BearerTokens, NoBearerTokens, is_bearer
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
from tanren.aws.doors import Door, DoorCall
from tanren.aws.errors import Fault, WireError, fault_of, in_protocol
from tanren.aws.exchange import (
    ASGIApp,
    ASGIScope,
    ClientGone,
    Exchange,
    Receive,
    Send,
    exchange_of,
    peek_body,
    read_body,
)
from tanren.aws.parsing import WireRequest, parse_request
from tanren.aws.payloads import payload_check
from tanren.aws.query import operation_of, parse_fields, read_fields, serialize_query_result
from tanren.aws.routing import Router
from tanren.aws.serialization import WireResponse, serialize_fault, serialize_result
from tanren.aws.service_models import Operation, Service, load_service
from tanren.aws.signatures import (
    EMPTY_SHA256,
    AccessKey,
    AccessKeys,
    Credential,
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
from tanren.threads import ANSWERS

logger = logging.getLogger(__name__)

Lifespan = Callable[[], AbstractAsyncContextManager[None]]

_SECRET_HEADERS: Final = frozenset({"authorization", "x-amz-security-token", "cookie"})

_HEALTH_PATHS: Final = frozenset({"/health", "/_tanren/health"})


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


class Audit(Protocol):
    """What every request leaves, but a look at the server's health. `auditing.py` has it."""

    def check(self) -> None:
        """Called before a request is looked at. Raises ServiceUnavailable where it could not be recorded."""
        ...

    def record(self, exchange: Exchange, status: int) -> None:
        """Called once a request, before its answer goes out. Raises ServiceUnavailable where that must not go out."""
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
    bearer_tokens: BearerTokens | None = None,
    audit: Audit | None = None,
    authorizer: Authorizer | None = None,
    neighbour_authorizer: NeighbourAuthorizer | None = None,
    door: Door | None = None,
) -> ASGIApp:
    """The application over `handlers`, whose keys are the services that are ours.

    `lifespan` is entered when the server starts and left when it ends. `services` replaces botocore's models, by name.
    Without an authorizer whoever signs may do everything, in our services or in the neighbourhood.
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
        bearer_tokens=bearer_tokens or NoBearerTokens(),
        audit=audit,
        authorizer=authorizer,
        neighbour_authorizer=neighbour_authorizer,
        door=door,
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
    bearer_tokens: BearerTokens
    audit: Audit | None
    authorizer: Authorizer | None
    neighbour_authorizer: NeighbourAuthorizer | None
    door: Door | None = None
    _routers: dict[str, Router] = field(init=False)
    """By signing name, of the services whose operations have paths."""
    _query_services: dict[str, Service] = field(init=False)
    """By signing name."""

    def __post_init__(self) -> None:
        self._query_services = {model.signing_name: model for model in self.models.values() if model.is_query}
        with_paths = [model for model in self.models.values() if not model.is_query]
        self._routers = {
            name: Router(model for model in with_paths if model.signing_name == name)
            for name in {model.signing_name for model in with_paths}
        }
        for service, mapping in self.handlers.items():
            unknown = mapping.keys() - set(self.models[service].operation_names)
            assert not unknown, f"{service} has no operations {sorted(unknown)}"

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(exchange_of(scope, receive, send, self.clock()))

    async def _serve(self, exchange: Exchange) -> None:
        try:
            await self._answer(exchange)
        except ClientGone:
            exchange.status = exchange.status or _UNANSWERED.status
        # The last place where an error can be turned into an answer; fault_of logs what is not a client's mistake.
        except Exception as error:
            await self._refuse(exchange, error)
        finally:
            if exchange.before_answer is not None:
                # The client has left, or the server ends and cancels what is under way.
                exchange.fault = exchange.fault or _UNANSWERED
                exchange.record(_UNANSWERED.status)
            log_access(exchange)

    async def _answer(self, exchange: Exchange) -> None:
        if _is_health_check(exchange):
            await write_answer(exchange, WireResponse(status=200, headers=_JSON, body=b'{"status":"ok"}'))
            return
        if self.audit is not None:
            self.audit.check()
            exchange.before_answer = self.audit.record
        if self.door is not None and _is_at_door(self.door, exchange):
            await self._answer_at_door(self.door, exchange)
            return
        if is_bearer(exchange.headers):
            exchange.service = BEARER_SIGNING_NAME
            signature = self.bearer_tokens.verify(exchange.headers, now=exchange.received_at)
            await self._answer_ours(exchange, signature, await read_body(exchange))
            return
        credential = read_credential(exchange.signed_request, default_region=self.default_region)
        exchange.credential, exchange.service = credential, credential.service
        key = key_of(credential, self.access_keys, now=exchange.received_at)
        if credential.service in self._routers or credential.service in self._query_services:
            body = await read_body(exchange)
            await self._answer_ours(exchange, _verify(exchange, credential, key, body), body)
        elif self.neighbourhood is not None:
            exchange.admit = self._admit
            await self.neighbourhood.forward(exchange, credential, key)
        else:
            raise NotImplementedHere(f"This server has no service {credential.service}, and no neighbourhood is set.")

    async def _answer_ours(self, exchange: Exchange, signature: VerifiedSignature, body: bytes) -> None:
        exchange.signature, exchange.credential = signature, signature.credential
        read_params = self._route(exchange, signature.credential.service, _content(signature, exchange, body))
        operation = exchange.operation
        assert operation is not None
        exchange.service = operation.service
        handler = self._handler(operation)
        params = exchange.params = read_params()
        validate(operation, params)
        reply = await self._run(handler, _context(exchange, operation, signature), params, exchange)
        exchange.reply = reply.members
        stream = operation.output_stream
        if stream is not None and reply.members.get(stream.name) is not None:
            await write_stream(exchange, operation, stream, reply)
        else:
            await write_answer(exchange, self._serialize(exchange, operation, reply.members), reply.extra_headers)

    async def _run(self, handler: Handler, context: RequestContext, params: Members, exchange: Exchange) -> Reply:
        """The handler's answer, if the caller may have it. A plain function runs in a thread, with the look at the
        permissions before it; one that would keep it for long is written async, and takes a thread of its own sort
        (`threads.py`)."""
        if is_async(handler):
            if self.authorizer is not None:
                await self.authorizer.authorize(context, params)
            result = await exchange.while_connected(cast("AsyncHandler", handler)(context, params))
        else:
            result = await ANSWERS.run(self._call, cast("SyncHandler", handler), context, params)
        return result if isinstance(result, Reply) else Reply(members=result)

    def _call(self, handler: SyncHandler, context: RequestContext, params: Members) -> Members | Reply:
        if self.authorizer is not None:
            self.authorizer.check(context, params)
        return handler(context, params)

    async def _answer_at_door(self, door: Door, exchange: Exchange) -> None:
        exchange.door, exchange.service = door, BEARER_SIGNING_NAME
        body = None
        if is_bearer(exchange.headers):
            signature = self.bearer_tokens.verify(exchange.headers, now=exchange.received_at)
        else:
            credential = read_credential(exchange.signed_request, default_region=self.default_region)
            exchange.credential = credential
            key = key_of(credential, self.access_keys, now=exchange.received_at)
            raw_body = await read_body(exchange)
            signature = _verify(exchange, credential, key, raw_body)
            body = _content(signature, exchange, raw_body)
        exchange.signature, exchange.credential = signature, signature.credential
        scope = Scope(account_id=signature.key.account_id, region=signature.credential.region)
        ask = partial(self._permit_at_door, exchange, signature)
        answer = await door.answer(DoorCall(exchange=exchange, scope=scope, body=body, ask=ask))
        exchange.reply = dict(answer.noted)
        await write_at_door(exchange, answer)

    async def _permit_at_door(
        self, exchange: Exchange, signature: VerifiedSignature, service: str, name: str, params: Members
    ) -> None:
        model = self.models.get(service)
        operation = _unmodelled(service, name, exchange) if model is None else model.operation(name)
        if exchange.operation is None:
            exchange.operation, exchange.params, exchange.service = operation, params, service
        if self.authorizer is not None:
            await self.authorizer.authorize(_context(exchange, operation, signature), params)

    async def _admit(self, exchange: Exchange, signature: VerifiedSignature, spool: IO[bytes] | None) -> None:
        """Returns if a request for the neighbourhood may go on. `spool` has its body, where that has been read."""
        if self.neighbour_authorizer is None:
            return
        circumstances = Circumstances(
            principal=_principal(signature),
            region=signature.credential.region,
            source_ip=exchange.source_ip,
            user_agent=exchange.headers.get("user-agent", ""),
            received_at=exchange.received_at,
            is_secure=exchange.is_secure,
        )
        request = NeighbourRequest(
            service=signature.credential.service,
            method=exchange.method,
            raw_path=exchange.raw_path,
            raw_query=exchange.raw_query,
            headers=exchange.headers,
            read_body=partial(peek_body, exchange, spool),
        )
        await self.neighbour_authorizer.authorize(circumstances, request)

    def _route(self, exchange: Exchange, signing_name: str, body: bytes) -> Callable[[], Members]:
        """Sets the exchange's operation; what reads its parameters is called once it is known to be implemented."""
        service = self._query_services.get(signing_name)
        if service is not None:
            fields = read_fields(
                method=exchange.method, headers=exchange.headers, raw_query=exchange.raw_query, body=body
            )
            operation = exchange.operation = operation_of(service, fields)
            return lambda: parse_fields(operation, fields)
        route = self._routers[signing_name].resolve(exchange.method, exchange.raw_path)
        operation = exchange.operation = self.models[route.service].operation(route.operation)
        request = WireRequest(labels=route.labels, raw_query=exchange.raw_query, headers=exchange.headers, body=body)
        return lambda: parse_request(operation, request)

    def _serialize(self, exchange: Exchange, operation: Operation, members: Members) -> WireResponse:
        service = self.models[operation.service]
        if service.is_query:
            return serialize_query_result(
                operation, members, namespace=service.xml_namespace, request_id=exchange.request_id
            )
        return serialize_result(operation, members, request_id=exchange.request_id)

    def _handler(self, operation: Operation) -> Handler:
        handler = self.handlers[operation.service].get(operation.name)
        if handler is None:
            raise NotImplementedHere(
                f"{operation.name} is not implemented by tanren. docs/operations.md lists what is."
            )
        return handler

    async def _refuse(self, exchange: Exchange, error: Exception) -> None:
        is_modelled = exchange.operation is not None and exchange.operation.service in self.models
        fault = fault_of(error, exchange.operation if is_modelled else None, request_id=exchange.request_id)
        if exchange.status:
            # The answer has begun: there is no honest way to end it but to break it off.
            raise ConnectionAbortedError(f"request {exchange.request_id} failed after its answer began") from error
        if exchange.door is not None:
            exchange.fault = fault
            answer = exchange.door.refusal(
                error,
                status=fault.status,
                message=fault.message,
                request_id=exchange.request_id,
                is_proved=exchange.signature is not None,
            )
            await write_at_door(exchange, answer)
            return
        protocol = exchange.wire_protocol
        fault = exchange.fault = in_protocol(fault, protocol)
        if exchange.operation is None:
            exchange.operation = self._operation_by_path(exchange)
        response = serialize_fault(
            fault,
            protocol=protocol,
            request_id=exchange.request_id,
            resource=exchange.raw_path,
        )
        await write_answer(exchange, response)

    def _operation_by_path(self, exchange: Exchange) -> Operation | None:
        """What a request that was refused before it was routed would have called; for the logs alone."""
        router = self._routers.get(exchange.service)
        try:
            route = None if router is None else router.resolve(exchange.method, exchange.raw_path)
        except WireError:
            return None
        return None if route is None else self.models[route.service].operation(route.operation)

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
_UNANSWERED: Final = Fault(
    code="Unanswered", status=499, message="The client left, or the server ended, before the answer began."
)
"""Only told in the logs."""


def _is_health_check(exchange: Exchange) -> bool:
    is_unsigned = "authorization" not in exchange.headers and "X-Amz-Signature=" not in exchange.raw_query
    return is_unsigned and exchange.raw_path in _HEALTH_PATHS and exchange.method in ("GET", "HEAD")


def _is_at_door(door: Door, exchange: Exchange) -> bool:
    """By its path, unless it is signed for another service, which may have the same paths."""
    if not door.takes(exchange.raw_path) or "X-Amz-Signature=" in exchange.raw_query:
        return False
    said = exchange.headers.get("authorization", "")
    return not said.startswith("AWS4-") or f"/{BEARER_SIGNING_NAME}/aws4_request" in said


def _unmodelled(service: str, name: str, exchange: Exchange) -> Operation:
    """An operation that has a permission and no service model."""
    return Operation(
        service=service,
        signing_name=service,
        protocol="rest-json",
        name=name,
        method=exchange.method,
        uri=exchange.raw_path,
        status=200,
        input=None,
        output=None,
        output_wrapper=None,
        errors={},
    )


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
    return RequestContext(
        request_id=exchange.request_id,
        service=operation.service,
        operation=operation.name,
        scope=Scope(account_id=key.account_id, region=signature.credential.region),
        principal=_principal(signature),
        source_ip=exchange.source_ip,
        user_agent=exchange.headers.get("user-agent", ""),
        received_at=exchange.received_at,
        headers={name: value for name, value in exchange.headers.items() if name not in _SECRET_HEADERS},
        is_secure=exchange.is_secure,
    )


def _principal(signature: VerifiedSignature) -> Principal:
    return Principal(
        arn=signature.key.principal_arn,
        account_id=signature.key.account_id,
        access_key_id=signature.key.access_key_id,
        bearer_token_type=signature.bearer_token_type,
    )
