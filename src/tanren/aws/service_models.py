"""AWS service models as plain typed values: operations, shapes, errors.

How: botocore's loader reads the JSON model that boto3, the AWS CLI and the other SDKs are made from; `Service` compiles
it, one operation at a time and on first use, into `Shape` trees that the parser, the validator and the serializer walk.
In `models/` lie the model of our own service, `tanren`, and what the SDK overlay adds to botocore's (docs/sdk.md).
A structure is compiled once for each service, so shapes may refer to themselves. Which services are ours is not known
here: the caller asks by name.

Why not botocore's own objects: they have no types, copy a shape at each member access, and answer every trait through
a dictionary. This is the only module, with `errors.py` and the neighbourhood's signer, that speaks to botocore.

Cost: about 60 ms for `bedrock` at first use, then a dictionary look-up for each request.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, cast

import botocore.session
from botocore.loaders import Loader

from tanren.aws.sdk_overlay import MODELS_FOLDER

Kind = Literal[
    "structure",
    "list",
    "map",
    "string",
    "blob",
    "timestamp",
    "boolean",
    "integer",
    "long",
    "float",
    "double",
    "char",
]
Location = Literal["body", "uri", "querystring", "header", "headers", "statusCode", "payload"]
TimestampFormat = Literal["iso8601", "unixTimestamp", "rfc822"]


@dataclass(slots=True, kw_only=True, eq=False)
class Shape:
    """One type of the model. Not frozen, because a recursive shape is known to its members before it is complete."""

    service: str
    name: str
    kind: Kind
    members: dict[str, "Member"] = field(default_factory=dict[str, "Member"])
    required: tuple[str, ...] = ()
    element: "Shape | None" = None
    """The element of a list, or the value of a map."""
    key: "Shape | None" = None
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    payload: str | None = None
    """The member that is the whole body, if one is."""
    timestamp_format: TimestampFormat | None = None
    is_union: bool = False
    is_document: bool = False
    is_event_stream: bool = False
    is_sensitive: bool = False
    element_name: str | None = None
    """Query protocol and XML: what the model calls an element of a list or a value of a map, if it says so."""
    key_name: str | None = None
    """The same of a map's key."""
    is_flattened: bool = False
    """Query protocol and XML: a list or map without an envelope of its own."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Member:
    name: str
    wire_name: str
    """The JSON key, header, query parameter or label; the prefix where the location is `headers`."""
    location: Location
    shape: Shape
    timestamp_format: TimestampFormat | None
    is_required: bool
    is_idempotency_token: bool
    is_json_value: bool
    is_streaming: bool
    is_event_payload: bool
    is_event_header: bool
    is_sensitive: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ErrorShape:
    code: str
    status: int
    shape: Shape


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operation:
    service: str
    signing_name: str
    protocol: str
    name: str
    method: str
    uri: str
    status: int
    input: Shape | None
    output: Shape | None
    output_wrapper: str | None
    """Query protocol: the element around the output's members."""
    errors: Mapping[str, ErrorShape]
    """By code, exactly as the model lists them for this operation."""

    @property
    def output_stream(self) -> Member | None:
        """The member that is an event stream, where the answer has one."""
        members = self.output.members.values() if self.output is not None else ()
        return next((member for member in members if member.shape.is_event_stream), None)


