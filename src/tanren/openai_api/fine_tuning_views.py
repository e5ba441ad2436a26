"""A customization job as OpenAI's clients read it: states, hyperparameters, events and checkpoints.

    InProgress, no worker yet            queued            Completed   succeeded
    InProgress, its data being looked at validating_files  Failed      failed
    InProgress, Stopping                 running           Stopped     cancelled

Every figure is one that the run measured. The one checkpoint is the model that was published: those that a run keeps
for itself cannot be invoked. Events have messages alone; a step's time is not recorded, so its figures are in Bedrock's
metric files and in `tanren job watch`, not among the events.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from tanren.catalog.foundation_models import root_model
from tanren.domain import arns
from tanren.domain.customization_jobs import TERMINAL, CustomizationJob, JobStatus, Phase, PhaseStatus
from tanren.domain.tags import RESERVED_PREFIX
from tanren.openai_api.calls import Json, epoch
from tanren.openai_api.errors import InvalidParameter
from tanren.openai_api.fine_tuning_requests import AUTO, MULTIPLIER, NAMES, SUPERVISED
from tanren.openai_api.training_files import file_of
from tanren.storage.tags import tags_of
from tanren.storage.training_records import JobEvent, TrainingRecords

_EVENT: Final = "ftevent-"
_ENDED: Final = {
    JobStatus.COMPLETED: "succeeded",
    JobStatus.FAILED: "failed",
    JobStatus.STOPPED: "cancelled",
}


class FineTuningViews:
    def __init__(self, records: TrainingRecords) -> None:
        self._records = records

    def job(self, job: CustomizationJob) -> Json:
        return self.jobs([job])[0]

    def jobs(self, jobs: Sequence[CustomizationJob]) -> list[Json]:
        # Of an unfinished job there is no total to show.
        completed = [job.job_arn for job in jobs if job.status is JobStatus.COMPLETED]
        trained_tokens = dict.fromkeys(completed, 0)
        if completed:
            trained_tokens |= self._records.trained_tokens(completed)
        with self._records.database.reading() as connection:
            tags = {job.job_arn: tags_of(connection, job.job_arn) for job in jobs}
        return [_described(job, tags[job.job_arn], trained_tokens.get(job.job_arn)) for job in jobs]

    def event(self, event: JobEvent) -> Json:
        return {
            "object": "fine_tuning.job.event",
            "id": f"{_EVENT}{event.event_id}",
            "created_at": epoch(event.at),
            "level": "info",
            "message": event.message,
            "type": "message",
            "data": None,
        }

    def checkpoints(self, job: CustomizationJob) -> list[Json]:
        """What can be invoked of the job."""
        if job.output_model_arn is None:
            return []
        steps = self._records.newest_steps(job.job_arn, 1)
        metrics: Json = {}
        if steps:
            metrics |= {"step": steps[0]["step"] + 1, "train_loss": steps[0]["training_loss"]}
        if job.validation_losses:
            metrics |= {"full_valid_loss": job.validation_losses[0]}
        return [
            {
                "object": "fine_tuning.job.checkpoint",
                "id": f"ftckpt-{job.job_id}",
                "created_at": epoch(job.ended_at or job.updated_at),
                "fine_tuned_model_checkpoint": job.output_model_arn,
                "fine_tuning_job_id": f"ftjob-{job.job_id}",
                "step_number": metrics.get("step", 0),
                "metrics": metrics,
            }
        ]


def _described(job: CustomizationJob, tags: Mapping[str, str], trained_tokens: int | None) -> Json:
    hyperparameters = _hyperparameters(job)
    validation = [file_of(job.scope, uri) for uri in job.validation_s3_uris]
    return {
        "object": "fine_tuning.job",
        "id": f"ftjob-{job.job_id}",
        "model": _base(job),
        "created_at": epoch(job.created_at),
        "finished_at": None if job.ended_at is None else epoch(job.ended_at),
        "estimated_finish": None,
        "fine_tuned_model": job.output_model_arn,
        "organization_id": job.scope.account_id,
        "status": status_of(job),
        "training_file": file_of(job.scope, job.training_s3_uri),
        "validation_file": validation[0] if validation else None,
        "result_files": [],
        "trained_tokens": trained_tokens,
        "error": _error(job),
        "hyperparameters": hyperparameters,
        "method": {"type": SUPERVISED, SUPERVISED: {"hyperparameters": hyperparameters}},
        "seed": int(job.hyperparameters.get("seed", 0)),
        "integrations": [],
        "metadata": {key: value for key, value in tags.items() if not key.startswith(RESERVED_PREFIX)},
    }


def status_of(job: CustomizationJob) -> str:
    if job.status in TERMINAL:
        return _ENDED[job.status]
    validation = job.phases[Phase.VALIDATION]["status"]
    if job.status is JobStatus.STOPPING or validation == PhaseStatus.COMPLETED:
        return "running"
    return "queued" if validation == PhaseStatus.NOT_STARTED else "validating_files"


def event_id_of(after: str) -> int:
    """Raises   InvalidParameter."""
    digits = after.removeprefix(_EVENT)
    if not (after.startswith(_EVENT) and digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise InvalidParameter(f"after is '{after}', which is no event of this list.", "after")
    return int(digits)


def _base(job: CustomizationJob) -> str:
    arn = arns.parse_arn(job.base_model_arn)
    return arn.path if arn is not None and arn.kind == arns.FOUNDATION_MODEL else job.base_model_arn


def _hyperparameters(job: CustomizationJob) -> Json:
    """What the job runs with: as given, else the family's default."""
    foundation = root_model(job.foundation_model_id)
    rules = {rule.name: rule for rule in foundation.hyperparameters}

    def number(name: str) -> int | float | str:
        rule, text = rules.get(name), job.hyperparameters.get(name)
        if rule is None:
            return AUTO
        value = rule.read(text) if text is not None else rule.default
        return AUTO if value is None else value

    found: Json = {name: number(own) for name, own in NAMES.items()}
    if "learningRateMultiplier" in rules:
        return {**found, MULTIPLIER: number("learningRateMultiplier")}
    rate = number("learningRate")
    return {**found, MULTIPLIER: AUTO if isinstance(rate, str) else round(rate / foundation.default_learning_rate, 9)}


def _error(job: CustomizationJob) -> Json | None:
    if job.status is not JobStatus.FAILED:
        return None
    is_of_data = job.phases[Phase.VALIDATION]["status"] == PhaseStatus.FAILED
    return {
        "code": "invalid_training_file" if is_of_data else "job_failed",
        "message": job.failure_message or "",
        "param": "training_file" if is_of_data else None,
    }
