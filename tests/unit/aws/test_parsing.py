"""What a request may look like, and what is said of one that may not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanren.aws.errors import WireError
from tanren.aws.parsing import WireRequest, from_json, parse_request
from tanren.aws.service_models import Member, Shape, load_service

BEDROCK = load_service("bedrock")
RUNTIME = load_service("bedrock-runtime")


def parsed(
    operation: str, body: bytes = b"", *, query: str = "", headers: dict[str, str] | None = None, **labels: str
) -> Any:
    service = BEDROCK if operation in BEDROCK.operation_names else RUNTIME
    request = WireRequest(labels=labels, raw_query=query, headers=headers or {}, body=body)
    return parse_request(service.operation(operation), request)


def refused(operation: str, body: bytes) -> str:
    with pytest.raises(WireError) as raised:
        parsed(operation, body)
    assert (raised.value.code, raised.value.status) == ("SerializationException", 400)
    return raised.value.message


def test_null_is_absent_and_unknown_keys_are_ignored() -> None:
    assert parsed("CreateModelCustomizationJob", b'{"jobName": "j", "roleArn": null, "newInAWS": 1}') == {
        "jobName": "j"
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"jobName": 1}', "Expected a string at '/jobName', found a number"),
        (
            b'{"hyperParameters": {"epochCount": 3}}',
            "Expected a string at '/hyperParameters/epochCount', found a number",
        ),
        (b'{"jobTags": {"key": "k"}}', "Expected a list at '/jobTags', found an object"),
        (b'{"jobTags": [{"key": "k", "value": true}]}', "Expected a string at '/jobTags/0/value', found a boolean"),
        (b'{"jobTags": [null]}', "Expected a value at '/jobTags/0', found null"),
        (b"[]", "Expected an object at '/', found a list"),
        (b'{"jobName": "\\ud800"}', "half of a surrogate pair"),
        (b'{"jobName": "x"', "not valid JSON"),
        (b'{"jobName": NaN}', "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b'{"a":' * 100_000, "not valid JSON"),
    ],
)
def test_a_wrong_type_or_broken_json_is_named_with_its_place(body: bytes, message: str) -> None:
    assert message in refused("CreateModelCustomizationJob", body)


@pytest.mark.parametrize(
    ("config", "found"),
    [(b"{}", "none"), (b'{"automated": {}, "human": {}}', "automated, human")],
)
def test_a_union_has_exactly_one_member(config: bytes, found: str) -> None:
    message = refused("CreateEvaluationJob", b'{"evaluationConfig": ' + config + b"}")
    assert message == f"Expected exactly one of automated, human at '/evaluationConfig', found {found}"


def test_query_parameters_are_typed_and_decoded() -> None:
    query = "maxResults=7&nameContains=a%20b%2B+c&creationTimeAfter=2026-01-02T03%3A04%3A05Z&isOwned=true&x=1"
    assert parsed("ListCustomModels", query=query) == {
        "maxResults": 7,
        "nameContains": "a b+ c",
        "creationTimeAfter": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "isOwned": True,
    }


@pytest.mark.parametrize("query", ["maxResults=x", "maxResults=1_0", "isOwned=yes", "creationTimeAfter=tomorrow"])
def test_a_query_parameter_of_the_wrong_type_is_refused(query: str) -> None:
    with pytest.raises(WireError, match="SerializationException"):
        parsed("ListCustomModels", query=query)


def test_an_invoke_body_stays_bytes_and_headers_are_members() -> None:
    headers = {"content-type": "application/json", "x-amzn-bedrock-trace": "ENABLED"}
    assert parsed("InvokeModel", b'{"a": \xff}', headers=headers, modelId="m") == {
        "body": b'{"a": \xff}',
        "contentType": "application/json",
        "trace": "ENABLED",
        "modelId": "m",
    }


def test_documents_and_blobs_inside_json_are_what_they_are() -> None:
    body = b'{"messages": [{"role": "user", "content": [{"image": {"format": "png", "source": {"bytes": "AAE="}}}]}],'
    body += b'"additionalModelRequestFields": {"k": [1, null, {"x": true}]}}'
    params = parsed("Converse", body, modelId="m")
    assert params["messages"][0]["content"][0]["image"]["source"] == {"bytes": b"\x00\x01"}
    assert params["additionalModelRequestFields"] == {"k": [1, None, {"x": True}]}
    assert "base64" in refused("Converse", body.replace(b"AAE=", b"!"))


def shape(kind: Any) -> Shape:
    return Shape(service="test", name="Test", kind=kind)


@given(st.integers(-(2**70), 2**70))
def test_an_integer_is_taken_in_its_range_and_refused_outside(value: int) -> None:
    for kind, bits in (("integer", 31), ("long", 63)):
        if -(2**bits) <= value < 2**bits:
            assert from_json(value, shape(kind), "/n") == value
        else:
            with pytest.raises(WireError):
                from_json(value, shape(kind), "/n")


moments = st.integers(31_536_000_000_000, 7_258_118_400_000_000).map(
    lambda microseconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)


@given(moments)
def test_a_timestamp_is_read_from_iso_8601_and_from_seconds(moment: datetime) -> None:
    assert from_json(moment.isoformat().replace("+00:00", "Z"), shape("timestamp"), "/t") == moment
    whole = moment.replace(microsecond=0)
    assert from_json(whole.timestamp(), shape("timestamp"), "/t") == whole


@pytest.mark.parametrize("value", [True, "yesterday", {}, 1e300, "2026-13-01T00:00:00Z"])
def test_what_is_no_timestamp_is_refused(value: Any) -> None:
    with pytest.raises(WireError):
        from_json(value, shape("timestamp"), "/t")


def test_lists_maps_prefixes_and_json_values_in_query_and_headers() -> None:
    def member(name: str, location: Any, of: Shape, **traits: Any) -> Member:
        return Member(
            name=name,
            wire_name=traits.pop("wire_name", name),
            location=location,
            shape=of,
            timestamp_format=None,
            is_required=False,
            is_idempotency_token=False,
            is_json_value=traits.pop("is_json_value", False),
            is_streaming=False,
            is_event_payload=False,
            is_event_header=False,
            is_sensitive=False,
        )

    text, number = shape("string"), shape("integer")
    numbers = Shape(service="test", name="Numbers", kind="list", element=number)
    rest = Shape(service="test", name="Rest", kind="map", key=text, element=text)
    whole = Shape(service="test", name="Input", kind="structure")
    whole.members |= {
        "ids": member("ids", "querystring", numbers),
        "rest": member("rest", "querystring", rest),
        "sizes": member("sizes", "header", numbers, wire_name="X-Sizes"),
        "meta": member("meta", "headers", rest, wire_name="x-meta-"),
        "doc": member("doc", "header", text, wire_name="X-Doc", is_json_value=True),
    }
    operation = BEDROCK.operation("ListCustomModels")
    from dataclasses import replace

    request = WireRequest(
        labels={},
        raw_query="ids=1&ids=2&other=o",
        headers={"x-sizes": "3, 4", "x-meta-a": "b", "x-doc": "eyJrIjogMX0="},
        body=b"",
    )
    assert parse_request(replace(operation, input=whole), request) == {
        "ids": [1, 2],
        "rest": {"other": "o"},
        "sizes": [3, 4],
        "meta": {"a": "b"},
        "doc": {"k": 1},
    }
