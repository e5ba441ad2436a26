"""Which path leads where, and in which shape each error goes out."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tanren.domain.errors import (
    AccessDenied,
    Conflict,
    JobFailed,
    ModelFailed,
    ModelNotReady,
    ModelTimeout,
    NotImplementedHere,
    QuotaExceeded,
    ResourceNotFound,
    ServiceUnavailable,
    TanrenError,
    Throttled,
    TooManyTags,
    ValidationFailed,
)
from tanren.domain.scope import Scope
from tanren.openai_api.calls import Answer
from tanren.openai_api.door import OpenAIDoor, Route
from tanren.openai_api.errors import InvalidParameter, UnknownPath, refusal_of


class Call:
    raw_query, headers, request_id = "", {}, "r-1"
    received_at = datetime(2026, 11, 21, tzinfo=UTC)
    scope = Scope(account_id="123456789012", region="us-east-1")

    def __init__(self, method: str, raw_path: str) -> None:
        self.method = method
        self.raw_path = raw_path


def route(method: str, path: str) -> Route:
    async def handler(call: Any, identifier: str) -> Answer:
        return Answer(body=f"{method} {path} {identifier}".encode())

    return Route(method=method, path=path, handler=handler)


DOOR = OpenAIDoor(
    [
        route("GET", "jobs"),
        route("POST", "jobs"),
        route("POST", "jobs/{id}/cancel"),
        route("GET", "jobs/{id}"),
        route("GET", "models/{id}"),
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "led"),
    [
        ("GET", "/v1/jobs", "GET jobs "),
        ("POST", "/openai/v1/jobs/", "POST jobs "),
        ("GET", "/v1/jobs/a", "GET jobs/{id} a"),
        ("POST", "/v1/jobs/a/cancel", "POST jobs/{id}/cancel a"),
        ("GET", "/v1/models/arn%3Aaws%3Ax%2Fy", "GET models/{id} arn:aws:x/y"),
        ("GET", "/v1/models/arn:aws:x/y", "GET models/{id} arn:aws:x/y"),
    ],
)
def test_a_path_leads_to_its_handler_with_the_identifier_decoded(method: str, path: str, led: str):
    assert DOOR.takes(path)
    answer = asyncio.run(DOOR.answer(Call(method, path)))
    assert answer.body == led.encode()
    assert answer.headers["x-request-id"] == "r-1"


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/nothing"), ("DELETE", "/v1/jobs"), ("GET", "/v1/models/")])
def test_a_path_or_a_method_that_there_is_not_is_told_what_there_is(method: str, path: str):
    with pytest.raises(UnknownPath, match=r"/v1/jobs|GET, POST"):
        asyncio.run(DOOR.answer(Call(method, path)))


def test_bedrock_s_own_paths_are_none_of_ours():
    for path in ("/model/tanren.nano-v1/invoke", "/v1", "/v10/models", "/openai/other", "/"):
        assert not DOOR.takes(path)


def refused(error: Exception, *, status: int = 400, is_proved: bool = True) -> tuple[int, dict[str, Any]]:
    answer = DOOR.refusal(error, status=status, message="as AWS says", request_id="r-1", is_proved=is_proved)
    assert isinstance(answer.body, bytes)
    return answer.status, json.loads(answer.body)["error"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ValidationFailed("x"), 400, None),
        (NotImplementedHere("x"), 400, "unsupported"),
        (ResourceNotFound("x"), 404, "not_found"),
        (Conflict("x"), 400, "conflict"),
        (AccessDenied("x"), 403, "access_denied"),
        (QuotaExceeded("x"), 400, "quota_exceeded"),
        (TooManyTags("x", "arn"), 400, "too_many_tags"),
        (Throttled("x"), 429, "rate_limit_exceeded"),
        (ModelNotReady("x"), 503, "model_not_ready"),
        (ModelTimeout("x"), 504, "model_timeout"),
        (ModelFailed("x"), 500, "model_error"),
        (ServiceUnavailable("x"), 503, "service_unavailable"),
        (JobFailed("x"), 400, None),
    ],
)
def test_every_error_of_the_domain_has_a_status_and_says_its_message(error: TanrenError, status: int, code: str | None):
    answered, told = refused(error)
    assert (answered, told["code"], told["message"]) == (status, code, "x")


def test_every_kind_of_error_is_translated():
    of_the_domain = [kind for kind in TanrenError.__subclasses__() if kind.__module__ == TanrenError.__module__]
    for kind in of_the_domain:
        error = kind("x", "arn") if kind is TooManyTags else kind("x")
        assert refusal_of(error).status != 500 or kind is ModelFailed, kind


def test_where_things_lie_on_this_machine_is_not_told():
    assert (
        refusal_of(ModelFailed("the adapter in /srv/a/b cannot be read")).message == "the adapter in b cannot be read"
    )


def test_what_is_no_error_of_the_domain_tells_no_internals():
    assert refused(RuntimeError("secret"), status=500) == (
        500,
        {"message": "as AWS says", "type": "server_error", "param": None, "code": None},
    )
    assert refused(RuntimeError("x"), status=403, is_proved=False)[1]["code"] == "invalid_api_key"
    assert refused(RuntimeError("x"), status=413)[0] == 413


def test_a_parameter_is_named():
    assert refused(InvalidParameter("n is 2", "n"))[1]["param"] == "n"
