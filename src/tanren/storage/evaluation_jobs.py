"""Rows of evaluation jobs."""

from typing import Any

from sqlalchemy import Connection, Row, delete, select

from tanren.domain.customization_evaluations import CUSTOMIZATION_MEMBER, OfCustomization
from tanren.domain.errors import Conflict
from tanren.domain.evaluation_jobs import (
    CLAIMABLE,
    LEGAL_MOVES,
    ApplicationType,
    EvaluationJob,
    EvaluationJobStatus,
)
from tanren.domain.evaluation_plans import plan_of
from tanren.domain.scope import Scope
from tanren.storage.database import Database
from tanren.storage.jobs import JobRows
from tanren.storage.resources import scope_of
from tanren.storage.tables import evaluation_jobs, job_events


class EvaluationJobs(JobRows[EvaluationJob, EvaluationJobStatus]):
    def __init__(self, database: Database) -> None:
        super().__init__(database, evaluation_jobs, noun="evaluation job", read=_read, legal_moves=LEGAL_MOVES)

    def find(self, connection: Connection, scope: Scope, arn_or_name: str) -> EvaluationJob | None:
        """By ARN alone. Source   EvaluationJobIdentifier, whose pattern has neither names nor ids."""
        asked = select(self.table).where(self._in(scope), self.table.c.arn == arn_or_name)
        row = connection.execute(asked).one_or_none()
        return None if row is None else _read(row)

    def check_name(self, connection: Connection, scope: Scope, name: str) -> None:
        taken = select(self.table.c.arn).where(self._in(scope), self.table.c.name == name)
        if connection.execute(taken).first() is not None:
            raise Conflict(f"An {self.noun} named '{name}' already exists; choose another jobName.")

    def asking(self, connection: Connection, model_arn: str) -> list[EvaluationJob]:
        """Jobs under way that ask this model, as what they evaluate or as their judge."""
        under_way = self.having(connection, self.table.c.status.in_(CLAIMABLE))
        return [job for job in under_way if model_arn in job.model_arns.values()]

    def delete_ended(self, connection: Connection, job: EvaluationJob) -> bool:
        """Whether the job had ended, and is therefore gone, with its events."""
        ended = self.table.c.status.not_in(CLAIMABLE)
        if not self.remove(connection, job.job_arn, ended):
            return False
        connection.execute(delete(job_events).where(job_events.c.job_arn == job.job_arn))
        return True


def _read(row: Row[Any]) -> EvaluationJob:
    request = dict(row.request)
    customization = request.pop(CUSTOMIZATION_MEMBER, None)
    return EvaluationJob(
        scope=scope_of(row),
        job_id=row.job_id,
        job_arn=row.arn,
        job_name=row.name,
        client_request_token=row.client_request_token,
        role_arn=row.role_arn,
        application_type=ApplicationType(row.application_type),
        request=request,
        plan=plan_of(request),
        model_arns=row.model_arns,
        status=EvaluationJobStatus(row.status),
        failure_messages=tuple(row.failure_messages),
        customization=None if customization is None else OfCustomization.from_json(customization),
        findings=row.findings,
        created_at=row.created_at,
        updated_at=row.updated_at,
        ended_at=row.ended_at,
        attempt=row.attempt,
    )
