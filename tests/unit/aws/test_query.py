"""The query protocol, with botocore's own serializer and parser as oracle, over services that have every feature."""

import base64
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import botocore.session
import pytest
from botocore.parsers import QueryParser
from botocore.serialize import QuerySerializer
from hypothesis import given, settings
from hypothesis import strategies as st

from tanren.aws.errors import WireError
from tanren.aws.query import (
    LARGEST_NUMBER_OF_FIELDS,
    operation_of,
    parse_fields,
    read_fields,
    serialize_query_result,
)
from tanren.aws.service_models import Operation, Service, Shape, load_service

FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
# IAM and STS are ours; the others have what those lack: flattened lists, named elements, maps, blobs, numbers.
SERVICES = {name: load_service(name) for name in ("iam", "sts", "sdb", "rds", "sns", "elasticache", "autoscaling")}
MODELS = {name: botocore.session.Session().get_service_model(name) for name in SERVICES}

# XML has no way to write other characters, and a parser turns a carriage return into a line feed.
texts = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FFF, exclude_characters="\x7f"), max_size=12)
moments = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def values_of(shape: Shape, depth: int = 0) -> st.SearchStrategy[Any]:
    """What a member of this shape may hold; botocore sends an empty list, but no empty map or structure."""
    kind = shape.kind
    if kind == "structure":
        members = {} if depth > 3 else shape.members
        return st.fixed_dictionaries(
            {}, optional={name: values_of(member.shape, depth + 1) for name, member in members.items()}
        ).filter(lambda value: bool(value) or depth == 0)
    if kind == "list":
        assert shape.element is not None
        # A flattened list is its elements and nothing around them: an empty one is not there.
        return st.lists(values_of(shape.element, depth + 1), min_size=int(shape.is_flattened), max_size=3)
    if kind == "map":
        assert shape.element is not None
        return st.dictionaries(texts.filter(bool), values_of(shape.element, depth + 1), min_size=1, max_size=2)
    simple: dict[str, st.SearchStrategy[Any]] = {
        "boolean": st.booleans(),
        "integer": st.integers(-(2**31), 2**31 - 1),
        "long": st.integers(-(2**63), 2**63 - 1),
        "double": st.floats(allow_nan=False),
        "float": st.floats(allow_nan=False, width=32),
        "timestamp": moments,
        "blob": st.binary(max_size=20),
    }
    return simple.get(kind, texts)


def is_finite(shape: Shape | None) -> bool:
    """Whether drawing stops above the depth at which structures are cut off."""

    def depth_of(each: Shape, depth: int) -> int:
        below = [member.shape for member in each.members.values()] + [s for s in (each.key, each.element) if s]
        return depth if depth > 4 or not below else max(depth_of(s, depth + 1) for s in below)

    return shape is not None and depth_of(shape, 0) <= 4


OPERATIONS = [op for service in SERVICES.values() for op in service.operations()]
WITH_INPUT = [op for op in OPERATIONS if is_finite(op.input)]
WITH_OUTPUT = [op for op in OPERATIONS if is_finite(op.output)]


def model_of(operation: Operation) -> Any:
    return MODELS[operation.service].operation_model(operation.name)


def fields_of(text: str) -> dict[str, str]:
    return read_fields(method="POST", headers=FORM, raw_query="", body=text.encode())


def iam(name: str, **fields: str) -> dict[str, Any]:
    return parse_fields(SERVICES["iam"].operation(name), fields)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_botocore_sends_is_read_as_it_was_given(data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(WITH_INPUT))
    assert operation.input is not None
    params = data.draw(values_of(operation.input))
    body = QuerySerializer().serialize_to_request(params, model_of(operation))["body"]
    fields = fields_of(urlencode(body))
    assert operation_of(SERVICES[operation.service], fields) is operation
    assert parse_fields(operation, fields) == params


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_we_answer_is_read_by_botocore_as_it_was_meant(data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(WITH_OUTPUT))
    assert operation.output is not None
    members = data.draw(values_of(operation.output))
    namespace = SERVICES[operation.service].xml_namespace
    answer = serialize_query_result(operation, members, namespace=namespace, request_id="r-1")
    parsed = QueryParser().parse(
        {"status_code": answer.status, "headers": answer.headers, "body": answer.body}, model_of(operation).output_shape
    )
    assert parsed.pop("ResponseMetadata")["RequestId"] == "r-1"
    assert {name: value for name, value in parsed.items() if name in members} == members
    assert [value for name, value in parsed.items() if name not in members and value] == []


