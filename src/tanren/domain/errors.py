"""Everything that can go wrong and that a caller can do something about, as one tree.

    TanrenError
    ├── ValidationFailed            the request or the data breaks a rule       400
    │   └── NotImplementedHere      an operation that tanren does not have      400
    ├── ResourceNotFound            no such resource for this caller            404
    ├── Conflict                    the state of the resource forbids it        400
    │   ├── NameTaken               a user, role or policy of this name exists  409
    │   └── StillInUse              something else must go first                409
    ├── AccessDenied                the caller may not                          403
    ├── QuotaExceeded               a limit of the service is reached           400
    ├── TooManyTags                 more than 50 tags on a resource             400
    ├── Throttled                   the queue is full, come back                429
    ├── ModelNotReady               the engine is loading, come back            429
    ├── ModelTimeout                the engine took too long                    408
    ├── ModelFailed                 the engine broke on this request            424
    │   └── EngineFailed            the model's engine cannot be started        424
    ├── ServiceUnavailable          a process that we need is not there         503
    └── JobFailed                   a job cannot go on; its text is the failureMessage
        └── UnsafeModel             a model or adapter folder that is not opened; its text says why

A message says what, where, which rule, and what would be right. The AWS code and the HTTP status belong to
`aws/errors.py`, the only file that knows them. Errors pickle, since they cross process boundaries.
"""


class TanrenError(Exception):
    """The root; `str(error)` is the message a user reads."""


class ValidationFailed(TanrenError):
    """The request, or a file that it names, breaks a rule."""


class NotImplementedHere(ValidationFailed):
    """Bedrock has the operation or the option, tanren does not; said plainly instead of pretended."""


class ResourceNotFound(TanrenError):
    """No such resource in this account and region."""


class Conflict(TanrenError):
    """The name is taken, or the state of the resource does not allow the move."""


class NameTaken(Conflict):
    """A user, a role or a policy of this name exists."""


class StillInUse(Conflict):
    """Something that belongs to it, or uses it, must be removed first."""


class AccessDenied(TanrenError):
    """The caller, or the role that it passes, may not do this."""


class QuotaExceeded(TanrenError):
    """A limit of the service is reached."""


class TooManyTags(TanrenError):
    """A resource would have more than 50 tags."""

    def __init__(self, message: str, resource_arn: str) -> None:
        super().__init__(message, resource_arn)
        self.resource_arn = resource_arn

    def __str__(self) -> str:
        return str(self.args[0])


class Throttled(TanrenError):
    """The queue is full; the same request may succeed later."""


class ModelNotReady(TanrenError):
    """The model is known and is being loaded."""


class ModelTimeout(TanrenError):
    """The model did not answer in time."""


class ModelFailed(TanrenError):
    """The engine failed while it answered this request."""


class EngineFailed(ModelFailed):
    """The engine that would hold this model could not be started; the text says why."""


class ServiceUnavailable(TanrenError):
    """A process that this request needs is not running."""


class JobFailed(TanrenError):
    """A job cannot go on. The text becomes the job's `failureMessage`: file, line, rule and fix."""


class UnsafeModel(JobFailed):
    """A folder from elsewhere is not opened: it could run code, harm this machine, or is no model that we can load."""
