"""Rows of model import jobs, and the names that running ones have reserved."""

from typing import Any

from sqlalchemy import Connection, Row, select

from tanren.domain.model_import_jobs import LEGAL_MOVES, ImportJobStatus, ModelImportJob
from tanren.domain.scope import Scope
from tanren.storage.database import Database
from tanren.storage.jobs import JobRows
from tanren.storage.resources import scope_of
from tanren.storage.tables import model_import_jobs


class ModelImportJobs(JobRows[ModelImportJob, ImportJobStatus]):
    def __init__(self, database: Database) -> None:
        super().__init__(database, model_import_jobs, noun="model import job", read=_read, legal_moves=LEGAL_MOVES)

    def is_model_name_reserved(self, connection: Connection, scope: Scope, model_name: str) -> bool:
        """Whether a job that is still running will publish a model of this name."""
        columns = self.table.c
        reserved = select(columns.arn).where(
            self._in(scope), columns.imported_model_name == model_name, columns.status == ImportJobStatus.IN_PROGRESS
        )
        return connection.execute(reserved).first() is not None


def _read(row: Row[Any]) -> ModelImportJob:
    return ModelImportJob(
        scope=scope_of(row),
        job_id=row.job_id,
        job_arn=row.arn,
        job_name=row.name,
        imported_model_name=row.imported_model_name,
        client_request_token=row.client_request_token,
        role_arn=row.role_arn,
        source_s3_uri=row.source_s3_uri,
        request=row.request,
        status=ImportJobStatus(row.status),
        failure_message=row.failure_message,
        imported_model_arn=row.imported_model_arn,
        created_at=row.created_at,
        updated_at=row.updated_at,
        ended_at=row.ended_at,
        attempt=row.attempt,
    )