class Service:
    """One service model. `operation()` compiles on first use."""

    def __init__(self, name: str, model: Any) -> None:
        metadata = cast("Mapping[str, str]", model.metadata)
        self.name = name
        self.signing_name: str = metadata.get("signingName") or metadata["endpointPrefix"]
        self.protocol: str = metadata["protocol"]
        self.api_version: str = metadata["apiVersion"]
        self.xml_namespace: str = metadata.get("xmlNamespace", "")
        self.operation_names: tuple[str, ...] = tuple(cast("list[str]", model.operation_names))
        self._model = model
        self._shapes: dict[str, Shape] = {}
        self._operations: dict[str, Operation] = {}

    @property
    def is_query(self) -> bool:
        """Whether operations are named in a form field, as in IAM and STS, and not by method and path."""
        return self.protocol == "query"

    def operation(self, name: str) -> Operation:
        operation = self._operations.get(name)
        if operation is None:
            operation = self._operations[name] = self._compile_operation(name)
        return operation

    def operations(self) -> Iterator[Operation]:
        return (self.operation(name) for name in self.operation_names)

    def methods_and_uris(self) -> Iterator[tuple[str, str, str]]:
        """Name, method and request URI of each operation, without compiling its shapes."""
        for name in self.operation_names:
            http = cast("Mapping[str, str]", self._model.operation_model(name).http)
            yield name, http["method"], http["requestUri"]

    def shape(self, name: str) -> Shape:
        return self._compile_shape(self._model.shape_for(name))

    def _compile_operation(self, name: str) -> Operation:
        model = self._model.operation_model(name)
        http = cast("Mapping[str, Any]", model.http)
        input_shape, output_shape = model.input_shape, model.output_shape
        wrapper = None if output_shape is None else output_shape.serialization.get("resultWrapper")
        errors = [self._compile_error(shape) for shape in model.error_shapes]
        return Operation(
            service=self.name,
            signing_name=self.signing_name,
            protocol=self.protocol,
            name=name,
            method=str(http["method"]),
            uri=str(http["requestUri"]),
            status=int(http.get("responseCode", 200)),
            input=None if input_shape is None else self._compile_shape(input_shape),
            output=None if output_shape is None else self._compile_shape(output_shape),
            output_wrapper=wrapper,
            errors={error.code: error for error in errors},
        )

    def _compile_error(self, model: Any) -> ErrorShape:
        metadata = cast("Mapping[str, Any]", model.metadata)
        trait = cast("Mapping[str, Any]", metadata.get("error") or {})
        return ErrorShape(
            code=str(trait.get("code") or model.name),
            status=int(trait.get("httpStatusCode") or (500 if metadata.get("fault") else 400)),
            shape=self._compile_shape(model),
        )

    def _compile_shape(self, model: Any) -> Shape:
        known = self._shapes.get(model.name)
        if known is not None:
            return known
        metadata = cast("Mapping[str, Any]", model.metadata)
        serialization = cast("Mapping[str, Any]", model.serialization)
        shape = Shape(
            service=self.name,
            name=model.name,
            kind=_KINDS.get(model.type_name) or cast("Kind", model.type_name),
            required=tuple(metadata.get("required", ())),
            minimum=metadata.get("min"),
            maximum=metadata.get("max"),
            pattern=metadata.get("pattern"),
            enum=tuple(metadata.get("enum", ())),
            payload=serialization.get("payload"),
            is_union=bool(metadata.get("union")),
            is_document=bool(metadata.get("document")),
            is_event_stream=bool(serialization.get("eventstream")),
            is_sensitive=bool(metadata.get("sensitive")),
            is_flattened=bool(serialization.get("flattened")),
        )
        self._shapes[model.name] = shape
        if shape.kind == "structure":
            for name, member in model.members.items():
                shape.members[name] = self._compile_member(name, member, shape)
        elif shape.kind == "list":
            shape.element = self._compile_shape(model.member)
            shape.element_name = model.member.serialization.get("name")
        elif shape.kind == "map":
            shape.key, shape.element = (
                self._compile_shape(model.key),
                self._compile_shape(model.value),
            )
            shape.key_name = model.key.serialization.get("name")
            shape.element_name = model.value.serialization.get("name")
        elif shape.kind == "timestamp":
            shape.timestamp_format = serialization.get("timestampFormat")
        return shape

    def _compile_member(self, name: str, model: Any, owner: Shape) -> Member:
        traits = cast("Mapping[str, Any]", model.serialization)
        metadata = cast("Mapping[str, Any]", model.metadata)
        location = traits.get("location", "payload" if owner.payload == name else "body")
        shape = self._compile_shape(model)
        return Member(
            name=name,
            wire_name=str(traits.get("name", name)),
            location=location,
            shape=shape,
            timestamp_format=traits.get("timestampFormat"),
            is_required=name in owner.required,
            is_idempotency_token=bool(metadata.get("idempotencyToken")),
            is_json_value=bool(traits.get("jsonvalue")),
            is_streaming=bool(traits.get("streaming")),
            is_event_payload=bool(traits.get("eventpayload")),
            is_event_header=bool(traits.get("eventheader")),
            is_sensitive=bool(metadata.get("sensitive")),
        )


_KINDS: dict[str, Kind] = {
    "character": "char",
    "bigdecimal": "double",
    "biginteger": "long",
    "short": "integer",
}


@cache
def load_service(name: str) -> Service:
    """The service of that name in botocore's data or ours, for example `bedrock-runtime`; kept for the life of the
    process.

    Why      nothing is read from ~/.aws/models or AWS_DATA_PATH: what a server speaks does not depend on who starts it.
    """
    session = cast("Any", botocore.session.Session())
    folders = [str(MODELS_FOLDER), Loader.BUILTIN_DATA_PATH]
    session.register_component("data_loader", Loader(extra_search_paths=folders, include_default_search_paths=False))
    return Service(name, session.get_service_model(name))
