"""Results and faults on the wire. That botocore reads them is `tests/protocol/test_round_trip.py`."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from xml.etree import ElementTree

import pytest

from tanren.aws.errors import Fault
from tanren.aws.serialization import serialize_fault, serialize_result, timestamp_to_wire, to_json
from tanren.aws.service_models import Shape, load_service

BEDROCK = load_service("bedrock")
RUNTIME = load_service("bedrock-runtime")


def test_none_is_left_out_and_the_status_is_the_models() -> None:
    operation = BEDROCK.operation("CreateModelCustomizationJob")
    response = serialize_result(operation, {"jobArn": "arn:x"}, request_id="r")
    assert (response.status, json.loads(response.body)) == (201, {"jobArn": "arn:x"})
    assert response.headers == {"x-amzn-RequestId": "r", "Content-Type": "application/json"}
    empty = serialize_result(BEDROCK.operation("GetCustomModel"), {"jobName": None}, request_id="r")
    assert empty.body == b"{}"


@pytest.mark.parametrize(
    "members",
    [{"unknown": 1}, {"modelArn": 5}, {"creationTime": "2026"}, {"trainingMetrics": {"loss": 1}}, {"modelArn": b"x"}],
)
def test_a_member_that_the_model_does_not_have_is_our_mistake(members: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        serialize_result(BEDROCK.operation("GetCustomModel"), members, request_id="r")


def test_an_invoke_body_goes_out_as_it_is_with_its_content_type() -> None:
    members = {"body": b"\x00\xff", "contentType": "application/x"}
    response = serialize_result(RUNTIME.operation("InvokeModel"), members, request_id="r")
    assert (response.body, response.headers["Content-Type"]) == (b"\x00\xff", "application/x")


def test_timestamps_are_utc_and_show_fractions_only_where_there_are_any() -> None:
    moment = datetime(2026, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert timestamp_to_wire(moment, "iso8601") == "2026-01-02T03:04:05Z"
    assert timestamp_to_wire(moment.replace(microsecond=120), "iso8601") == "2026-01-02T03:04:05.000120Z"
    assert timestamp_to_wire(moment, "rfc822") == "Fri, 02 Jan 2026 03:04:05 GMT"
    assert timestamp_to_wire(datetime(1970, 1, 1, tzinfo=UTC), "unixTimestamp") == 0


@pytest.mark.parametrize(("value", "wire"), [(float("nan"), "NaN"), (float("-inf"), "-Infinity"), (1.5, 1.5), (2, 2.0)])
def test_floats_that_json_lacks_are_words(value: float, wire: Any) -> None:
    assert to_json(value, Shape(service="t", name="F", kind="double"), "/f") == wire


FAULT = Fault(code="Sp<cial", status=400, message="a & b < c\x00 é", members={"resourceName": "arn:x"})


def test_rest_json_and_json_faults() -> None:
    rest = serialize_fault(FAULT, protocol="rest-json", request_id="r")
    assert rest.headers["x-amzn-ErrorType"] == "Sp<cial"
    assert json.loads(rest.body) == {"message": FAULT.message, "resourceName": "arn:x"}
    old = serialize_fault(FAULT, protocol="json", request_id="r")
    assert json.loads(old.body)["__type"] == "Sp<cial"


@pytest.mark.parametrize(
    ("protocol", "code", "message", "request_id"),
    [
        ("s3", "Code", "Message", "RequestId"),
        ("query", "Error/Code", "Error/Message", "RequestId"),
        ("ec2", "Errors/Error/Code", "Errors/Error/Message", "RequestID"),
    ],
)
def test_xml_faults_are_well_formed_whatever_the_message(
    protocol: Any, code: str, message: str, request_id: str
) -> None:
    response = serialize_fault(FAULT, protocol=protocol, request_id="r-1", resource="/b/<k>")
    tree = ElementTree.fromstring(response.body)
    assert tree.findtext(code) == "Sp<cial"
    assert tree.findtext(message) == "a & b < c� é"
    assert tree.findtext(request_id) == "r-1"
    assert response.status == 400
