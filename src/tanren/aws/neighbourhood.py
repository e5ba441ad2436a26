"""Forwards what is not ours: S3, Lambda and the rest go to the embedded ministack, to real AWS or to another S3.

How: the signature is verified here, with the body streaming through its check; the path and query go on byte for byte,
hop-by-hop headers and `Expect` do not, and the answer streams back. Dot segments are refused, since proxies disagree on
what they mean. A body that fails its check aborts the forwarded request instead of ending it, so the neighbour never
sees a complete one; for that the last piece is held back until the check has passed.

    embedded   ministack knows no secrets: what signed the request is taken off, and an Authorization header of ours
               says the caller's account, in the place of the access key id, and the scope that was verified. Its
               administration below `/_` is out of reach. Host is kept, for buckets in it.
    external   the request is signed anew with the target's credentials; chunk framing, which carries the caller's
               signatures, is taken off. A bucket in Host is moved into the path.

A service that signs the hash of the body without declaring it (all of botocore's but S3) is spooled, to disk beyond
8 MiB, because its signature cannot be known before its body.

Cost: one copy of each piece; about 0.5 ms and the neighbour's own time for a small request.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import IO, Final
from urllib.parse import unquote

import httpx

from tanren.aws.errors import WireError
from tanren.aws.exchange import Exchange
from tanren.aws.payloads import PayloadCheck, payload_check
from tanren.aws.signatures import (
    ALGORITHM,
    EMPTY_SHA256,
    UNSIGNED_PAYLOAD,
    AccessKey,
    Credential,
    SigningKey,
    VerifiedSignature,
    needs_body,
    sign,
    verify,
    without_presigning,
)
from tanren.aws.signing_names import iam_prefix_of
from tanren.domain.clock import Clock, utc_now
from tanren.domain.errors import ServiceUnavailable

LARGEST_SPOOLED_BYTES: Final = 256 * 1024 * 1024
"""Of a request whose body must be hashed before it is forwarded; S3's are not."""

_SPOOLED_IN_MEMORY_BYTES: Final = 8 * 1024 * 1024
_PIECE_BYTES: Final = 256 * 1024
_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "http2-settings",
    }
)
_OF_THE_FRAMING: Final = frozenset({"x-amz-decoded-content-length", "x-amz-trailer", "x-amz-sdk-checksum-algorithm"})

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedTarget:
    """The ministack that the supervisor runs on loopback."""

    endpoint_url: str
    """For example `http://127.0.0.1:4599`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalTarget:
    """Real AWS, or any S3."""

    endpoint_urls: Mapping[str, str]
    """By signing name, `*` for the rest: {"s3": "https://s3.{region}.amazonaws.com", "*": "http://127.0.0.1:4566"}.
    `{service}` and `{region}` are the request's."""
    signing_key: SigningKey
    public_hosts: tuple[str, ...] = ("localhost",)
    """Names of this server below which a bucket may stand in Host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outgoing:
    """The request as it leaves."""

    endpoint_url: str
    target: str
    """Raw path and query."""
    headers: Headers
    is_unframed: bool
    """Whether the body leaves without its aws-chunked framing."""


@dataclass(slots=True)
class _Body:
    """The body that leaves; `failure` is why it was broken off, if it was."""

    pieces: AsyncIterator[bytes] | None
    failure: Exception | None = field(default=None)


class ForwardingNeighbourhood:
    """The neighbourhood at one target. Belongs to one event loop; `close` it there."""

    def __init__(
        self,
        target: EmbeddedTarget | ExternalTarget,
        *,
        clock: Clock = utc_now,
        connect_seconds: float = 5,
        silence_seconds: float = 900,
    ) -> None:
        """`silence_seconds` is how long the neighbour may say nothing: Lambda's longest invocation."""
        self._target = target
        self._clock = clock
        timeout = httpx.Timeout(silence_seconds, connect=connect_seconds)
        limits = httpx.Limits(max_connections=512, max_keepalive_connections=64, keepalive_expiry=30)
        self._client = httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False, follow_redirects=False)

    async def forward(self, exchange: Exchange, credential: Credential, key: AccessKey) -> None:
        """See `chain.Neighbourhood`.

        Raises   WireError; ServiceUnavailable where the neighbour does not answer.
        """
        iam_prefix_of(credential.service)  # Refuses, also to root, what could reach another service than it names.
        _refuse_dot_segments(exchange.raw_path)
        if isinstance(self._target, EmbeddedTarget):
            _refuse_administration(exchange.raw_path)
        with tempfile.SpooledTemporaryFile(max_size=_SPOOLED_IN_MEMORY_BYTES) as spool:
            body_hash: str | None = None
            if needs_body(exchange.signed_request, credential):
                body_hash = await _spool(exchange, spool)
            signature = verify(exchange.signed_request, credential, key, body_hash=body_hash or EMPTY_SHA256)
            exchange.signature = signature
            if exchange.admit is not None:
                await exchange.admit(exchange, signature, None if body_hash is None else spool)
            headers = _forwarded_headers(exchange)
            if body_hash is not None:
                headers = [pair for pair in headers if pair[0] != "content-length"]
                headers.append(("content-length", str(spool.tell())))
            outgoing = self._outgoing(exchange, signature, headers, body_hash)
            if body_hash is not None:
                body = _Body(_from_file(spool) if spool.tell() else None)
                spool.seek(0)
            else:
                check = payload_check(signature, exchange.headers)
                body = _Body(None)
                if _has_body(exchange):
                    body.pieces = _checked(exchange, check, body, is_unframed=outgoing.is_unframed)
                else:
                    check.finish()
            await self._send(exchange, outgoing, body)

    async def close(self) -> None:
        await self._client.aclose()

    async def _send(self, exchange: Exchange, outgoing: _Outgoing, body: _Body) -> None:
        # httpx would normalize the path; httpcore's `target` goes out as it is.
        request = httpx.Request(
            exchange.method,
            outgoing.endpoint_url,
            headers=[(name.encode("latin-1"), value.encode("utf-8")) for name, value in outgoing.headers],
            content=body.pieces,
            extensions={"target": outgoing.target.encode("latin-1")},
        )
        try:
            response = await self._client.send(request, stream=True)
        except httpx.HTTPError as error:
            if body.failure is not None:
                raise body.failure from error
            raise ServiceUnavailable(
                f"The neighbour at {outgoing.endpoint_url} that serves {exchange.service} does not answer: "
                f"{type(error).__name__}. Is it running?"
            ) from error
        try:
            if body.failure is not None:
                # The neighbour answered before it had read what turned out to be a bad body.
                raise body.failure
            await exchange.while_connected(_relay(exchange, response))
        finally:
            await response.aclose()

    def _outgoing(
        self, exchange: Exchange, signature: VerifiedSignature, headers: Headers, body_hash: str | None
    ) -> _Outgoing:
        if isinstance(self._target, EmbeddedTarget):
            return _for_ministack(exchange, signature, headers, self._target)
        return _for_external(exchange, signature, headers, self._target, body_hash, self._clock())


