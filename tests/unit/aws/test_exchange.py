"""A client that leaves, a server that ends, and a body that is too long."""

import asyncio
from typing import Any

import pytest

from tanren.aws.context import Members, RequestContext
from tanren.aws.exchange import LARGEST_BODY_BYTES
from tests.protocol.loopback import request
from tests.unit.aws.small_apps import app_of, signed, visiting


def test_a_client_that_leaves_just_as_its_answer_is_made_disturbs_nothing_that_follows() -> None:
    async def story(turns: int) -> None:
        left = asyncio.Event()

        async def quick(context: RequestContext, params: Members) -> Members:
            await asyncio.sleep(0)  # the second task is waiting for the client by now
            left.set()
            for _ in range(turns):
                await asyncio.sleep(0)
            return {"body": b"x", "contentType": "x"}

        sent: list[Any] = []
        await visiting(app_of(runtime={"InvokeModel": quick}), "/model/m/invoke", left, sent)
        for _ in range(5):
            await asyncio.sleep(0)  # a cancellation that comes too late would end this test
        assert len(sent) in (0, 2)

    for turns in range(6):
        asyncio.run(asyncio.wait_for(story(turns), timeout=10))


def test_a_server_that_ends_is_not_taken_for_a_client_that_leaves() -> None:
    async def story() -> None:
        begun = asyncio.Event()

        async def slow(context: RequestContext, params: Members) -> Members:
            begun.set()
            await asyncio.Event().wait()
            return {}

        app = app_of(runtime={"InvokeModel": slow})
        request = asyncio.ensure_future(visiting(app, "/model/m/invoke", asyncio.Event(), []))
        await begun.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request

    asyncio.run(asyncio.wait_for(story(), timeout=10))


def test_a_body_over_the_limit_is_refused() -> None:
    body = b"x" * (LARGEST_BODY_BYTES + 1)
    status, headers, _ = request(app_of(), "POST", "http://h/model/m/invoke", signed("POST", "/model/m/invoke"), body)
    assert (status, headers["x-amzn-errortype"]) == (413, "ValidationException")
