"""How answers go out: headers, streams that break, and what is logged."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import EventStreamError

from tanren.aws.context import Members, Reply, RequestContext
from tanren.aws.exchange import ASGIApp
from tanren.domain.errors import ModelFailed
from tests.protocol.loopback import KEY, client
from tests.unit.aws.small_apps import answering, app_of, error_of, signed


def test_extra_headers_go_out_beside_the_members() -> None:
    reply = Reply(members={"body": b"x", "contentType": "a/b"}, extra_headers={"x-amzn-bedrock-input-token-count": "7"})
    response = client(app_of(runtime={"InvokeModel": answering(reply)}), "bedrock-runtime").invoke_model(modelId="m")
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["x-amzn-bedrock-input-token-count"], headers["content-type"]) == ("7", "a/b")


async def _events(items: list[Any]) -> AsyncIterator[Mapping[str, Members]]:
    for item in items:
        if isinstance(item, Exception):
            raise item
        yield item


def streaming(items: list[Any]) -> ASGIApp:
    async def handler(context: RequestContext, params: Members) -> Members:
        return {"body": _events(items), "contentType": "application/json"}

    return app_of(runtime={"InvokeModelWithResponseStream": handler})


CHUNK = {"chunk": {"bytes": b"one"}}


def test_an_error_before_the_first_event_is_an_http_error_and_after_it_an_exception_frame() -> None:
    early = client(streaming([ModelFailed("broke")]), "bedrock-runtime")
    assert error_of(early.invoke_model_with_response_stream, modelId="m") == ("ModelErrorException", "broke", 424)
    late = client(streaming([CHUNK, ModelFailed("broke")]), "bedrock-runtime")
    events = iter(late.invoke_model_with_response_stream(modelId="m")["body"])
    assert next(events) == CHUNK
    with pytest.raises(EventStreamError, match=r"modelStreamErrorException.*broke"):
        next(events)
    ours = client(streaming([CHUNK, KeyError("secret")]), "bedrock-runtime")
    with pytest.raises(EventStreamError, match="internalServerException") as raised:
        list(ours.invoke_model_with_response_stream(modelId="m")["body"])
    assert "secret" not in str(raised.value)


def test_an_empty_stream_is_an_empty_stream() -> None:
    boto = client(streaming([]), "bedrock-runtime")
    assert list(boto.invoke_model_with_response_stream(modelId="m")["body"]) == []


def test_a_client_that_goes_away_closes_the_iterator_and_cancels_an_async_handler() -> None:
    closed: list[str] = []

    async def forever() -> AsyncIterator[Mapping[str, Members]]:
        try:
            yield CHUNK
            await asyncio.Event().wait()
        finally:
            closed.append("stream")

    async def stream(context: RequestContext, params: Members) -> Members:
        return {"body": forever(), "contentType": "x"}

    async def slow(context: RequestContext, params: Members) -> Members:
        try:
            await asyncio.Event().wait()
        finally:
            closed.append("handler")
        return {}

    app = app_of(runtime={"InvokeModelWithResponseStream": stream, "InvokeModel": slow})

    async def visit(path: str, leave_after: int) -> list[Any]:
        sent: list[Any] = []
        left = asyncio.Event()
        asked: list[Any] = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Any:
            if asked:
                return asked.pop()
            if leave_after:
                await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)
            if len(sent) >= leave_after:
                left.set()

        headers = [(name.lower().encode(), value.encode()) for name, value in signed("POST", path)]
        scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "headers": headers}
        await app({**scope, "query_string": b"", "client": None}, receive, send)
        return sent

    async def both() -> None:
        assert len(await visit("/model/m/invoke-with-response-stream", 2)) == 2
        assert await visit("/model/m/invoke", 0) == []

    asyncio.run(asyncio.wait_for(both(), timeout=10))
    assert closed == ["stream", "handler"]


def test_each_request_leaves_one_line_in_the_access_log_without_keys(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tanren.access")
    client(app_of(bedrock={"ListFoundationModels": answering({})}), "bedrock").list_foundation_models()
    (record,) = [record for record in caplog.records if record.name == "tanren.access"]
    event = json.loads(record.getMessage())
    assert (event["method"], event["operation"], event["status"]) == ("GET", "ListFoundationModels", 200)
    assert event["ms"] >= 0
    assert KEY.access_key_id not in record.getMessage()
