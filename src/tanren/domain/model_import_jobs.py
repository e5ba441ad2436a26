"""A model import job: a folder of safetensors in S3 becomes a model that answers. Its states, and the legal moves.

Source   GetModelImportJob in the service model; the fact sheet §4.5. AWS has no operation to stop one.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tanren.domain.scope import Scope


class ImportJobStatus(StrEnum):
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"


LEGAL_MOVES: dict[ImportJobStatus, frozenset[ImportJobStatus]] = {
    ImportJobStatus.IN_PROGRESS: frozenset({ImportJobStatus.COMPLETED, ImportJobStatus.FAILED}),
    ImportJobStatus.COMPLETED: frozenset(),
    ImportJobStatus.FAILED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelImportJob:
    scope: Scope
    job_id: str
    job_arn: str
    job_name: str
    imported_model_name: str
    client_request_token: str | None
    role_arn: str
    source_s3_uri: str
    """The folder: every object directly below it that a model is made of."""
    request: dict[str, Any]
    """What the job carries to its model: `importedModelTags`."""
    status: ImportJobStatus
    failure_message: str | None
    imported_model_arn: str | None
    """None until the model is there."""
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    attempt: int
    """Which assignment of the job to a worker is current; a writer of an older one changes nothing."""