def _for_ministack(
    exchange: Exchange, signature: VerifiedSignature, headers: Headers, target: EmbeddedTarget
) -> _Outgoing:
    # ministack takes twelve digits in the place of the access key id for the account; other keys for its default one.
    # It reads the header and does not check it; presigned queries it would check, against secrets of its own. Nothing
    # of what the caller wrote about itself goes on: it could be read in another way than it was verified.
    account = signature.key.account_id
    readdressed = [(name, value) for name, value in headers if name not in ("authorization", "x-amz-security-token")]
    authorization = f"{ALGORITHM} Credential={account}/{signature.credential.scope}, SignedHeaders=host, Signature=0"
    if signature.credential.version == 2:
        # Names no region; with one that is not the bucket's, ministack would answer 301.
        authorization = f"AWS {account}:0"
    readdressed.append(("authorization", authorization))
    query = without_presigning(exchange.raw_query) if signature.credential.is_presigned else exchange.raw_query
    return _Outgoing(
        endpoint_url=target.endpoint_url,
        target=_target(exchange.raw_path, query),
        headers=readdressed,
        is_unframed=False,
    )


def _for_external(
    exchange: Exchange,
    signature: VerifiedSignature,
    headers: Headers,
    target: ExternalTarget,
    body_hash: str | None,
    now: datetime,
) -> _Outgoing:
    credential = signature.credential
    template = target.endpoint_urls.get(credential.service) or target.endpoint_urls.get("*")
    if template is None:
        raise ServiceUnavailable(f"No neighbour is set for the service {credential.service}.")
    endpoint = httpx.URL(template.format(service=credential.service, region=credential.region))
    is_framed = signature.payload_hash.startswith("STREAMING-")
    dropped = {"authorization", "x-amz-date", "date", "x-amz-security-token", "x-amz-content-sha256", "host"}
    kept = [(name, value) for name, value in headers if name not in dropped]
    if is_framed:
        kept = _unframed_headers(kept, exchange.headers)
    path = _path_style(exchange, target) if credential.service == "s3" else exchange.raw_path
    query = without_presigning(exchange.raw_query) if credential.is_presigned else exchange.raw_query
    signed = sign(
        method=exchange.method,
        raw_path=path,
        raw_query=query,
        headers={**dict(kept), "host": endpoint.netloc.decode()},
        key=target.signing_key,
        region=credential.region,
        service=credential.service,
        payload_hash=UNSIGNED_PAYLOAD if is_framed else (body_hash or signature.payload_hash),
        now=now,
    )
    return _Outgoing(
        endpoint_url=str(endpoint), target=_target(path, query), headers=list(signed.items()), is_unframed=is_framed
    )


