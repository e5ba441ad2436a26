"""What goes to the console and what to the API, and what comes back."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tanren.console.forwarding import LARGEST_BODY, ConsoleForwarding, is_for_console


def scope(path: str, *, query: bytes = b"", headers: list[tuple[bytes, bytes]] | None = None) -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": headers or []}


@pytest.mark.parametrize("path", ["/console", "/console/", "/console/jobs/a b"])
def test_what_a_browser_asks_below_the_path_is_the_consoles(path: str):
    assert is_for_console(scope(path))


@pytest.mark.parametrize(
    "asked",
    [
        scope("/consoles/x"),
        scope("/"),
        scope("/console/key", headers=[(b"authorization", b"AWS4-HMAC-SHA256 Credential=...")]),
        scope("/console/key", query=b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00"),
        scope("/console/key", query=b"AWSAccessKeyId=AKIA&Signature=0&Expires=1"),
    ],
)
def test_a_bucket_of_that_name_is_reached_by_whoever_signs(asked: dict[str, Any]):
    assert not is_for_console(asked)


async def _call(application: Any, asked: dict[str, Any], body: bytes = b"") -> tuple[int, bytes]:
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[dict[str, Any]] = []
    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(asked, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


class Text(httpx.AsyncByteStream):
    def __init__(self, text: bytes) -> None:
        self._text = text

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._text


def test_a_cookie_of_one_user_is_never_sent_with_the_request_of_another():
    class ConsoleThatSetsACookie(httpx.AsyncBaseTransport):
        def __init__(self) -> None:
            self.cookies: list[str | None] = []

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.cookies.append(request.headers.get("cookie"))
            return httpx.Response(200, headers={"set-cookie": "session=hanako; Path=/console"}, stream=Text(b"page"))

    async def api(*_: Any) -> None:
        raise AssertionError("not for the API")

    console = ConsoleThatSetsACookie()
    forwarding = ConsoleForwarding(api, "http://127.0.0.1:9", transport=console)
    for _ in range(2):
        assert asyncio.run(_call(forwarding, scope("/console/sign-in"))) == (200, b"page")
    asyncio.run(_call(forwarding, scope("/console/x", headers=[(b"cookie", b"session=taro")])))
    assert console.cookies == [None, None, "session=taro"]


def test_a_console_that_does_not_answer_is_said_to_be_away():
    async def api(*_: Any) -> None:
        raise AssertionError("not for the API")

    # Port 9 is `discard`, where nobody listens.
    forwarding = ConsoleForwarding(api, "http://127.0.0.1:9")
    status, text = asyncio.run(_call(forwarding, scope("/console/jobs/x")))
    assert status == 503
    assert b"logs/console.log" in text


def test_a_body_that_is_no_form_is_refused():
    async def api(*_: Any) -> None:
        raise AssertionError("not for the API")

    forwarding = ConsoleForwarding(api, "http://127.0.0.1:9")
    assert asyncio.run(_call(forwarding, scope("/console/x"), b"x" * (LARGEST_BODY + 1)))[0] == 413
