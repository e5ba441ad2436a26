"""The two evaluation jobs of a customization job that has a test set: of its base, and of its model beside the base.

They are evaluation jobs like any other: listed, stopped and deleted by their own operations, with results below the
customization job's output. The first is ended before the training begins, so that what the base could do is known
before; the second begins in the transaction that makes the model, and does not put to the base again what it has
replied to before. Each has an id that follows from the customization job, so an attempt that is repeated makes no
further one.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from tanren.domain import arns
from tanren.domain.clock import Clock
from tanren.domain.customization_evaluations import CUSTOMIZATION_MEMBER, OfCustomization, TrainedFile
from tanren.domain.customization_jobs import CustomizationJob
from tanren.domain.evaluation_jobs import ApplicationType, EvaluationJob, EvaluationJobStatus
from tanren.domain.evaluation_metrics import TANREN, TaskType, own_metric_of
from tanren.domain.success_criteria import parse_criteria
from tanren.domain.test_sets import SUCCESS_CRITERIA_MEMBER, TEST_DATA_MEMBER
from tanren.storage.evaluation_jobs import EvaluationJobs

METRICS: Final = (f"{TANREN}Contains", f"{TANREN}F1", f"{TANREN}RougeL", f"{TANREN}ChrF")
DATASET: Final = "test-data"
BASELINE: Final = "base"
COMPARISON: Final = "tuned"


class CustomizationEvaluations:
    def __init__(self, jobs: EvaluationJobs, *, clock: Clock) -> None:
        self._jobs = jobs
        self._clock = clock

    def baseline(self, job: CustomizationJob) -> EvaluationJob | None:
        """The evaluation of the base; None where it has not begun, or has been deleted."""
        return self._jobs.get(job.scope, _arn(job, BASELINE))

    def comparison(self, job: CustomizationJob) -> EvaluationJob | None:
        """The evaluation of base and model; None as `baseline`."""
        return self._jobs.get(job.scope, _arn(job, COMPARISON))

    def begin_baseline(self, job: CustomizationJob) -> str | None:
        """ARN of the evaluation of the base; None where the job has no test set."""
        if TEST_DATA_MEMBER not in job.request:
            return None
        with self._jobs.database.writing() as connection:
            return self._insert(connection, job, BASELINE, [job.base_model_arn], _of(job))

    def begin_comparison(
        self, connection: Connection, job: CustomizationJob, model_arn: str, files: Sequence[TrainedFile]
    ) -> str | None:
        """ARN of the evaluation of base and model; None where the job has no test set."""
        if TEST_DATA_MEMBER not in job.request:
            return None
        of = replace(_of(job), baseline_job_id=baseline_job_id(job), files=tuple(files))
        return self._insert(connection, job, COMPARISON, [job.base_model_arn, model_arn], of)

    def stop_baseline(self, connection: Connection, job: CustomizationJob, *, at: datetime) -> None:
        """What nobody will need any more is not asked: the evaluation of the base ends with the training."""
        arn = _arn(job, BASELINE)
        if self._jobs.move(connection, arn, EvaluationJobStatus.STOPPING, at=at):
            # One that no worker has ever had has nobody else to end it.
            self._jobs.move(connection, arn, EvaluationJobStatus.STOPPED, at=at, attempt=0)

    def _insert(
        self,
        connection: Connection,
        job: CustomizationJob,
        kind: str,
        model_arns: list[str],
        of: OfCustomization,
    ) -> str:
        arn = _arn(job, kind)
        request = {**_request(job, kind, model_arns), CUSTOMIZATION_MEMBER: of.to_json()}
        now = self._clock()
        return self._jobs.insert(
            connection,
            job.scope,
            {
                "arn": arn,
                "job_id": arn.rpartition("/")[2],
                "name": f"{job.job_id}-{kind}",
                "client_request_token": f"{job.job_id}-{kind}",
                "request_digest": hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest(),
                "role_arn": job.role_arn,
                "application_type": ApplicationType.MODEL_EVALUATION,
                "request": request,
                "model_arns": {model_arn: model_arn for model_arn in model_arns},
                "status": EvaluationJobStatus.IN_PROGRESS,
                "failure_messages": [],
                "created_at": now,
                "updated_at": now,
                "attempt": 0,
                "crash_count": 0,
            },
        )


def baseline_job_id(job: CustomizationJob) -> str:
    return _id(job, BASELINE)


def _id(job: CustomizationJob, kind: str) -> str:
    return hashlib.sha256(f"{job.job_arn}/{kind}".encode()).hexdigest()[:12]


def _arn(job: CustomizationJob, kind: str) -> str:
    return arns.evaluation_job_arn(job.scope, _id(job, kind))


def _of(job: CustomizationJob) -> OfCustomization:
    return OfCustomization(
        job_arn=job.job_arn,
        attempt=job.attempt,
        foundation_model_id=job.foundation_model_id,
        customization_type=job.customization_type,
        success_criteria=job.request.get(SUCCESS_CRITERIA_MEMBER),
    )


def _metric_names(job: CustomizationJob) -> list[str]:
    """The usual ones, and those that the criteria are about."""
    stated = job.request.get(SUCCESS_CRITERIA_MEMBER)
    subjects = [criterion.subject for criterion in parse_criteria(stated).criteria] if stated else []
    asked = [name for subject in subjects if (name := own_metric_of(subject)) is not None]
    return list(dict.fromkeys((*METRICS, *asked)))


def _request(job: CustomizationJob, kind: str, model_arns: list[str]) -> dict[str, Any]:
    """As CreateEvaluationJob would have been given it."""
    what = "base" if kind == BASELINE else "base and model"
    dataset = {"name": DATASET, "datasetLocation": {"s3Uri": job.request[TEST_DATA_MEMBER]}}
    config = {"taskType": TaskType.CUSTOM.value, "dataset": dataset, "metricNames": _metric_names(job)}
    folder = f"{job.output_s3_uri.rstrip('/')}/model-customization-job-{job.job_id}/evaluation/"
    return {
        "jobDescription": f"Of the {what} of customization job {job.job_id}.",
        "evaluationConfig": {"automated": {"datasetMetricConfigs": [config]}},
        "inferenceConfig": {"models": [{"bedrockModel": {"modelIdentifier": each}} for each in model_arns]},
        "outputDataConfig": {"s3Uri": folder},
    }
