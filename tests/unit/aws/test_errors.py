"""Each domain error reaches each operation under a code that its SDKs know."""

import logging
import pickle

import pytest

from tanren.aws.errors import COMMON_STATUSES, Fault, WireError, fault_of, in_protocol, protocol_of, stream_member_of
from tanren.aws.service_models import Operation, load_service
from tanren.domain import errors
from tanren.domain.errors import Conflict, ModelFailed, NotImplementedHere, ResourceNotFound, TanrenError, TooManyTags

OPERATIONS = [op for name in ("bedrock", "bedrock-runtime") for op in load_service(name).operations()]
QUERY_OPERATIONS = [op for name in ("iam", "sts") for op in load_service(name).operations()]
KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, TanrenError) and kind is not TanrenError
]


def made(kind: type[TanrenError]) -> TanrenError:
    return kind("why", "arn:aws:x") if kind is TooManyTags else kind("why")


def operation(name: str) -> Operation:
    return next(op for op in OPERATIONS if op.name == name)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_domain_error_has_a_modelled_or_common_code_for_every_operation(kind: type[TanrenError]) -> None:
    for op in OPERATIONS:
        fault = fault_of(made(kind), op, request_id="r")
        assert fault.code in op.errors or fault.code in COMMON_STATUSES, f"{op.name}: {fault.code}"
        assert fault.message == "why"
        expected = op.errors[fault.code].status if fault.code in op.errors else COMMON_STATUSES[fault.code]
        assert fault.status == expected


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_in_the_query_protocol_every_domain_error_has_a_modelled_or_common_code(kind: type[TanrenError]) -> None:
    engine_errors = (errors.ModelNotReady, errors.ModelTimeout, ModelFailed, errors.JobFailed)
    for op in [] if issubclass(kind, engine_errors) else QUERY_OPERATIONS:
        fault = fault_of(made(kind), op, request_id="r")
        assert fault.code in op.errors or fault.code in COMMON_STATUSES, f"{op.name}: {fault.code}"
        assert fault.message == "why"


@pytest.mark.parametrize(
    ("error", "name", "code", "status"),
    [
        (errors.NameTaken("taken"), "CreateRole", "EntityAlreadyExists", 409),
        (errors.StillInUse("in use"), "DeleteRole", "DeleteConflict", 409),
        (ResourceNotFound("none"), "GetRole", "NoSuchEntity", 404),
        (errors.QuotaExceeded("full"), "AssumeRole", "PackedPolicyTooLarge", 400),
        (errors.AccessDenied("no"), "AssumeRole", "AccessDenied", 403),
        (errors.ValidationFailed("bad"), "ListRoles", "ValidationError", 400),
        (NotImplementedHere("none"), "CreateGroup", "ValidationError", 400),
    ],
)
def test_an_error_of_iam_and_sts_has_the_name_that_they_have_for_it(
    error: TanrenError, name: str, code: str, status: int
) -> None:
    op = next(op for op in QUERY_OPERATIONS if op.name == name)
    fault = fault_of(error, op, request_id="r")
    assert (fault.code, fault.status) == (code, status)


@pytest.mark.parametrize(
    ("error", "name", "code", "status"),
    [
        (Conflict("taken"), "CreateModelCustomizationJob", "ConflictException", 400),
        (Conflict("taken"), "CreateProvisionedModelThroughput", "ValidationException", 400),
        (Conflict("taken"), "CreateCustomModelDeployment", "ValidationException", 400),
        (NotImplementedHere("no"), "CreateModelCopyJob", "AccessDeniedException", 403),
        (ResourceNotFound("no"), "GetCustomModel", "ResourceNotFoundException", 404),
        (ModelFailed("no"), "InvokeModel", "ModelErrorException", 424),
        (errors.ModelTimeout("no"), "InvokeModel", "ModelTimeoutException", 408),
        (errors.Throttled("no"), "Converse", "ThrottlingException", 429),
        (errors.ServiceUnavailable("no"), "GetCustomModel", "InternalServerException", 500),
        (errors.ServiceUnavailable("no"), "Converse", "ServiceUnavailableException", 503),
    ],
)
def test_an_error_takes_the_code_that_the_operation_lists(
    error: TanrenError, name: str, code: str, status: int
) -> None:
    fault = fault_of(error, operation(name), request_id="r")
    assert (fault.code, fault.status) == (code, status)


def test_too_many_tags_names_the_resource() -> None:
    fault = fault_of(TooManyTags("51 tags", "arn:aws:x"), operation("TagResource"), request_id="r")
    assert fault == Fault(
        code="TooManyTagsException", status=400, message="51 tags", members={"resourceName": "arn:aws:x"}
    )


def test_our_own_mistakes_are_logged_with_traceback_and_tell_nothing(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise KeyError("secret path")
    except KeyError as error:
        fault = fault_of(error, operation("GetCustomModel"), request_id="r-17")
    assert (fault.code, fault.status) == ("InternalServerException", 500)
    assert "r-17" in fault.message
    assert "secret" not in fault.message
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert "r-17" in record.getMessage()


@pytest.mark.parametrize("name", ["ConverseStream", "InvokeModelWithResponseStream"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_domain_error_has_a_member_in_every_stream(name: str, kind: type[TanrenError]) -> None:
    stream = operation(name).output_stream
    assert stream is not None
    fault = fault_of(made(kind), operation(name), request_id="r")
    assert stream_member_of(fault, stream).name.endswith("Exception")
    if kind is ModelFailed:
        assert stream_member_of(fault, stream).name == "modelStreamErrorException"


@pytest.mark.parametrize(
    ("service", "headers", "protocol", "code"),
    [
        ("s3", {}, "s3", "InvalidAccessKeyId"),
        ("sts", {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, "query", "InvalidClientTokenId"),
        ("dynamodb", {"x-amz-target": "DynamoDB_20120810.ListTables"}, "json", "UnrecognizedClientException"),
        ("bedrock", {}, "rest-json", "UnrecognizedClientException"),
        ("bedrock", {"x-amz-target": "Bedrock.Nothing"}, "rest-json", "UnrecognizedClientException"),
        ("ec2", {"content-type": "application/x-www-form-urlencoded"}, "ec2", "AuthFailure"),
    ],
)
def test_an_unknown_key_has_another_name_in_each_protocol(
    service: str, headers: dict[str, str], protocol: str, code: str
) -> None:
    found = protocol_of(service, headers)
    fault = Fault(code="UnrecognizedClientException", status=403, message="m")
    assert (found, in_protocol(fault, found).code) == (protocol, code)


def test_a_wire_error_keeps_its_code_and_pickles() -> None:
    error = pickle.loads(pickle.dumps(WireError("SerializationException", "m", status=400)))
    assert fault_of(error, None, request_id="r") == Fault(code="SerializationException", status=400, message="m")


@pytest.mark.parametrize("kind", [ModelFailed, errors.EngineFailed, errors.ServiceUnavailable])
def test_where_things_lie_on_this_machine_is_in_the_log_and_not_in_the_answer(
    kind: type[TanrenError], caplog: pytest.LogCaptureFixture
) -> None:
    fault = fault_of(kind("the adapter in /srv/artifacts/a cannot be read"), operation("InvokeModel"), request_id="r")
    assert fault.message == "the adapter in a cannot be read"
    assert "/srv/artifacts/a" in caplog.text
