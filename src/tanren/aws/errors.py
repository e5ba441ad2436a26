"""Domain errors become AWS error codes here, and nowhere else.

How: each domain error has a list of codes, best first. The first that the operation's model lists is taken, so that
every SDK raises its modelled exception class; the last stands when none is listed, the first where no operation is
known. `Conflict` on an operation without `ConflictException` therefore reaches the caller as `ValidationException`,
which is what AWS answers there too. The HTTP status is the model's. Anything that is no domain error is our own fault:
it is logged with its traceback, and the caller reads `InternalServerException` and a request id, no internals.

`Fault` is what travels to the serializer. `WireError` is raised by this package itself (signature, route, syntax),
where the code is AWS's and has no domain meaning.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from tanren.aws.service_models import Member, Operation
from tanren.domain.errors import (
    AccessDenied,
    Conflict,
    JobFailed,
    ModelFailed,
    ModelNotReady,
    ModelTimeout,
    NameTaken,
    NotImplementedHere,
    QuotaExceeded,
    ResourceNotFound,
    ServiceUnavailable,
    StillInUse,
    TanrenError,
    Throttled,
    TooManyTags,
    ValidationFailed,
)
from tanren.domain.host_paths import text_for_callers
from tanren.domain.policies.parsing import MalformedPolicy

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One error as a client sees it."""

    code: str
    status: int
    message: str
    members: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Modelled members beside the message, for example `resourceName`."""

    @property
    def is_sender(self) -> bool:
        return self.status < 500


class WireError(Exception):
    """A request that fails before any operation sees it: signature, route or syntax."""

    def __init__(self, code: str, message: str, *, status: int) -> None:
        super().__init__(code, message, status)
        self.code = code
        self.message = message
        self.status = status

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_wire_error, (self.code, self.message, self.status)


def serialization_failed(message: str) -> WireError:
    """The body is not what the operation's shapes say: wrong JSON type, broken JSON, two members in a union."""
    return WireError("SerializationException", message, status=400)


CODES: Final[tuple[tuple[type[TanrenError], tuple[str, ...]], ...]] = (
    # Subclasses before their bases; each list best first.
    (NotImplementedHere, ("ValidationException", "AccessDeniedException")),
    (ValidationFailed, ("ValidationException",)),
    (ResourceNotFound, ("ResourceNotFoundException", "ValidationException")),
    # AWS answers a taken name of a provisioned throughput or a deployment with ValidationException: no Conflict there.
    (Conflict, ("ConflictException", "ValidationException")),
    (AccessDenied, ("AccessDeniedException",)),
    (QuotaExceeded, ("ServiceQuotaExceededException", "ValidationException")),
    (TooManyTags, ("TooManyTagsException", "ValidationException")),
    (Throttled, ("ThrottlingException",)),
    (ModelNotReady, ("ModelNotReadyException", "ThrottlingException")),
    (ModelTimeout, ("ModelTimeoutException", "InternalServerException")),
    (ModelFailed, ("ModelErrorException", "InternalServerException")),
    (ServiceUnavailable, ("ServiceUnavailableException", "InternalServerException")),
    (JobFailed, ("ValidationException",)),
)

QUERY_CODES: Final[tuple[tuple[type[TanrenError], tuple[str, ...]], ...]] = (
    # The same for IAM and STS, whose operations list none of the codes that all of them may answer with.
    (NotImplementedHere, ("NotSupportedService", "ValidationError")),
    (MalformedPolicy, ("MalformedPolicyDocument", "ValidationError")),
    (ValidationFailed, ("ValidationError",)),
    (ResourceNotFound, ("NoSuchEntity", "ValidationError")),
    (NameTaken, ("EntityAlreadyExists", "ValidationError")),
    (StillInUse, ("DeleteConflict", "ValidationError")),
    (Conflict, ("ConcurrentModification", "ValidationError")),
    (AccessDenied, ("AccessDenied",)),
    (QuotaExceeded, ("LimitExceeded", "PackedPolicyTooLarge", "ValidationError")),
    (TooManyTags, ("LimitExceeded", "ValidationError")),
    (Throttled, ("Throttling",)),
    (ServiceUnavailable, ("ServiceUnavailable",)),
)

STREAM_CODES: Final[dict[str, tuple[str, ...]]] = {
    # Inside an event stream only the stream's own members can be sent; these stand in for the ones it lacks.
    "ModelErrorException": ("ModelStreamErrorException", "InternalServerException"),
    "ModelTimeoutException": (
        "ModelTimeoutException",
        "ModelStreamErrorException",
        "InternalServerException",
    ),
    "ModelNotReadyException": ("ThrottlingException",),
    "ServiceQuotaExceededException": ("ThrottlingException", "ValidationException"),
}

COMMON_STATUSES: Final[dict[str, int]] = {
    # Codes that any operation of any service may answer with, listed or not.
    # https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
    "ValidationException": 400,
    "AccessDeniedException": 403,
    "ThrottlingException": 429,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
    # The same in the query protocol: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
    "ValidationError": 400,
    "AccessDenied": 403,
    "Throttling": 400,
    "ServiceUnavailable": 503,
}

WireProtocol = Literal["rest-json", "json", "query", "ec2", "s3"]

