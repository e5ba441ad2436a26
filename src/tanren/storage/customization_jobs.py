"""Rows of customization jobs, and their phases."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from tanren.domain.customization_jobs import (
    LEGAL_MOVES,
    CustomizationJob,
    CustomizationJobSummary,
    CustomizationType,
    JobStatus,
    Phase,
    PhaseState,
    PhaseStatus,
)
from tanren.domain.errors import Conflict, ResourceNotFound
from tanren.domain.pages import Page, PageRequest
from tanren.domain.scope import Scope
from tanren.storage.database import Database
from tanren.storage.jobs import JobRows
from tanren.storage.resources import ListFilter, View, scope_of
from tanren.storage.tables import customization_jobs


class CustomizationJobs(JobRows[CustomizationJob, JobStatus]):
    def __init__(self, database: Database) -> None:
        noun = "model customization job"
        super().__init__(database, customization_jobs, noun=noun, read=_read, legal_moves=LEGAL_MOVES)

    def with_id(self, scope: Scope, job_id: str) -> CustomizationJob | None:
        """The job whose ARN ends so."""
        found = self.every_in(scope, self.table.c.job_id == job_id)
        return found[0] if found else None

    def summaries(self, scope: Scope, request: PageRequest, wanted: ListFilter) -> Page[CustomizationJobSummary]:
        return self.view_page(scope, request, wanted, _SUMMARY)

    def check_name(self, connection: Connection, scope: Scope, name: str) -> None:
        if self.find(connection, scope, name) is not None:
            # AWS's own sentence and nothing beside it: Airflow compares the whole of it, and then takes another name.
            raise Conflict("The provided job name is currently in use.")

    def set_phase(self, arn: str, attempt: int, phase: Phase, status: PhaseStatus, *, at: datetime) -> bool:
        """Whether this attempt is still current, and the phase therefore written."""
        with self.database.writing() as connection:
            row = connection.execute(
                select(self.table.c.phases).where(self.table.c.arn == arn, self.table.c.attempt == attempt)
            ).one_or_none()
            if row is None:
                return False
            return self.change(
                connection,
                arn,
                self.table.c.attempt == attempt,
                phases=with_phase(row.phases, phase, status, at=at),
                updated_at=at,
            )


def find_job(jobs: CustomizationJobs, identifier: str) -> CustomizationJob:
    """By ARN, id, or a name that only one account and region have.

    Raises   ResourceNotFound, with the names there are; Conflict where several have the name.
    """
    columns = jobs.table.c
    found = jobs.every((columns.arn == identifier) | (columns.name == identifier) | (columns.job_id == identifier))
    if len(found) == 1:
        return found[0]
    if found:
        raise Conflict(f"Several jobs are named '{identifier}'; give an ARN: {', '.join(j.job_arn for j in found)}")
    names = ", ".join(sorted(job.job_name for job in jobs.every())) or "none yet"
    raise ResourceNotFound(f"There is no customization job '{identifier}' here. Jobs: {names}.")


def with_phase(
    phases: Mapping[str, PhaseState], phase: Phase, status: PhaseStatus, *, at: datetime
) -> dict[str, PhaseState]:
    """The phases, one of them changed; its creation time is that of its first change."""
    earlier = phases.get(phase)
    changed = PhaseState(
        status=status.value, creationTime=earlier["creationTime"] if earlier else at, lastModifiedTime=at
    )
    return {**phases, phase.value: changed}


def with_current_phase(phases: dict[str, PhaseState], status: PhaseStatus, *, at: datetime) -> dict[str, PhaseState]:
    """The phases, with this status for the one that was in progress, if any."""
    for phase in Phase:
        if phase in phases and phases[phase]["status"] == PhaseStatus.IN_PROGRESS:
            phases = with_phase(phases, phase, status, at=at)
    return phases


def _read(row: Row[Any]) -> CustomizationJob:
    return CustomizationJob(
        scope=scope_of(row),
        job_id=row.job_id,
        job_arn=row.arn,
        job_name=row.name,
        output_model_name=row.output_model_name,
        role_arn=row.role_arn,
        client_request_token=row.client_request_token,
        customization_type=CustomizationType(row.customization_type),
        base_model_arn=row.base_model_arn,
        foundation_model_id=row.foundation_model_id,
        hyperparameters=row.hyperparameters,
        training_s3_uri=row.training_s3_uri,
        validation_s3_uris=tuple(row.validation_s3_uris),
        output_s3_uri=row.output_s3_uri,
        request=row.request,
        status=JobStatus(row.status),
        phases=row.phases,
        failure_message=row.failure_message,
        output_model_arn=row.output_model_arn,
        training_loss=row.training_loss,
        validation_losses=tuple(row.validation_losses),
        created_at=row.created_at,
        updated_at=row.updated_at,
        ended_at=row.ended_at,
        attempt=row.attempt,
    )


_COLUMNS: Final = {"job_arn": "arn", "job_name": "name"}
"""Of the fields of a summary that are not called as their columns."""
_SUMMARY: Final = View(
    columns=tuple(_COLUMNS.get(field, field) for field in CustomizationJobSummary._fields),
    read=CustomizationJobSummary._make,
)
