"""Rows of model copy jobs."""

from typing import Any

from sqlalchemy import Connection, Row, select

from tanren.domain.model_copy_jobs import LEGAL_MOVES, CopyJobStatus, ModelCopyJob
from tanren.domain.scope import Scope
from tanren.storage.database import Database
from tanren.storage.jobs import JobRows
from tanren.storage.resources import scope_of
from tanren.storage.tables import model_copy_jobs


class ModelCopyJobs(JobRows[ModelCopyJob, CopyJobStatus]):
    """The column `name` is that of the model to be made: a copy job has none of its own."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, model_copy_jobs, noun="model copy job", read=_read, legal_moves=LEGAL_MOVES)

    def find(self, connection: Connection, scope: Scope, arn_or_name: str) -> ModelCopyJob | None:
        """By ARN only. Source   GetModelCopyJob, whose identifier has no names."""
        row = connection.execute(
            select(self.table).where(self._in(scope), self.table.c.arn == arn_or_name)
        ).one_or_none()
        return None if row is None else _read(row)

    def check_name(self, connection: Connection, scope: Scope, name: str) -> None:
        """Several jobs may have made models of one name, one after the other; the control looks whether it is free."""


def _read(row: Row[Any]) -> ModelCopyJob:
    return ModelCopyJob(
        scope=scope_of(row),
        job_id=row.job_id,
        job_arn=row.arn,
        client_request_token=row.client_request_token,
        source_account_id=row.source_account_id,
        source_model_arn=row.source_model_arn,
        source_model_name=row.source_model_name,
        target_model_arn=row.target_model_arn,
        target_model_name=row.name,
        request=row.request,
        status=CopyJobStatus(row.status),
        failure_message=row.failure_message,
        created_at=row.created_at,
        updated_at=row.updated_at,
        ended_at=row.ended_at,
        attempt=row.attempt,
    )
