"""boto3 → our wire layer → boto3 is the identity, for every operation, every stream and every modelled error."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from botocore.eventstream import EventStream
from botocore.exceptions import EventStreamError
from botocore.parsers import EventStreamJSONParser

from tanren.aws.chain import build_application
from tanren.aws.context import Members, Reply, RequestContext
from tanren.aws.errors import Fault
from tanren.aws.eventstream import encode_event, encode_exception
from tanren.aws.parsing import WireRequest, parse_request
from tanren.aws.serialization import serialize_fault
from tanren.aws.service_models import Operation, load_service
from tanren.domain.clock import utc_now
from tests.protocol.loopback import OneKey, Raw, client
from tests.protocol.sampling import Sampler

SERVICES = ("bedrock", "bedrock-runtime", "tanren")
# boto3 has no method for it, since its HTTP client cannot send and receive at once; it has a test of its own.
BIDIRECTIONAL = "InvokeModelWithBidirectionalStream"
OPERATIONS = [
    (service, name) for service in SERVICES for name in load_service(service).operation_names if name != BIDIRECTIONAL
]
SAMPLES = 3


class Recorder:
    """An application of which one operation answers what it is told and remembers what it was asked."""

    def __init__(self, service: str, operation: str) -> None:
        self.asked: Members | None = None
        self.answer: Members | Reply | Exception = {}
        handler = self._stream if load_service(service).operation(operation).output_stream else self._handle
        self.app = build_application(
            handlers={name: {operation: handler} if name == service else {} for name in SERVICES},
            access_keys=OneKey(),
            neighbourhood=None,
            clock=utc_now,
        )

    def _handle(self, context: RequestContext, params: Members) -> Members | Reply:
        self.asked = params
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def _stream(self, context: RequestContext, params: Members) -> Members | Reply:
        return self._handle(context, params)


async def each(events: list[Members]) -> AsyncIterator[Members]:
    for event in events:
        yield event


@pytest.mark.parametrize(("service", "name"), OPERATIONS, ids=[f"{s}.{n}" for s, n in OPERATIONS])
def test_what_boto3_sends_is_what_the_handler_gets_and_what_it_answers_is_what_boto3_returns(
    service: str, name: str
) -> None:
    operation = load_service(service).operation(name)
    recorder = Recorder(service, name)
    boto = client(recorder.app, service)
    method = getattr(boto, _method_name(boto, name))
    for seed in range(SAMPLES):
        sampler = Sampler(seed)
        params = sampler.structure(operation.input) if operation.input else {}
        answer = sampler.structure(operation.output) if operation.output else {}
        expected = dict(answer)
        stream = operation.output_stream
        if stream is not None:
            # A member's name is its event; exceptions have their own test.
            events = [
                {event: sampler.structure(member.shape)}
                for event, member in stream.shape.members.items()
                if not event.endswith("Exception")
            ]
            answer[stream.name] = each(events)
            expected[stream.name] = events
        recorder.answer = answer
        response = method(**params)
        metadata = response.pop("ResponseMetadata")
        assert metadata["HTTPStatusCode"] == operation.status
        assert recorder.asked is not None
        assert _without_tokens(recorder.asked, params) == params
        assert _read(response, operation) == expected


def test_an_event_stream_input_is_parsed_into_its_events() -> None:
    operation = load_service("bedrock-runtime").operation(BIDIRECTIONAL)
    stream = operation.input.members["body"]
    events = [{"chunk": {"bytes": b"first"}}, {"chunk": {"bytes": b"\x00second"}}]
    body = b"".join(encode_event(stream, event) for event in events)
    request = WireRequest(labels={"modelId": "amazon.nova"}, raw_query="", headers={}, body=body)
    assert parse_request(operation, request) == {"modelId": "amazon.nova", "body": events}


@pytest.mark.parametrize("service", SERVICES)
def test_every_modelled_error_is_raised_by_boto3_as_its_class_with_message_and_extra_members(service: str) -> None:
    model = load_service(service)
    for name in model.operation_names:
        if name == BIDIRECTIONAL:
            continue
        for code, error in model.operation(name).errors.items():
            extra = {m: v for m, v in Sampler(7).structure(error.shape).items() if m.lower() != "message"}
            fault = Fault(code=code, status=error.status, message=f"kaputt: {name}", members=extra)
            boto = _faulty_client(service, fault)
            params = Sampler(0).structure(model.operation(name).input) if model.operation(name).input else {}
            with pytest.raises(boto.exceptions.ClientError) as raised:
                getattr(boto, _method_name(boto, name))(**params)
            assert type(raised.value) is getattr(boto.exceptions, code)
            response = raised.value.response
            assert response["Error"]["Code"] == code
            assert response["Error"]["Message"] == f"kaputt: {name}"
            assert response["ResponseMetadata"]["HTTPStatusCode"] == error.status
            assert {member: response[member] for member in extra} == extra


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("bedrock-runtime", "ConverseStream"),
        ("bedrock-runtime", "InvokeModelWithResponseStream"),
        ("tanren", "WatchJob"),
    ],
)
def test_every_exception_of_a_stream_reaches_the_reader_after_the_events_before_it(service: str, name: str) -> None:
    operation = load_service(service).operation(name)
    stream = operation.output_stream
    assert stream is not None
    exceptions = {m.shape.name: m for m in stream.shape.members.values() if m.name.endswith("Exception")}
    assert exceptions
    for code, member in exceptions.items():
        frame = encode_exception(stream, Fault(code=code, status=400, message="mid-stream"))
        parsed = _botocore_events(service, name, frame)
        with pytest.raises(EventStreamError) as raised:
            list(parsed)
        assert raised.value.response["Error"] == {"Code": member.name, "Message": "mid-stream"}


def _botocore_events(service: str, operation: str, frames: bytes) -> Any:
    boto = client(Recorder(service, operation).app, service)
    shape = boto.meta.service_model.operation_model(operation).get_event_stream_output()
    return EventStream(Raw(frames), shape, EventStreamJSONParser(), operation)


_CLIENTS: dict[str, Any] = {}
_FAULTS: dict[str, Fault] = {}


def _faulty_client(service: str, fault: Fault) -> Any:
    """A client whose every request is answered with `fault`; made once for each service, since that costs 50 ms."""
    _FAULTS[service] = fault
    if service not in _CLIENTS:

        async def app(scope: Any, receive: Any, send: Any) -> None:
            response = serialize_fault(_FAULTS[service], protocol="rest-json", request_id="r-1")
            headers = [(name.encode(), value.encode()) for name, value in response.headers.items()]
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            await send({"type": "http.response.body", "body": response.body})

        _CLIENTS[service] = client(app, service)
    return _CLIENTS[service]


def _method_name(boto: Any, operation: str) -> str:
    return next(py for py, name in boto.meta.method_to_api_mapping.items() if name == operation)


def _without_tokens(asked: Members, params: Members) -> Members:
    """`asked` without what the wire adds where the caller gave none: an idempotency token, an empty blob as body."""
    return {name: value for name, value in asked.items() if name in params or ("oken" not in name and value != b"")}


def _read(response: Members, operation: Operation) -> Members:
    """`response` with its streams read."""
    return {
        name: value.read()
        if hasattr(value, "read")
        else list(value)
        if operation.output_stream and name == operation.output_stream.name
        else value
        for name, value in response.items()
    }


def test_every_operation_of_the_four_services_takes_part() -> None:
    assert len(OPERATIONS) + 1 == 119 + 4 + 16