WIRE_CODES: Final[dict[str, dict[WireProtocol, str]]] = {
    # The same failure has another name in older protocols; the key is the name in rest-json and JSON 1.x.
    "MissingAuthenticationTokenException": {
        "query": "MissingAuthenticationToken",
        "ec2": "AuthFailure",
        "s3": "AccessDenied",
    },
    "UnrecognizedClientException": {"query": "InvalidClientTokenId", "ec2": "AuthFailure", "s3": "InvalidAccessKeyId"},
    "InvalidSignatureException": {
        "query": "SignatureDoesNotMatch",
        "ec2": "AuthFailure",
        "s3": "SignatureDoesNotMatch",
    },
    "RequestTimeTooSkewed": {
        "rest-json": "InvalidSignatureException",
        "json": "InvalidSignatureException",
        "query": "SignatureDoesNotMatch",
        "ec2": "RequestExpired",
    },
    "RequestExpired": {
        "rest-json": "InvalidSignatureException",
        "json": "InvalidSignatureException",
        "s3": "AccessDenied",
    },
    "ExpiredTokenException": {"query": "ExpiredToken", "ec2": "RequestExpired", "s3": "ExpiredToken"},
    "IncompleteSignatureException": {
        "query": "IncompleteSignature",
        "ec2": "AuthFailure",
        "s3": "AuthorizationHeaderMalformed",
    },
    "AccessDeniedException": {"query": "AccessDenied", "ec2": "UnauthorizedOperation", "s3": "AccessDenied"},
    "ValidationException": {"query": "ValidationError", "ec2": "InvalidParameterValue", "s3": "InvalidRequest"},
    "ServiceUnavailableException": {"query": "ServiceUnavailable", "ec2": "Unavailable", "s3": "ServiceUnavailable"},
    "SerializationException": {"query": "InvalidParameterValue", "ec2": "InvalidParameterValue"},
    "InternalServerException": {"query": "InternalFailure", "ec2": "InternalError", "s3": "InternalError"},
}


def fault_of(error: BaseException, operation: Operation | None, *, request_id: str) -> Fault:
    """The fault that `error` becomes for this operation; logs what is nobody's fault but ours."""
    if isinstance(error, WireError):
        return Fault(code=error.code, status=error.status, message=error.message)
    if isinstance(error, TanrenError):
        codes = codes_of(error, operation)
        if codes:
            listed = (code for code in codes if operation is not None and code in operation.errors)
            code = next(listed, codes[0] if operation is None else codes[-1])
            return _fault(code, _shown(error, request_id), operation, _members_of(error))
    logger.error("an operation failed on our side, request %s", request_id, exc_info=error)
    return _fault(
        "InternalServerException",
        f"An internal error occurred. Request id: {request_id}",
        operation,
        {},
    )


def _shown(error: TanrenError, request_id: str) -> str:
    shown = text_for_callers(error)
    if shown != str(error):
        logger.warning("request %s: %s", request_id, error)
    return shown


def codes_of(error: TanrenError, operation: Operation | None) -> tuple[str, ...]:
    """Codes for this error, best first; empty where no rule knows it."""
    known = QUERY_CODES if operation is not None and operation.protocol == "query" else CODES
    return next((codes for kind, codes in known if isinstance(error, kind)), ())


def stream_member_of(fault: Fault, stream: Member) -> Member:
    """The event-stream member that carries `fault`, for example `modelStreamErrorException`."""
    by_code = {member.shape.name: member for member in stream.shape.members.values()}
    wanted = (fault.code, *STREAM_CODES.get(fault.code, ()))
    wanted += ("ValidationException",) if fault.is_sender else ("InternalServerException",)
    return next(by_code[code] for code in wanted if code in by_code)


def protocol_of(service: str, headers: Mapping[str, str]) -> WireProtocol:
    """The protocol that the caller's SDK speaks, read off its request: neighbours' models are not loaded for it."""
    if service in ("s3", "s3express"):
        return "s3"
    if service in ("iam", "sts"):
        return "query"
    if service in ("bedrock", "bedrock-runtime", "tanren"):
        # Ours speak nothing else, whatever a header of the request is taken for.
        return "rest-json"
    if service == "ec2":
        return "ec2"
    if "x-amz-target" in headers:
        return "json"
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return "query"
    return "rest-json"


def in_protocol(fault: Fault, protocol: WireProtocol) -> Fault:
    """`fault` under the name that this protocol has for it."""
    code = WIRE_CODES.get(fault.code, {}).get(protocol, fault.code)
    return replace(fault, code=code)


def _fault(code: str, message: str, operation: Operation | None, members: Mapping[str, Any]) -> Fault:
    modelled = operation.errors.get(code) if operation else None
    if modelled is None:
        return Fault(code=code, status=COMMON_STATUSES.get(code, 400), message=message)
    known = {name: value for name, value in members.items() if name in modelled.shape.members}
    return Fault(code=code, status=modelled.status, message=message, members=known)


def _members_of(error: TanrenError) -> dict[str, Any]:
    return {"resourceName": error.resource_arn} if isinstance(error, TooManyTags) else {}


def _rebuild_wire_error(code: str, message: str, status: int) -> WireError:
    return WireError(code, message, status=status)
