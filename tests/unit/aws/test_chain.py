"""The order of the chain, what each stage answers, and what happens when a client goes away."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, EventStreamError

from tanren.aws.chain import LARGEST_BODY_BYTES, ASGIApp, build_application
from tanren.aws.context import Handler, Members, Reply, RequestContext
from tanren.domain.errors import Conflict, ModelFailed, TooManyTags, ValidationFailed
from tests.protocol.loopback import KEY, OneKey, client, request


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


def test_the_context_says_who_where_and_what() -> None:
    seen: list[RequestContext] = []

    def handler(context: RequestContext, params: Members) -> Members:
        seen.append(context)
        return {}

    app = app_of(bedrock={"ListFoundationModels": handler})
    response = client(app, "bedrock").list_foundation_models()
    (context,) = seen
    assert (context.service, context.operation) == ("bedrock", "ListFoundationModels")
    assert (context.scope.account_id, context.scope.region) == (KEY.account_id, "us-east-1")
    assert (context.principal.arn, context.principal.access_key_id) == (KEY.principal_arn, KEY.access_key_id)
    assert context.request_id == response["ResponseMetadata"]["RequestId"]
    assert context.source_ip == "127.0.0.1"
    assert context.user_agent.startswith("Boto3/")


def test_an_operation_without_a_handler_is_refused_plainly_before_its_parameters_are_looked_at() -> None:
    code, message, status = error_of(client(app_of(), "bedrock").create_guardrail, **_guardrail("bad name!"))
    assert (code, status) == ("ValidationException", 400)
    assert message == "CreateGuardrail is not implemented by tanren. docs/operations.md lists what is."


def _guardrail(name: str) -> dict[str, str]:
    return {"name": name, "blockedInputMessaging": "x", "blockedOutputsMessaging": "x"}


def test_a_violated_constraint_never_reaches_the_handler() -> None:
    app = app_of(bedrock={"CreateGuardrail": answering(AssertionError("reached"))})
    code, message, _ = error_of(client(app, "bedrock").create_guardrail, **_guardrail("bad name!"))
    assert code == "ValidationException"
    assert message.startswith("1 validation error detected: Value at 'name' failed to satisfy constraint: ")


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (Conflict("taken"), "ConflictException", 400),
        (ValidationFailed("no"), "ValidationException", 400),
        (TooManyTags("51", "arn:x"), "TooManyTagsException", 400),
        (RuntimeError("secret"), "InternalServerException", 500),
    ],
)
def test_a_handlers_error_is_translated_once(error: Exception, code: str, status: int) -> None:
    app = app_of(bedrock={"CreateGuardrail": answering(error)})
    found = error_of(client(app, "bedrock").create_guardrail, **_guardrail("good"))
    assert (found[0], found[2]) == (code, status)
    assert "secret" not in found[1]


def test_a_result_that_the_model_does_not_have_is_an_internal_error() -> None:
    app = app_of(bedrock={"ListFoundationModels": answering({"models": []})})
    assert error_of(client(app, "bedrock").list_foundation_models)[0] == "InternalServerException"


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


def test_a_service_that_is_not_ours_needs_a_neighbourhood() -> None:
    status, _, body = request(app_of(), "GET", "http://h/", signed("GET", "/", service="lambda"))
    assert status == 400
    assert "no service lambda" in json.loads(body)["message"]


@pytest.mark.parametrize("path", ["/health", "/_tanren/health"])
def test_the_health_check_needs_no_signature(path: str) -> None:
    assert request(app_of(), "GET", f"http://h{path}", [])[::2] == (200, b'{"status":"ok"}')


def test_each_request_leaves_one_line_in_the_access_log_without_keys(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tanren.access")
    client(app_of(bedrock={"ListFoundationModels": answering({})}), "bedrock").list_foundation_models()
    (record,) = [record for record in caplog.records if record.name == "tanren.access"]
    event = json.loads(record.getMessage())
    assert (event["method"], event["operation"], event["status"]) == ("GET", "ListFoundationModels", 200)
    assert event["ms"] >= 0
    assert KEY.access_key_id not in record.getMessage()


def test_a_handler_for_an_operation_that_does_not_exist_is_refused_at_once() -> None:
    with pytest.raises(AssertionError, match="FlyToTheMoon"):
        app_of(bedrock={"FlyToTheMoon": answering({})})


def test_the_lifespan_is_entered_and_left_and_the_neighbourhood_closed() -> None:
    steps: list[str] = []

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        steps.append("in")
        yield
        steps.append("out")

    class Neighbours:
        async def forward(self, exchange: Any, credential: Any, key: Any) -> None: ...

        async def close(self) -> None:
            steps.append("closed")

    app = build_application(handlers={}, access_keys=OneKey(), neighbourhood=Neighbours(), lifespan=lifespan)
    messages = [{"type": "lifespan.shutdown"}, {"type": "lifespan.startup"}]

    async def receive() -> Any:
        return messages.pop()

    async def send(message: Any) -> None:
        steps.append(message["type"])

    asyncio.run(app({"type": "lifespan"}, receive, send))  # pyright: ignore
    assert steps == ["in", "lifespan.startup.complete", "out", "closed", "lifespan.shutdown.complete"]
