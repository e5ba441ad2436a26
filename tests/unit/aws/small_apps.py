"""Applications of a handler or two, and requests to them that are signed by hand."""

import asyncio
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tanren.aws.chain import build_application
from tanren.aws.context import Handler, Members, Reply, RequestContext
from tanren.aws.exchange import ASGIApp
from tests.protocol.loopback import KEY, OneKey


def app_of(*, bedrock: dict[str, Handler] | None = None, runtime: dict[str, Handler] | None = None) -> ASGIApp:
    handlers = {"bedrock": bedrock or {}, "bedrock-runtime": runtime or {}}
    return build_application(handlers=handlers, access_keys=OneKey(), neighbourhood=None)


def error_of(call: Any, **params: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as raised:
        call(**params)
    response = raised.value.response
    return response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


def answering(answer: Any) -> Handler:
    def handler(context: RequestContext, params: Members) -> Members | Reply:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handler


def signed(method: str, path: str, body: bytes = b"", service: str = "bedrock") -> list[tuple[str, str]]:
    made = AWSRequest(method, f"http://h{path}", {"Host": "h"}, data=body)
    SigV4Auth(Credentials(KEY.access_key_id, KEY.secret_access_key), service, "us-west-2").add_auth(made)
    return [(name, str(value)) for name, value in made.headers.items()]


def visiting(app: ASGIApp, path: str, client_side: asyncio.Event, sent: list[Any]) -> Any:
    """One request without a body; its client leaves when `client_side` is set."""
    asked: list[Any] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        if asked:
            return asked.pop()
        await client_side.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in signed("POST", path)]
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "headers": headers}
    return app({**scope, "query_string": b"", "client": None}, receive, send)
