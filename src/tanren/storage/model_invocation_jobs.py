"""Rows of model invocation jobs, what they have counted, and the end of those that began too late."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from tanren.domain.errors import Conflict
from tanren.domain.model_invocation_jobs import (
    CLAIMABLE,
    LEGAL_MOVES,
    WAITING,
    InvocationJobStatus,
    InvocationType,
    ModelInvocationJob,
    RecordCounts,
)
from tanren.domain.scope import Scope
from tanren.storage.database import Database
from tanren.storage.jobs import JobRows
from tanren.storage.resources import scope_of
from tanren.storage.tables import model_invocation_jobs


class ModelInvocationJobs(JobRows[ModelInvocationJob, InvocationJobStatus]):
    def __init__(self, database: Database) -> None:
        noun = "model invocation job"
        super().__init__(database, model_invocation_jobs, noun=noun, read=_read, legal_moves=LEGAL_MOVES)

    def find(self, connection: Connection, scope: Scope, arn_or_name: str) -> ModelInvocationJob | None:
        """By ARN or id. Source   ModelInvocationJobIdentifier, whose pattern has no names."""
        columns = self.table.c
        row = connection.execute(
            select(self.table).where(self._in(scope), or_(columns.arn == arn_or_name, columns.job_id == arn_or_name))
        ).one_or_none()
        return None if row is None else _read(row)

    def check_name(self, connection: Connection, scope: Scope, name: str) -> None:
        taken = select(self.table.c.arn).where(self._in(scope), self.table.c.name == name)
        if connection.execute(taken).first() is not None:
            raise Conflict(f"A {self.noun} named '{name}' already exists; choose another jobName.")

    def count(self, arn: str, attempt: int, counts: RecordCounts, *, at: datetime) -> bool:
        """Whether this attempt is still current, and the counts therefore written."""
        with self.database.writing() as connection:
            return self.change(
                connection,
                arn,
                self.table.c.attempt == attempt,
                self.table.c.status.in_(CLAIMABLE),
                updated_at=at,
                **count_columns(counts),
            )

    def expire(self, *, now: datetime) -> list[ModelInvocationJob]:
        """Jobs that were out of time before any worker began them, and are Expired now.

        Why      one that a worker holds is ended by its own process, which also writes what there is of its output.
        """
        columns = self.table.c
        unheld = or_(columns.lease_owner.is_(None), columns.lease_expires_at < now)
        overdue = (columns.status.in_(WAITING), columns.expires_at < now, unheld)
        found = self.every(*overdue)
        if not found:
            return []
        values = {"message": EXPIRED_MESSAGE, "updated_at": now, "ended_at": now}
        with self.database.writing() as connection:
            return [
                job
                for job in found
                # One that a worker has claimed meanwhile is that worker's to end.
                if self.change(
                    connection,
                    job.job_arn,
                    *overdue,
                    status=InvocationJobStatus.EXPIRED,
                    lease_owner=None,
                    lease_expires_at=None,
                    **values,
                )
            ]


EXPIRED_MESSAGE = (
    "The job did not begin before its timeoutDurationInHours was over. Submit it again, with more time if it had to "
    "wait for other jobs or for its model's engine."
)


def count_columns(counts: RecordCounts) -> dict[str, int]:
    return {
        "total_records": counts.total,
        "succeeded_records": counts.succeeded,
        "failed_records": counts.failed,
        "input_tokens": counts.input_tokens,
        "output_tokens": counts.output_tokens,
    }


def _read(row: Row[Any]) -> ModelInvocationJob:
    return ModelInvocationJob(
        scope=scope_of(row),
        job_id=row.job_id,
        job_arn=row.arn,
        job_name=row.name,
        client_request_token=row.client_request_token,
        role_arn=row.role_arn,
        model_id=row.model_id,
        model_arn=row.model_arn,
        invocation_type=InvocationType(row.invocation_type),
        input_s3_uri=row.input_s3_uri,
        output_s3_uri=row.output_s3_uri,
        request=row.request,
        status=InvocationJobStatus(row.status),
        message=row.message,
        counts=RecordCounts(
            total=row.total_records,
            succeeded=row.succeeded_records,
            failed=row.failed_records,
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
        ),
        timeout=timedelta(hours=row.timeout_hours),
        expires_at=row.expires_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        ended_at=row.ended_at,
        attempt=row.attempt,
    )
