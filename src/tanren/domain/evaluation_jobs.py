"""An evaluation job: what it is, which states it has, which moves between them are legal.

    InProgress → Completed
        it may end in Failed or, through Stopping, in Stopped; a job that has ended can be deleted

Source   GetEvaluationJob in the service model; the fact sheet §6.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tanren.domain.customization_evaluations import OfCustomization
from tanren.domain.evaluation_plans import EvaluationPlan
from tanren.domain.scope import Scope


class ApplicationType(StrEnum):
    MODEL_EVALUATION = "ModelEvaluation"
    RAG_EVALUATION = "RagEvaluation"


class EvaluationJobStatus(StrEnum):
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    DELETING = "Deleting"
    """Only in the answer to a deletion: the job is gone by then."""


_S = EvaluationJobStatus

CLAIMABLE = (_S.IN_PROGRESS, _S.STOPPING)
"""There is work to do; the others are final in the store itself."""

LEGAL_MOVES: dict[EvaluationJobStatus, frozenset[EvaluationJobStatus]] = {
    _S.IN_PROGRESS: frozenset({_S.COMPLETED, _S.STOPPING, _S.FAILED}),
    _S.STOPPING: frozenset({_S.STOPPED, _S.FAILED}),
    _S.COMPLETED: frozenset(),
    _S.FAILED: frozenset(),
    _S.STOPPED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationJob:
    scope: Scope
    job_id: str
    job_arn: str
    job_name: str
    client_request_token: str | None
    role_arn: str
    application_type: ApplicationType
    request: Mapping[str, Any]
    """Members as they came: `evaluationConfig`, `inferenceConfig`, `outputDataConfig`, `jobDescription`."""
    plan: EvaluationPlan
    """The same, read."""
    model_arns: Mapping[str, str]
    """By identifier in the request: what is asked, a model or a judge. A throughput or a deployment may be led to
    another model while the job runs."""
    status: EvaluationJobStatus
    failure_messages: tuple[str, ...]
    customization: OfCustomization | None
    """None of a job that was asked for by itself."""
    findings: Mapping[str, Any] | None
    """Of a completed job that compares a customization job's base and model: members of GetJobEvaluation."""
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    attempt: int
    """Which assignment of the job to a worker is current; a writer of an older one changes nothing."""
