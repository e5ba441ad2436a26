"""The kinds of work that a worker claims: where each waits, and how it fails when its process dies again and again.

A new kind is a line of `kinds_of_slots`; its queue and what its child does are in `assignment.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from tanren.assignment import (
    copy_queue,
    custom_model_queue,
    customization_queue,
    evaluation_queue,
    import_queue,
    invocation_queue,
)
from tanren.domain.custom_models import CustomModelStatus
from tanren.domain.customization_jobs import JobStatus, PhaseStatus
from tanren.domain.evaluation_jobs import EvaluationJobStatus
from tanren.domain.model_copy_jobs import CopyJobStatus
from tanren.domain.model_import_jobs import ImportJobStatus
from tanren.domain.model_invocation_jobs import InvocationJobStatus
from tanren.jobs.queue import Assignment, JobQueue
from tanren.settings import Settings
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs, with_current_phase
from tanren.storage.database import Database
from tanren.storage.evaluation_jobs import EvaluationJobs
from tanren.storage.jobs import JobRows
from tanren.storage.model_copy_jobs import ModelCopyJobs
from tanren.storage.model_import_jobs import ModelImportJobs
from tanren.storage.model_invocation_jobs import ModelInvocationJobs

Fail = Callable[[Assignment, str, datetime], bool]
"""Ends the job with this message at this time; whether the assignment was still current, so that it did."""
Status = TypeVar("Status", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """What a slot needs to know of the jobs that it runs."""

    queue: JobQueue
    fail: Fail
    trains: bool = False
    """Its child loads torch first, which takes longer than all before it: one may stand ready."""


def kinds_of_slots(settings: Settings, database: Database) -> list[JobKind]:
    """For each slot of a worker, the kind of the jobs that it runs, one at a time."""
    return [
        *[customization_kind(settings, database)] * settings.job_slots,
        *[invocation_kind(settings, database)] * settings.batch_slots,
        evaluation_kind(settings, database),
        # One of each at a time: it fetches at the network's speed, and takes no memory to speak of.
        import_kind(settings, database),
        custom_model_kind(settings, database),
        copy_kind(settings, database),
    ]


def customization_kind(settings: Settings, database: Database) -> JobKind:
    jobs = CustomizationJobs(database)

    def fail(assignment: Assignment, message: str, at: datetime) -> bool:
        arn, attempt = assignment.job_arn, assignment.attempt
        phases = with_current_phase(jobs.by_arn(arn).phases, PhaseStatus.FAILED, at=at)
        with database.writing() as connection:
            return jobs.move(
                connection, arn, JobStatus.FAILED, at=at, attempt=attempt, failure_message=message, phases=phases
            )

    return JobKind(queue=customization_queue(database, settings), fail=fail, trains=True)


def invocation_kind(settings: Settings, database: Database) -> JobKind:
    fail = _by_move(ModelInvocationJobs(database), InvocationJobStatus.FAILED, message_column="message")
    return JobKind(queue=invocation_queue(database, settings), fail=fail)


def evaluation_kind(settings: Settings, database: Database) -> JobKind:
    jobs = EvaluationJobs(database)

    def fail(assignment: Assignment, message: str, at: datetime) -> bool:
        arn, attempt = assignment.job_arn, assignment.attempt
        with database.writing() as connection:
            return jobs.move(
                connection, arn, EvaluationJobStatus.FAILED, at=at, attempt=attempt, failure_messages=[message]
            )

    return JobKind(queue=evaluation_queue(database, settings), fail=fail)


def import_kind(settings: Settings, database: Database) -> JobKind:
    fail = _by_move(ModelImportJobs(database), ImportJobStatus.FAILED)
    return JobKind(queue=import_queue(database, settings), fail=fail)


def copy_kind(settings: Settings, database: Database) -> JobKind:
    fail = _by_move(ModelCopyJobs(database), CopyJobStatus.FAILED)
    return JobKind(queue=copy_queue(database, settings), fail=fail)


def custom_model_kind(settings: Settings, database: Database) -> JobKind:
    """Custom models from elsewhere; the model is its own job."""
    models = CustomModels(database)
    columns = models.table.c

    def fail(assignment: Assignment, message: str, at: datetime) -> bool:
        with database.writing() as connection:
            return models.change(
                connection,
                assignment.job_arn,
                columns.status == CustomModelStatus.CREATING,
                columns.attempt == assignment.attempt,
                status=CustomModelStatus.FAILED,
                failure_message=message,
                lease_owner=None,
                lease_expires_at=None,
            )

    return JobKind(queue=custom_model_queue(database, settings), fail=fail)


def _by_move(jobs: JobRows[Any, Status], failed: Status, *, message_column: str = "failure_message") -> Fail:
    """One guarded move to `failed`."""

    def fail(assignment: Assignment, message: str, at: datetime) -> bool:
        arn, attempt = assignment.job_arn, assignment.attempt
        with jobs.database.writing() as connection:
            return jobs.move(connection, arn, failed, at=at, attempt=attempt, **{message_column: message})

    return fail
