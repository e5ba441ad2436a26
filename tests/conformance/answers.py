"""What is wrong with an answer, by botocore's model of the operation: nothing, of an answer that keeps to it.

A result has the operation's status, members that the model has, of its types and within its constraints, and every one
that is required. An error has a code that the operation lists, or one that any operation may answer with, with the
code's status and a message without our internals. botocore's own parser reads both.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final
from xml.etree import ElementTree

from botocore.awsrequest import HeadersDict
from botocore.eventstream import EventStream
from botocore.parsers import create_parser

from tanren.aws.errors import COMMON_STATUSES
from tanren.aws.service_models import Operation
from tanren.aws.validation import validate
from tanren.domain.errors import ValidationFailed
from tests.protocol.loopback import Raw

EVERYWHERE: Final = COMMON_STATUSES.keys() | {
    # What no operation lists and every operation of its protocol may answer with.
    *("SerializationException", "UnknownOperationException"),
    *("InvalidParameterValue", "MalformedQueryString", "InvalidAction", "MissingAction", "NotSupportedService"),
}
KNOWN: Final[dict[str, str]] = {
    # Where a result breaks a constraint of its model on purpose. By member, or by operation and member.
    "ListCustomModels.baseModelName": "the weights that stand in for a base model, for people to read: docs/models.md",
    "ListEvaluationJobs.jobSummaries": "the model has no empty list, and an account without evaluation jobs has one",
    "PermissionsBoundaryType": "AWS answers `Policy`, as its documentation shows, and not what its model lists",
    "GetUser.UserName": "root has none; AWS leaves it out as well",
    "GetUser.UserId": "root's is its account's id, which is shorter than the model's ids are",
    "GetUser.CreateDate": "nobody has noted when the server's own account was made",
}
_OURS: Final = re.compile(r"Traceback|File \"|sqlite|SELECT |INSERT |\.py\b|/tmp/|/work/|object at 0x|NoneType|Error\(")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes
    code: str = ""
    """Of the error, as botocore read it; empty of a result."""


def read_code(answer: Answer, model: Any) -> Answer:
    """The same, with its code. Raises what botocore raises where it cannot read the answer."""
    parsed = _parsed(answer, model)
    return replace(answer, code=str(parsed.get("Error", {}).get("Code", "")))


def complaints(answer: Answer, operation: Operation, model: Any, *, asked: str = "") -> Iterator[str]:
    """`model` is botocore's of the operation; `asked` is the caller's own text, which an error may repeat.

    An answer without complaints yields nothing.
    """
    if answer.status >= 500:
        yield f"answered {answer.status}"
    if answer.status < 300:
        yield from _complaints_about_a_result(answer, operation, model)
    else:
        yield from _complaints_about_an_error(answer, operation, model, asked)


def _complaints_about_a_result(answer: Answer, operation: Operation, model: Any) -> Iterator[str]:
    if answer.status != model.http.get("responseCode", 200):
        yield f"status {answer.status}, and the model has {model.http.get('responseCode', 200)}"
    shape = model.output_shape
    parsed = _parsed(answer, model)
    parsed.pop("ResponseMetadata")
    for name, value in list(parsed.items()):
        if isinstance(value, EventStream):
            parsed[name] = list(value)
            if not parsed[name]:
                yield f"the stream {name} is empty"
        elif shape is not None and name == shape.serialization.get("payload") and hasattr(value, "read"):
            parsed[name] = value.read()
    if operation.output_stream is not None:
        parsed.pop(operation.output_stream.name)
        yield from _violations(replace(operation, input=operation.output), parsed, but=operation.output_stream.name)
        return
    unmodelled = list(_unmodelled_in(answer, operation, shape))
    yield from unmodelled
    if not unmodelled:
        yield from _violations(replace(operation, input=operation.output), parsed)


def _unmodelled_in(answer: Answer, operation: Operation, shape: Any) -> Iterator[str]:
    """Members that the model has not, and values of other types, which botocore passes over in silence."""
    if shape is None or shape.serialization.get("payload"):
        return
    if operation.protocol == "query":
        yield from _unmodelled_in_result(answer.body, operation, shape)
    else:
        yield from _unmodelled(json.loads(answer.body or b"{}"), shape, "")


def _violations(as_input: Operation, parsed: dict[str, Any], *, but: str = "\0") -> Iterator[str]:
    """The model's constraints on a result, which are checked as a request's are."""
    try:
        validate(as_input, parsed)
    except ValidationFailed as error:
        for found in str(error).partition(" detected: ")[2].split("; Value "):
            place = found.partition("' failed to satisfy constraint")[0].rpartition(" at '")[2]
            member = place.rpartition(".")[2]
            if place != but and not {member, f"{as_input.name}.{member}"} & KNOWN.keys():
                yield f"the result breaks its own model: {found[:300]}"


def _complaints_about_an_error(answer: Answer, operation: Operation, model: Any, asked: str) -> Iterator[str]:
    parsed = _parsed(answer, model)
    error = parsed["Error"]
    code, message = error.get("Code", ""), error.get("Message", "")
    listed = {shape.error_code: shape for shape in model.error_shapes}
    if code in listed:
        status = listed[code].metadata.get("error", {}).get("httpStatusCode")
        if status is not None and status != answer.status:
            yield f"{code} with status {answer.status}, and the model has {status}"
    elif code not in EVERYWHERE:
        yield f"the model has no error {code}"
    if not message:
        yield f"{code} without a message"
    ours = next((found[0] for found in _OURS.finditer(message) if found[0] not in asked), None)
    if ours is not None:
        yield f"the message shows what is inside: {ours!r} in {message[:300]!r}"
    if operation.protocol == "query":
        return
    named = answer.headers.get("x-amzn-errortype", "")
    if named != code:
        yield f"the header says {named}, the body {code}"
    members = {"message"} | (listed[code].members.keys() if code in listed else set())
    unknown = json.loads(answer.body).keys() - members
    if unknown:
        yield f"{code} has members that the model has not: {sorted(unknown)}"


def _parsed(answer: Answer, model: Any) -> dict[str, Any]:
    streams = answer.status < 300 and (model.has_event_stream_output or model.has_streaming_output)
    response = {
        "status_code": answer.status,
        "headers": HeadersDict(answer.headers),
        "body": Raw(answer.body) if streams else answer.body,
        "context": {"operation_name": model.name},
    }
    return create_parser(model.service_model.metadata["protocol"]).parse(response, model.output_shape)


def _unmodelled(value: Any, shape: Any, at: str) -> Iterator[str]:
    """The same of a JSON value."""
    if getattr(shape, "is_document_type", False):
        return
    if shape.type_name == "structure" and isinstance(value, dict):
        members = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        for name, item in value.items():
            if name not in members:
                yield f"the model has no member {at}/{name}"
            elif item is None:
                yield f"{at}/{name} is null, and not absent"
            else:
                yield from _unmodelled(item, members[name], f"{at}/{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unmodelled(item, shape.member, f"{at}/{index}")
    elif shape.type_name == "map" and isinstance(value, dict):
        for name, item in value.items():
            yield from _unmodelled(item, shape.value, f"{at}/{name}")
    elif not isinstance(value, _JSON_TYPES.get(shape.type_name, (object,))):
        yield f"{at} is {value!r}, and should be a {shape.type_name}"


_JSON_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "structure": (dict,),
    "list": (list,),
    "map": (dict,),
    "string": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float, str),
    "double": (int, float, str),
    "timestamp": (str, int, float),
}


def _unmodelled_in_result(body: bytes, operation: Operation, shape: Any) -> Iterator[str]:
    """The same of a query answer's XML."""
    root = ElementTree.fromstring(body)
    wrapper = shape.serialization.get("resultWrapper")
    result = root if wrapper is None else next((each for each in root if _tag(each) == wrapper), None)
    if _tag(root) != f"{operation.name}Response" or result is None:
        yield f"the answer is a <{_tag(root)}>, with {[_tag(each) for each in root]}"
        return
    yield from _unmodelled_elements(result, shape, "")


def _unmodelled_elements(element: ElementTree.Element, shape: Any, at: str) -> Iterator[str]:
    if shape.type_name == "structure":
        members = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        for child in element:
            name = _tag(child)
            if name == "ResponseMetadata":
                continue
            if name not in members:
                yield f"the model has no member {at}/{name}"
            else:
                yield from _unmodelled_elements(child, members[name], f"{at}/{name}")
    elif shape.type_name == "list":
        for child in element:
            if _tag(child) != shape.member.serialization.get("name", "member"):
                yield f"{at} has an element <{_tag(child)}>"
            yield from _unmodelled_elements(child, shape.member, f"{at}/{_tag(child)}")
    elif shape.type_name == "map":
        found = {tuple(_tag(part) for part in entry) for entry in element}
        if found - {("key", "value")}:
            yield f"{at} is a map, and has entries of {found}"
    elif len(element):
        yield f"{at} is a {shape.type_name}, and has elements"


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
