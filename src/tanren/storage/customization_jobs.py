"""Rows of customization jobs, their phases, and the names that running ones have reserved."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from tanren.domain.customization_jobs import (
    LEGAL_MOVES,
    CustomizationJob,
    CustomizationJobSummary,
    CustomizationType,
    JobStatus,
    Phase,
    PhaseStatus,
)
from tanren.domain.errors import Conflict, ResourceNotFound
from tanren.domain.pages import Page, PageRequest
from tanren.domain.scope import Scope
from tanren.storage.database import Database
from tanren.storage.jobs import JobRows
from tanren.storage.resources import ListFilter, View, scope_of
from tanren.storage.tables import CUSTOMIZATION_UNDER_WAY, customization_jobs


class CustomizationJobs(JobRows[CustomizationJob, JobStatus]):
    def __init__(self, database: Database) -> None:
        noun = "model customization job"
        super().__init__(database, customization_jobs, noun=noun, read=_read, legal_moves=LEGAL_MOVES)
        self._with_reserved_name = select(self.table.c.arn).where(
            *self._conditions("account_id", "region", "output_model_name"), CUSTOMIZATION_UNDER_WAY
        )

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

    def is_output_name_reserved(self, connection: Connection, scope: Scope, model_name: str) -> bool:
        """Whether a job that is still running will publish a model of this name."""
        asked = {"account_id": scope.account_id, "region": scope.region, "output_model_name": model_name}
        return connection.execute(self._with_reserved_name, asked).first() is not None

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


def with_phase(phases: dict[str, Any], phase: Phase, status: PhaseStatus, *, at: datetime) -> dict[str, Any]:
    """The phases, one of them changed; its creation time is that of its first change."""
    earlier = phases.get(phase, {})
    moment = at.isoformat()
    return {
        **phases,
        phase.value: {
            "status": status.value,
            "creationTime": earlier.get("creationTime", moment),
            "lastModifiedTime": moment,
        },
    }


def with_current_phase(phases: dict[str, Any], status: PhaseStatus, *, at: datetime) -> dict[str, Any]:
    """The phases, with this status for the one that was in progress, if any."""
    for phase in Phase:
        if phases.get(phase, {}).get("status") == PhaseStatus.IN_PROGRESS:
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


def _read_summary(row: Row[Any]) -> CustomizationJobSummary:
    return CustomizationJobSummary(
        job_arn=row.arn,
        job_name=row.name,
        base_model_arn=row.base_model_arn,
        customization_type=row.customization_type,
        output_model_name=row.output_model_name,
        output_model_arn=row.output_model_arn,
        status=row.status,
        phases=row.phases,
        created_at=row.created_at,
        updated_at=row.updated_at,
        ended_at=row.ended_at,
    )


_SUMMARY = View(
    columns=(
        "arn",
        "name",
        "base_model_arn",
        "customization_type",
        "output_model_name",
        "output_model_arn",
        "status",
        "phases",
        "created_at",
        "updated_at",
        "ended_at",
    ),
    read=_read_summary,
)
