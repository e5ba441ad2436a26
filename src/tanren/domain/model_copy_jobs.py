"""A model copy job: a custom model of another region or account becomes one of this. Its states, and the legal moves.

Source   GetModelCopyJob in the service model; the fact sheet §4.6. The job is asked for where the copy is to be.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tanren.domain.scope import Scope


class CopyJobStatus(StrEnum):
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"


LEGAL_MOVES: dict[CopyJobStatus, frozenset[CopyJobStatus]] = {
    CopyJobStatus.IN_PROGRESS: frozenset({CopyJobStatus.COMPLETED, CopyJobStatus.FAILED}),
    CopyJobStatus.COMPLETED: frozenset(),
    CopyJobStatus.FAILED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCopyJob:
    scope: Scope
    """Of the copy."""
    job_id: str
    job_arn: str
    client_request_token: str | None
    source_account_id: str
    source_model_arn: str
    source_model_name: str
    target_model_arn: str
    """Known from the start; the model is there when the job is Completed."""
    target_model_name: str
    request: dict[str, Any]
    """What the job carries to its model: `targetModelTags`."""
    status: CopyJobStatus
    failure_message: str | None
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    attempt: int
    """Which assignment of the job to a worker is current; a writer of an older one changes nothing."""
