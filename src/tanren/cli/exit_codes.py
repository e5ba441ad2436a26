"""The exit codes of every `tanren` command, in one place; docs/cli.md has the same table.

A command that ends by an error says it on standard error, and its code goes by the kind of the error.
"""

from enum import IntEnum
from typing import Final

from tanren.domain.errors import (
    AccessDenied,
    Conflict,
    ModelNotReady,
    QuotaExceeded,
    ResourceNotFound,
    TanrenError,
    Throttled,
    TooManyTags,
    ValidationFailed,
)


class ExitCode(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_VALID = 3
    NOT_FOUND = 4
    DENIED = 5
    CONFLICT = 6
    DETACHED = 130


MEANINGS: Final = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "it failed: a job that ended so, a comparison that found a difference, a server that is not there",
    ExitCode.USAGE: "wrong usage: an option, an argument or a setting that is not right; nothing was asked of anybody",
    ExitCode.NOT_VALID: "validation failed: data that are not right, or a request that the service refuses by a rule",
    ExitCode.NOT_FOUND: "there is no such resource, model or file",
    ExitCode.DENIED: "the service does not let this caller do it, or does not know the keys",
    ExitCode.CONFLICT: "a state or a limit forbids it: a name or a port is taken, a quota is reached, come back later",
    ExitCode.DETACHED: "Ctrl-C: the command has left, and what it watched goes on",
}


class RequestRefused(ValidationFailed):
    """The service has refused the request by a rule of its own."""


_CODES: Final[dict[type, ExitCode]] = {
    RequestRefused: ExitCode.NOT_VALID,
    ValidationFailed: ExitCode.USAGE,
    ResourceNotFound: ExitCode.NOT_FOUND,
    AccessDenied: ExitCode.DENIED,
    Conflict: ExitCode.CONFLICT,
    QuotaExceeded: ExitCode.CONFLICT,
    TooManyTags: ExitCode.CONFLICT,
    Throttled: ExitCode.CONFLICT,
    ModelNotReady: ExitCode.CONFLICT,
    TanrenError: ExitCode.FAILED,
}


def exit_code_of(error: TanrenError) -> ExitCode:
    """By the nearest of its classes."""
    return next(_CODES[kind] for kind in type(error).__mro__ if kind in _CODES)
