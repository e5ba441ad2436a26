"""Rows of imported models."""

from typing import Any

from sqlalchemy import Connection, Row

from tanren.domain.imported_models import ImportedModel
from tanren.domain.scope import Scope
from tanren.storage.database import Database
from tanren.storage.resources import ResourceRows, scope_of
from tanren.storage.tables import imported_models


class ImportedModels(ResourceRows[ImportedModel]):
    def __init__(self, database: Database) -> None:
        super().__init__(database, imported_models, noun="imported model", read=_read)

    def add(self, connection: Connection, scope: Scope, model: ImportedModel) -> None:
        """Raises Conflict, if the name is taken."""
        self.insert(
            connection,
            scope,
            {
                "arn": model.model_arn,
                "model_id": model.model_id,
                "name": model.model_name,
                "job_arn": model.job_arn,
                "job_name": model.job_name,
                "source_s3_uri": model.source_s3_uri,
                "architecture": model.architecture,
                "parameter_count": model.parameter_count,
                "context_length": model.context_length,
                "size_bytes": model.size_bytes,
                "has_chat_template": model.has_chat_template,
                "artifact_path": model.artifact_path,
                "weights_sha256": model.weights_sha256,
                "created_at": model.created_at,
            },
        )


def _read(row: Row[Any]) -> ImportedModel:
    return ImportedModel(
        scope=scope_of(row),
        model_id=row.model_id,
        model_arn=row.arn,
        model_name=row.name,
        job_arn=row.job_arn,
        job_name=row.job_name,
        source_s3_uri=row.source_s3_uri,
        architecture=row.architecture,
        parameter_count=row.parameter_count,
        context_length=row.context_length,
        size_bytes=row.size_bytes,
        has_chat_template=row.has_chat_template,
        artifact_path=row.artifact_path,
        weights_sha256=row.weights_sha256,
        created_at=row.created_at,
    )
