"""Events that a job sends when its state changes, in the shape of Bedrock's on EventBridge.

Why      the source is not `aws.bedrock`: neither AWS nor the embedded neighbour lets anybody but AWS itself publish
         sources that begin with `aws.`. A rule for both is {"source": ["aws.bedrock", "tanren.bedrock"], …}; the rest
         of the event is as on AWS.
Source   the fact sheet §7.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tanren.domain.customization_jobs import TERMINAL, CustomizationJob, JobStatus
from tanren.domain.model_invocation_jobs import ModelInvocationJob
from tanren.domain.scope import Scope

SOURCE: Final = "tanren.bedrock"
CUSTOMIZATION_JOB_CHANGED: Final = "Model Customization Job State Change"
BATCH_JOB_CHANGED: Final = "Batch Inference Job State Change"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """One change of one job, noted where it happened."""

    change_id: int
    """Grows with time."""
    job_table: str
    job_arn: str
    status: str
    message: str | None
    """Why it failed."""
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    scope: Scope
    detail_type: str
    job_arn: str
    at: datetime
    detail: dict[str, Any]


def customization_job_event(job: CustomizationJob, change: StateChange) -> JobEvent:
    """The job as it was when the change was made: only its state, and what comes of it, changes in its life."""
    status = JobStatus(change.status)
    validation = job.validation_s3_uris[0] if job.validation_s3_uris else None
    detail = {
        "version": "0.0",
        "jobName": job.job_name,
        "jobArn": job.job_arn,
        "outputModelName": job.output_model_name,
        "outputModelArn": job.output_model_arn if status is JobStatus.COMPLETED else None,
        "roleArn": job.role_arn,
        "jobStatus": status.value,
        "failureMessage": change.message,
        "creationTime": _text(job.created_at),
        "lastModifiedTime": _text(change.changed_at),
        "endTime": _text(change.changed_at) if status in TERMINAL else None,
        "baseModelArn": job.base_model_arn,
        "hyperParameters": job.hyperparameters,
        "trainingDataConfig": {"s3Uri": job.training_s3_uri},
        "validationDataConfig": None if validation is None else {"s3Uri": validation},
        "outputDataConfig": {"s3Uri": job.output_s3_uri},
    }
    return _event(job.scope, CUSTOMIZATION_JOB_CHANGED, change, detail)


def batch_job_event(job: ModelInvocationJob, change: StateChange) -> JobEvent:
    detail = {
        "version": "0.0",
        "accountId": job.scope.account_id,
        "batchJobName": job.job_name,
        "batchJobArn": job.job_arn,
        "batchModelId": job.model_id,
        "status": change.status,
        "failureMessage": change.message,
        "creationTime": _text(job.created_at),
    }
    return _event(job.scope, BATCH_JOB_CHANGED, change, detail)


def _event(scope: Scope, detail_type: str, change: StateChange, detail: dict[str, Any]) -> JobEvent:
    present = {name: value for name, value in detail.items() if value is not None}
    return JobEvent(scope=scope, detail_type=detail_type, job_arn=change.job_arn, at=change.changed_at, detail=present)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
