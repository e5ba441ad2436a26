"""A model invocation job (batch inference): what it is, which states it has, which moves between them are legal.

    Submitted → Validating → Scheduled → InProgress → Completed
        every one of them may end in Failed or, through Stopping, in Stopped
        past its time a job that has begun is PartiallyCompleted, one that has not is Expired

Source   GetModelInvocationJob in the service model; the fact sheet §5.6.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from tanren.domain.scope import Scope

DEFAULT_TIMEOUT_HOURS = 24
"""Of a job that names none: the smallest that AWS takes. Not documented there."""

AWS_MINIMUM_RECORDS = 100
"""AWS's default quota "Minimum number of records per batch inference job"."""


class InvocationType(StrEnum):
    """Which operation's request and response bodies the records hold."""

    INVOKE_MODEL = "InvokeModel"
    CONVERSE = "Converse"


class InvocationJobStatus(StrEnum):
    SUBMITTED = "Submitted"
    VALIDATING = "Validating"
    SCHEDULED = "Scheduled"
    """The input is right; the job waits for its model's engine."""
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    PARTIALLY_COMPLETED = "PartiallyCompleted"
    """Its time ran out before all records were answered; those that were are in the output."""
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    EXPIRED = "Expired"
    """Its time ran out before it began."""


_S = InvocationJobStatus

WAITING = (_S.SUBMITTED, _S.VALIDATING, _S.SCHEDULED)
"""Nothing has been asked of the model yet."""

CLAIMABLE = (*WAITING, _S.IN_PROGRESS, _S.STOPPING)
"""There is work to do; all others are final in the store itself."""

LEGAL_MOVES: dict[InvocationJobStatus, frozenset[InvocationJobStatus]] = {
    _S.SUBMITTED: frozenset({_S.VALIDATING, _S.STOPPING, _S.EXPIRED, _S.FAILED}),
    _S.VALIDATING: frozenset({_S.SCHEDULED, _S.STOPPING, _S.EXPIRED, _S.FAILED}),
    _S.SCHEDULED: frozenset({_S.IN_PROGRESS, _S.STOPPING, _S.EXPIRED, _S.FAILED}),
    _S.IN_PROGRESS: frozenset({_S.COMPLETED, _S.PARTIALLY_COMPLETED, _S.STOPPING, _S.FAILED}),
    _S.STOPPING: frozenset({_S.STOPPED, _S.FAILED}),
    _S.COMPLETED: frozenset(),
    _S.PARTIALLY_COMPLETED: frozenset(),
    _S.FAILED: frozenset(),
    _S.STOPPED: frozenset(),
    _S.EXPIRED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCounts:
    """How far a job is. `processed` is `succeeded` and `failed` together; all are 0 until the input is validated."""

    total: int = 0
    succeeded: int = 0
    failed: int = 0
    """Records whose output line holds an `error`."""
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def processed(self) -> int:
        return self.succeeded + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInvocationJob:
    scope: Scope
    job_id: str
    job_arn: str
    job_name: str
    client_request_token: str | None
    role_arn: str
    model_id: str
    """As the caller wrote it: echoed by Get."""
    model_arn: str
    """What answers: a foundation model, a custom model, or a deployment, which may be updated while the job runs."""
    invocation_type: InvocationType
    input_s3_uri: str
    """A file, or the folder whose `.jsonl` files are all read."""
    output_s3_uri: str
    request: dict[str, Any] = field(default_factory=dict[str, Any])
    """Members that are only echoed: `inputDataConfig`, `outputDataConfig`."""
    status: InvocationJobStatus
    message: str | None
    counts: RecordCounts
    timeout: timedelta
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    attempt: int
    """Which assignment of the job to a worker is current; a writer of an older one changes nothing."""
