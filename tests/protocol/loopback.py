"""boto3 clients whose requests go to an ASGI application in this process: no socket, the whole wire format.

How: botocore's `before-send` event hands over the signed request; the application answers it on an event loop, and the
answer returns as the HTTP response that botocore then parses.
"""

import asyncio
import atexit
import io
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.config import Config

from tanren.aws.exchange import ASGIApp
from tanren.aws.sdk_overlay import MODELS_FOLDER
from tanren.aws.signatures import AccessKey

KEY = AccessKey(
    access_key_id="AKIDEXAMPLE000000001",
    secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    session_token=None,
    account_id="123456789012",
    principal_arn="arn:aws:iam::123456789012:user/mika",
)


RUNNER = asyncio.Runner()
"""One event loop for all requests, since an application's connections belong to one."""
atexit.register(RUNNER.close)


class OneKey:
    """The access keys of a server that knows `KEY`."""

    def find(self, access_key_id: str) -> AccessKey | None:
        return KEY if access_key_id == KEY.access_key_id else None


class Raw(io.BytesIO):
    """An answer's body, as botocore reads it."""

    def stream(self, amt: int = 1024, **_: Any) -> Iterator[bytes]:
        while piece := self.read(amt):
            yield piece


def request(
    app: ASGIApp, method: str, url: str, headers: list[tuple[str, str]], body: bytes = b"", version: str = "1.1"
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers by lower-case name, and body of the application's answer."""
    parts = urlsplit(url)
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": version,
        "method": method,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        "client": ("127.0.0.1", 5),
    }
    sent: list[dict[str, Any]] = []
    pieces = [body[i : i + 60_000] for i in range(0, len(body), 60_000)] or [b""]

    async def exchange() -> None:
        async def receive() -> dict[str, Any]:
            if pieces:
                piece = pieces.pop(0)
                return {"type": "http.request", "body": piece, "more_body": bool(pieces)}
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, send)

    RUNNER.run(exchange())
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}, content


def client(app: ASGIApp, service: str, key: AccessKey = KEY, region: str = "us-east-1", **config: Any) -> Any:
    """A boto3 client of `service` that talks to `app`. The SDK overlay is on."""
    made: Any = _session().client(
        service,
        region_name=region,
        endpoint_url="http://127.0.0.1:4566",
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
        aws_session_token=key.session_token,
        config=Config(retries={"total_max_attempts": 1}, **config),
    )

    def answer(request: Any, **_: Any) -> AWSResponse:
        headers = [(name, _text(value)) for name, value in request.headers.items()]
        if "host" not in {name.lower() for name, _ in headers}:
            headers.append(("host", urlsplit(request.url).netloc))
        body = request.body or b""
        if hasattr(body, "read"):
            body = body.read()
        status, answered, content = _request(app, request.method, request.url, headers, _bytes(body))
        return AWSResponse(request.url, status, HeadersDict(answered), Raw(content))

    made.meta.events.register("before-send", answer)
    return made


@cache
def _session() -> boto3.Session:
    core = botocore.session.Session()
    core.get_component("data_loader").search_paths.insert(0, str(MODELS_FOLDER))
    return boto3.Session(botocore_session=core)


_request = request


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)
