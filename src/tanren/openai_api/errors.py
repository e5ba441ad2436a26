"""What goes wrong, as OpenAI's clients read it: `{"error": {message, type, param, code}}` and an HTTP status.

    401 invalid_api_key           who asks could not be proved
    403 access_denied             a policy refuses
    404 model_not_found, …        no such model, file, job or path here
    429 rate_limit_exceeded       the queue is full
    503 model_not_ready           the engine is being loaded; clients come back by themselves

The domain's errors are translated by the table below, once. Refusals that know their parameter are classes of their
own.

Source   OpenAI's API reference, "Error codes"; the classes that its Python client raises by status. A conflict is 400,
         as on AWS: that client repeats whatever is answered 409.
"""

import json
from dataclasses import dataclass
from typing import Final

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
from tanren.domain.host_paths import text_for_callers

_INVALID_REQUEST: Final = "invalid_request_error"
_SERVER_ERROR: Final = "server_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One error as a client sees it."""

    status: int
    type: str
    code: str | None
    message: str
    param: str | None = None

    def body(self) -> bytes:
        members = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return json.dumps({"error": members}, ensure_ascii=False).encode()


class InvalidParameter(ValidationFailed):
    """A parameter of the request breaks a rule, or is one that tanren does not have."""

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message, param)
        self.param = param

    def __str__(self) -> str:
        return str(self.args[0])


class UnknownModel(ResourceNotFound):
    """The request's `model` names nothing that answers."""


class UnknownPath(ResourceNotFound):
    """The API has no such path, or the path no such method."""


_TRANSLATIONS: Final[tuple[tuple[type[TanrenError], int, str, str | None], ...]] = (
    # Subclasses before their bases.
    (UnknownModel, 404, _INVALID_REQUEST, "model_not_found"),
    (UnknownPath, 404, _INVALID_REQUEST, "unknown_url"),
    (ResourceNotFound, 404, _INVALID_REQUEST, "not_found"),
    (AccessDenied, 403, _INVALID_REQUEST, "access_denied"),
    (NotImplementedHere, 400, _INVALID_REQUEST, "unsupported"),
    (TooManyTags, 400, _INVALID_REQUEST, "too_many_tags"),
    (ValidationFailed, 400, _INVALID_REQUEST, None),
    (Conflict, 400, _INVALID_REQUEST, "conflict"),
    (QuotaExceeded, 400, _INVALID_REQUEST, "quota_exceeded"),
    (JobFailed, 400, _INVALID_REQUEST, None),
    (Throttled, 429, "requests", "rate_limit_exceeded"),
    (ModelNotReady, 503, _SERVER_ERROR, "model_not_ready"),
    (ModelTimeout, 504, _SERVER_ERROR, "model_timeout"),
    (ModelFailed, 500, _SERVER_ERROR, "model_error"),
    (ServiceUnavailable, 503, _SERVER_ERROR, "service_unavailable"),
)


def refusal_of(error: TanrenError) -> Refusal:
    for kind, status, type_name, code in _TRANSLATIONS:
        if isinstance(error, kind):
            if isinstance(error, UnknownModel):
                param = "model"
            else:
                param = error.param if isinstance(error, InvalidParameter) else None
            return Refusal(status=status, type=type_name, code=code, message=text_for_callers(error), param=param)
    return internal_refusal(text_for_callers(error))


def unproved_refusal(message: str) -> Refusal:
    """Who asks could not be proved."""
    return Refusal(status=401, type=_INVALID_REQUEST, code="invalid_api_key", message=message)


def protocol_refusal(status: int, message: str) -> Refusal:
    """Refused by the wire itself: a body that is too large, for example."""
    return Refusal(status=status, type=_INVALID_REQUEST, code=None, message=message)


def internal_refusal(message: str) -> Refusal:
    return Refusal(status=500, type=_SERVER_ERROR, code=None, message=message)
