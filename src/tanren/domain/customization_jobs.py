"""A model customization job: what it is, which states it has, which moves between them are legal.

Source   GetModelCustomizationJob in the service model; statuses in the fact sheet §3.2.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypedDict

from tanren.domain.scope import Scope


class CustomizationType(StrEnum):
    FINE_TUNING = "FINE_TUNING"
    CONTINUED_PRE_TRAINING = "CONTINUED_PRE_TRAINING"


class JobStatus(StrEnum):
    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"


TERMINAL = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED})
"""Final in the store itself: a trigger refuses any later change of status."""

LEGAL_MOVES: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.IN_PROGRESS: frozenset({JobStatus.STOPPING, JobStatus.COMPLETED, JobStatus.FAILED}),
    JobStatus.STOPPING: frozenset({JobStatus.STOPPED, JobStatus.FAILED}),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.FAILED: frozenset(),
    JobStatus.STOPPED: frozenset(),
}


class Phase(StrEnum):
    """The sub-tasks of a job, in order, named as the members of `statusDetails`."""

    VALIDATION = "validationDetails"
    DATA_PROCESSING = "dataProcessingDetails"
    TRAINING = "trainingDetails"


class PhaseStatus(StrEnum):
    NOT_STARTED = "NotStarted"
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    FAILED = "Failed"


class PhaseState(TypedDict):
    """How far a phase is, as the member of `statusDetails` that it is called by."""

    status: str
    creationTime: datetime
    lastModifiedTime: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomizationJob:
    scope: Scope
    job_id: str
    job_arn: str
    job_name: str
    output_model_name: str
    role_arn: str
    client_request_token: str | None
    customization_type: CustomizationType
    base_model_arn: str
    """The ARN of the foundation model, or of the custom model that this job starts from."""
    foundation_model_id: str
    """The catalogue entry at the root of the lineage; names the weights and the hyperparameter bounds."""
    hyperparameters: dict[str, str]
    """As the caller sent them: echoed by Get."""
    training_s3_uri: str
    validation_s3_uris: tuple[str, ...]
    output_s3_uri: str
    request: dict[str, Any] = field(default_factory=dict[str, Any])
    """Members of the request that are only echoed: vpcConfig, customizationConfig, KMS key, tags for the model."""
    status: JobStatus
    phases: dict[str, PhaseState]
    """By `Phase`."""
    failure_message: str | None
    output_model_arn: str | None
    """Set when the model exists, never earlier."""
    training_loss: float | None
    """Mean training loss of the last epoch, nats per trained token."""
    validation_losses: tuple[float, ...] = ()
    """One per validator, of the model that was published."""
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    attempt: int
    """Which assignment of the job to a worker is current; a writer of an older one changes nothing."""


class CustomizationJobSummary(NamedTuple):
    """What a list shows of a job. A tuple, because a page makes a hundred of them."""

    job_arn: str
    job_name: str
    base_model_arn: str
    customization_type: str
    output_model_name: str
    output_model_arn: str | None
    status: str
    phases: dict[str, PhaseState]
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