def test_an_operation_without_output_answers_with_its_request_id_alone() -> None:
    operation = SERVICES["iam"].operation("AttachRolePolicy")
    answer = serialize_query_result(operation, {}, namespace="https://iam/", request_id="r-1")
    assert answer.body == (
        b'<AttachRolePolicyResponse xmlns="https://iam/"><ResponseMetadata><RequestId>r-1</RequestId>'
        b"</ResponseMetadata></AttachRolePolicyResponse>"
    )
    with pytest.raises(AssertionError, match="has no output"):
        serialize_query_result(operation, {"Role": {}}, namespace="", request_id="r")


def test_a_member_that_the_output_does_not_have_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match="no member"):
        serialize_query_result(SERVICES["iam"].operation("GetRole"), {"Rolle": {}}, namespace="", request_id="r")


def test_markup_in_a_value_stays_text() -> None:
    role = {"Role": {"RoleName": "<b>&amp;</b>", "Description": "\x00"}}
    answer = serialize_query_result(SERVICES["iam"].operation("GetRole"), role, namespace="", request_id="r")
    assert "<RoleName>&lt;b&gt;&amp;amp;&lt;/b&gt;</RoleName>" in answer.body.decode()
    assert "\x00" not in answer.body.decode()


def test_the_fields_of_a_presigned_get_are_in_its_query() -> None:
    query = "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60"
    fields = read_fields(method="GET", headers={}, raw_query=query, body=b"")
    operation = operation_of(SERVICES["sts"], fields)
    assert operation.name == "GetCallerIdentity"
    assert parse_fields(operation, fields) == {}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Version=2010-05-08", "MissingAction"),
        ("Action=&Version=2010-05-08", "MissingAction"),
        ("Action=FlyToTheMoon&Version=2010-05-08", "InvalidAction"),
        ("Action=GetRole&Version=2011-06-15", "InvalidAction"),
        ("Action=GetRole&Action=GetUser", "InvalidParameterValue"),
        ("Action=GetRole&RoleName=%ff", "InvalidParameterValue"),
        ("&".join(f"a{number}=1" for number in range(LARGEST_NUMBER_OF_FIELDS + 1)), "MalformedQueryString"),
    ],
)
def test_fields_that_name_no_operation_are_refused(text: str, code: str) -> None:
    with pytest.raises(WireError) as raised:
        operation_of(SERVICES["iam"], fields_of(text))
    assert (raised.value.code, raised.value.status) == (code, 404 if code == "MalformedQueryString" else 400)


def test_a_body_of_another_kind_is_refused() -> None:
    with pytest.raises(WireError, match="MalformedQueryString"):
        read_fields(method="POST", headers={"content-type": "application/json"}, raw_query="", body=b"{}")


def test_an_operation_without_a_version_is_that_of_the_only_one() -> None:
    assert operation_of(SERVICES["iam"], {"Action": "GetRole"}).name == "GetRole"


@pytest.mark.parametrize(
    "fields",
    [
        {"Tags.member.2.Key": "a"},
        {"Tags.member.one.Key": "a"},
        {"MaxSessionDuration": "soon"},
        {"MaxSessionDuration": "99999999999"},
    ],
)
def test_a_value_of_the_wrong_type_and_a_gap_in_a_list_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(WireError, match="SerializationException"):
        iam("CreateRole", **fields)


def test_a_name_of_absurd_depth_is_refused() -> None:
    with pytest.raises(WireError, match="MalformedQueryString"):
        iam("CreateRole", **{".".join("a" * 40): "x"})


def test_what_the_shape_does_not_have_is_ignored() -> None:
    assert iam("GetRole", RoleName="r", Colour="red", Action="GetRole") == {"RoleName": "r"}


def test_the_second_element_of_a_list_is_the_second_however_many_there_are() -> None:
    fields = {f"TagKeys.member.{number}": f"k{number}" for number in range(12, 0, -1)}
    assert iam("UntagRole", **fields)["TagKeys"] == [f"k{number}" for number in range(1, 13)]


def test_a_blob_is_base64_on_the_wire() -> None:
    text = base64.b64encode(b"\x00\xff").decode()
    operation = SERVICES["sns"].operation("Publish")
    fields = {
        "MessageAttributes.entry.1.Name": "n",
        "MessageAttributes.entry.1.Value.BinaryValue": text,
    }
    assert parse_fields(operation, fields) == {"MessageAttributes": {"n": {"BinaryValue": b"\x00\xff"}}}


def test_the_models_say_which_services_speak_it() -> None:
    assert {name for name, service in SERVICES.items() if service.is_query} == set(SERVICES)
    assert not Service("bedrock", botocore.session.Session().get_service_model("bedrock")).is_query