def _unframed_headers(headers: Headers, given: Mapping[str, str]) -> Headers:
    result: Headers = []
    for name, value in headers:
        if name == "content-length":
            continue
        if name == "content-encoding":
            rest = [part.strip() for part in value.split(",") if part.strip() and part.strip() != "aws-chunked"]
            if rest:
                result.append((name, ", ".join(rest)))
        elif name not in _OF_THE_FRAMING:
            result.append((name, value))
    length = given.get("x-amz-decoded-content-length")
    if length is None:
        raise WireError(
            "MissingContentLength", "You must provide the X-Amz-Decoded-Content-Length HTTP header.", status=411
        )
    return [*result, ("content-length", length)]


def _path_style(exchange: Exchange, target: ExternalTarget) -> str:
    host = exchange.headers.get("host", "").rpartition(":")[0] or exchange.headers.get("host", "")
    for public in target.public_hosts:
        bucket = host.removesuffix(f".{public}")
        if bucket != host:
            return f"/{bucket.removesuffix('.s3')}{exchange.raw_path}"
    return exchange.raw_path


def _target(raw_path: str, raw_query: str) -> str:
    return f"{raw_path}?{raw_query}" if raw_query else raw_path


def _forwarded_headers(exchange: Exchange) -> Headers:
    named = {name.strip().lower() for name in exchange.headers.get("connection", "").split(",")}
    return [
        (name, value)
        for name, value in exchange.headers.items()
        if name not in _HOP_BY_HOP and name not in named and not name.startswith(":")
    ]


def _has_body(exchange: Exchange) -> bool:
    length = exchange.headers.get("content-length")
    if length is not None:
        return length != "0"
    # HTTP/2 has no transfer-encoding, and a body there need not say how long it is.
    is_http2 = str(exchange.scope.get("http_version", "1.1")).startswith("2")
    return "transfer-encoding" in exchange.headers or (is_http2 and exchange.method in ("PUT", "POST", "PATCH"))


def _refuse_dot_segments(raw_path: str) -> None:
    if any(segment in (".", "..") for segment in unquote(raw_path).split("/")):
        raise WireError("InvalidURI", "The path holds a dot segment, '.' or '..'.", status=400)


def _refuse_administration(raw_path: str) -> None:
    # `/_ministack/reset` and its like empty the store. No bucket begins with an underscore, so nothing is lost.
    if unquote(raw_path).startswith("/_"):
        raise WireError("AccessDeniedException", "Paths that begin with an underscore are not served.", status=403)


async def _checked(exchange: Exchange, check: PayloadCheck, body: _Body, *, is_unframed: bool) -> AsyncIterator[bytes]:
    """The body's pieces, framed or not, of which the last follows only after the check has passed."""
    held = b""
    try:
        async for piece in exchange.pieces():
            content = check.feed(piece)
            if held:
                yield held
            held = content if is_unframed else piece
        check.finish()
    except Exception as error:
        body.failure = error
        raise
    if held:
        yield held


async def _spool(exchange: Exchange, spool: IO[bytes]) -> str:
    """Writes the body to `spool`; its SHA-256 in hex."""
    digest = sha256()
    size = 0
    async for piece in exchange.pieces():
        size += len(piece)
        if size > LARGEST_SPOOLED_BYTES:
            raise WireError(
                "RequestEntityTooLargeException", f"The body is larger than {LARGEST_SPOOLED_BYTES} bytes.", status=413
            )
        digest.update(piece)
        spool.write(piece)
    return digest.hexdigest()


async def _from_file(spool: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := spool.read(_PIECE_BYTES):
        yield piece
        await asyncio.sleep(0)


async def _relay(exchange: Exchange, response: httpx.Response) -> None:
    headers = [
        (name.lower(), value)
        for name, value in response.headers.raw
        if name.lower().decode("latin-1") not in _HOP_BY_HOP | {"date", "server"}
    ]
    await exchange.begin(response.status_code, headers)
    async for piece in response.aiter_raw(_PIECE_BYTES):
        await exchange.write(piece, more=True)
    await exchange.write(b"", more=False)
