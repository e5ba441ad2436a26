"""The order of the chain, and what each stage answers."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tanren.aws.chain import build_application
from tanren.aws.context import Members, RequestContext
from tanren.domain.errors import Conflict, TooManyTags, ValidationFailed
from tests.protocol.loopback import KEY, OneKey, client, request
from tests.unit.aws.small_apps import answering, app_of, error_of, signed, visiting


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


def test_a_service_that_is_not_ours_needs_a_neighbourhood() -> None:
    status, _, body = request(app_of(), "GET", "http://h/", signed("GET", "/", service="lambda"))
    assert status == 400
    assert "no service lambda" in json.loads(body)["message"]


@pytest.mark.parametrize("path", ["/health", "/_tanren/health"])
def test_the_health_check_needs_no_signature(path: str) -> None:
    assert request(app_of(), "GET", f"http://h{path}", [])[::2] == (200, b'{"status":"ok"}')


def test_operations_that_wait_leave_threads_to_what_every_request_asks_for() -> None:
    go_on = threading.Event()

    def waiting(context: RequestContext, params: Members) -> Members:
        go_on.wait()
        return {"body": b"x", "contentType": "x"}

    async def story() -> None:
        app, sent, left = app_of(runtime={"InvokeModel": waiting}), list[Any](), asyncio.Event()
        requests = [asyncio.ensure_future(visiting(app, "/model/m/invoke", left, sent)) for _ in range(64)]
        await asyncio.sleep(0)  # they are under way
        try:
            # Permissions are judged, and models are looked up, in this pool.
            assert await asyncio.wait_for(asyncio.to_thread(lambda: "judged"), timeout=5) == "judged"
        finally:
            go_on.set()
        await asyncio.gather(*requests)
        assert len(sent) == 2 * 64

    asyncio.run(story())


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
