"""The gateway's way to the console process: what a browser asks below `/console` goes there, all else to the API.

A request is the console's if its path is and nothing in it signs for AWS: a bucket may be called `console`, and boto3's
requests for its objects carry a signature in a header or in the query, which a browser's never do.

Cost     a request more on loopback. Answers are passed on as they come; a request's body is a form, so it is bounded.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final

import httpx

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

CONSOLE_PATH: Final = "/console"
LARGEST_BODY: Final = 12_000_000
"""Bytes. A question of the playground with its documents, of which AWS takes 4.5 MB each; data go to S3 by a URL that
the console has signed."""
_SIGNS: Final = (b"x-amz-signature=", b"x-amz-credential=", b"awsaccesskeyid=")
_HOP_BY_HOP: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
_LIMITS: Final = httpx.Limits(max_connections=None, max_keepalive_connections=20)
"""Each live page holds a connection."""
_TIMEOUT: Final[dict[str, float | None]] = {"connect": 5.0, "read": None, "write": None, "pool": None}
"""Seconds. A live page is silent for as long as its job is."""
_UNREACHABLE: Final = (
    "The console does not answer. It is started again when it has ended; see logs/console.log in the data directory."
)


class ConsoleForwarding:
    """An ASGI application: the console behind `CONSOLE_PATH`, `application` for everything else."""

    def __init__(
        self, application: Application, endpoint_url: str, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._application = application
        self._endpoint_url = endpoint_url
        # A transport and no httpx client: a client keeps the cookies of one user and sends them with another's request.
        self._transport = transport or httpx.AsyncHTTPTransport(trust_env=False, limits=_LIMITS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_for_console(scope):
            await self._application(scope, receive, send)
            return
        body = await _read_body(receive)
        if body is None:
            await _answer(send, 413, f"A form of the console has at most {LARGEST_BODY} bytes.")
            return
        await self._forward(scope, body, receive, send)

    async def _forward(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Passes the answer on as it comes; ends when the browser leaves."""
        answering = asyncio.create_task(self._pass_on(scope, body, send))
        leaving = asyncio.create_task(_until_gone(receive))
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not answering.done():
                answering.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)
        if not answering.cancelled() and (error := answering.exception()) is not None:
            raise error

    async def _pass_on(self, scope: Scope, body: bytes, send: Send) -> None:
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        query: bytes = scope.get("query_string", b"")
        request = httpx.Request(
            scope["method"],
            httpx.URL(self._endpoint_url).copy_with(raw_path=raw_path + (b"?" + query if query else b"")),
            headers=[(name, value) for name, value in scope["headers"] if name not in _HOP_BY_HOP],
            content=body,
            extensions={"timeout": _TIMEOUT},
        )
        has_begun = False
        try:
            answer = await self._transport.handle_async_request(request)
            try:
                kept = [(n.lower(), v) for n, v in answer.headers.raw if n.lower() not in _HOP_BY_HOP]
                await send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
                has_begun = True
                async for piece in answer.aiter_raw():
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            finally:
                await answer.aclose()
        except httpx.HTTPError as error:
            if has_begun:
                # Cut short, as it was for us; the browser asks again.
                logger.info("the console's answer to %s broke off: %s", scope["path"], error)
                return
            logger.warning("the console does not answer: %s", error)
            await _answer(send, 503, _UNREACHABLE)


def is_for_console(scope: Scope) -> bool:
    path: str = scope["path"]
    if path != CONSOLE_PATH and not path.startswith(CONSOLE_PATH + "/"):
        return False
    query: bytes = scope.get("query_string", b"").lower()
    return not any(name == b"authorization" for name, _ in scope["headers"]) and not any(s in query for s in _SIGNS)


async def _read_body(receive: Receive) -> bytes | None:
    """None: it is too long."""
    body = b""
    async for piece in _pieces(receive):
        body += piece
        if len(body) > LARGEST_BODY:
            return None
    return body


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    if status == 503:
        # A browser asks again by itself.
        headers += [(b"retry-after", b"2"), (b"refresh", b"2")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
