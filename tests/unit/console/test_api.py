"""boto3's answers and refusals, as the pages have them."""

import asyncio
import pickle
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tanren.aws.sdk_overlay import MODELS_FOLDER
from tanren.console.api import ApiClients, ApiEndpoint, ApiRefusal, Credentials, RememberingApi, SignedApi

ENDPOINT = ApiEndpoint(url="http://127.0.0.1:9", models_folder=MODELS_FOLDER)
CREDENTIALS = Credentials(access_key_id="AKIAEXAMPLE", secret_access_key="very-secret", region="us-west-2")


class Stream:
    def __init__(self, events: list[Any]) -> None:
        self._events = iter(events)
        self.is_closed = False

    def __iter__(self) -> "Stream":
        return self

    def __next__(self) -> Any:
        event = next(self._events)
        if isinstance(event, Exception):
            raise event
        return event

    def close(self) -> None:
        self.is_closed = True


class Client:
    """Answers one operation; raises what it was given."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def converse_stream(self, **_: Any) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def api(answer: Any) -> SignedApi:
    return SignedApi(lambda _service: Client(answer), ENDPOINT)


def refused_by(code: str, status: int) -> ClientError:
    meta = {"HTTPStatusCode": status, "RequestId": "0a1b"}
    return ClientError({"Error": {"Code": code, "Message": "No."}, "ResponseMetadata": meta}, "ConverseStream")


def test_a_refusal_keeps_code_status_and_request_id_and_pickles():
    with pytest.raises(ApiRefusal) as caught:
        asyncio.run(api(refused_by("ResourceNotFoundException", 404)).ask("bedrock-runtime", "ConverseStream"))
    refusal = pickle.loads(pickle.dumps(caught.value))
    assert (str(refusal), refusal.code, refusal.status, refusal.request_id) == (
        "No.",
        "ResourceNotFoundException",
        404,
        "0a1b",
    )
    assert refusal.is_absence


def test_a_page_in_place_of_an_error_is_not_shown_as_its_message():
    page = {"Error": {"Code": "500", "Message": "<!doctype html>"}, "ResponseMetadata": {"HTTPStatusCode": 500}}
    with pytest.raises(ApiRefusal, match="It may not know ConverseStream") as caught:
        asyncio.run(api(ClientError(page, "ConverseStream")).ask("bedrock-runtime", "ConverseStream"))
    assert not caught.value.lacks_service


@pytest.mark.parametrize(("code", "status"), [("404", 404), ("UnknownOperationException", 404), ("501", 501)])
def test_an_endpoint_that_does_not_know_the_service_of_tanren_is_told_from_one_that_refuses(code: str, status: int):
    def refusal(code: str, status: int) -> ApiRefusal:
        return ApiRefusal("No.", code=code, operation="GetUsage", service="tanren", status=status)

    assert refusal(code, status).lacks_service
    assert not refusal(code, status).is_absence
    assert not refusal("ResourceNotFoundException", 404).lacks_service
    assert not refusal("InternalServerException", 500).lacks_service
    assert not refusal("AccessDeniedException", 403).lacks_service


def test_a_visit_remembers_what_was_refused_to_it_but_not_what_is_not_there():
    remembering = RememberingApi(api(refused_by("AccessDeniedException", 403)))
    for _ in range(2):
        with pytest.raises(ApiRefusal):
            asyncio.run(remembering.ask("bedrock-runtime", "ConverseStream"))
    assert [each.code for each in remembering.refused] == ["AccessDeniedException"]
    absent = RememberingApi(api(refused_by("ResourceNotFoundException", 404)))
    with pytest.raises(ApiRefusal):
        asyncio.run(absent.ask("bedrock-runtime", "ConverseStream"))
    assert absent.refused == []


def test_an_endpoint_that_is_away_is_a_refusal_too():
    with pytest.raises(ApiRefusal, match="Could not connect"):
        asyncio.run(api(EndpointConnectionError(endpoint_url="x")).ask("bedrock-runtime", "ConverseStream"))


def test_events_come_in_their_order_and_the_connection_is_given_up_at_the_end():
    stream = Stream([{"a": 1}, {"b": 2}])
    events = asyncio.run(api({"stream": stream}).open_stream("bedrock-runtime", "ConverseStream", "stream"))
    assert list(events) == [{"a": 1}, {"b": 2}]
    assert stream.is_closed


def test_a_stream_that_breaks_is_a_refusal_and_the_connection_is_given_up():
    stream = Stream([{"a": 1}, refused_by("ModelStreamErrorException", 424)])
    events = asyncio.run(api({"stream": stream}).open_stream("bedrock-runtime", "ConverseStream", "stream"))
    assert next(events) == {"a": 1}
    with pytest.raises(ApiRefusal):
        next(events)
    assert stream.is_closed


def test_a_signed_url_is_for_one_object_at_the_endpoint_and_holds_no_secret():
    made = ApiClients(ENDPOINT).signed(CREDENTIALS)
    url = asyncio.run(made.presigned("PutObject", seconds=60, Bucket="data", Key="faq/訓練.jsonl"))
    assert url.startswith("http://127.0.0.1:9/data/faq/")
    assert "X-Amz-Signature=" in url
    assert "us-west-2" in url
    assert "very-secret" not in url


def test_keys_are_not_in_what_is_printed():
    assert "very-secret" not in repr(CREDENTIALS)
