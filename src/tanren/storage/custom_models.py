"""Rows of custom models."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, select

from tanren.domain.arns import CUSTOM_MODEL, parse_arn
from tanren.domain.custom_models import CustomModel, CustomModelStatus
from tanren.domain.scope import Scope
from tanren.storage.database import Database
from tanren.storage.resources import ResourceRows, scope_of
from tanren.storage.tables import custom_models


class CustomModels(ResourceRows[CustomModel]):
    def __init__(self, database: Database) -> None:
        super().__init__(database, custom_models, noun="custom model", read=_read)

    def by_arn(self, arn: str) -> CustomModel:
        """The model of an assignment; it exists, since one that is Creating cannot be deleted."""
        with self.database.reading() as connection:
            return self._read(connection.execute(select(self.table).where(self.table.c.arn == arn)).one())

    @staticmethod
    def name_or_arn(scope: Scope, identifier: str) -> str:
        """What the rows are searched by. The seeds write a custom-model ARN with the name in place of base and id."""
        arn = parse_arn(identifier)
        is_by_name = arn is not None and arn.kind == CUSTOM_MODEL and "/" not in arn.path and arn.is_in(scope)
        return arn.path if arn is not None and is_by_name else identifier

    def add(
        self,
        connection: Connection,
        scope: Scope,
        model: CustomModel,
        *,
        client_request_token: str | None = None,
        request_digest: str | None = None,
        also: Callable[[], None] | None = None,
    ) -> str:
        """Its ARN, or that of the model which the same token made earlier.

        `also` is a further check of a new row. Raises   Conflict, as `insert`.
        """
        return self.insert(
            connection,
            scope,
            {
                "client_request_token": client_request_token,
                "request_digest": request_digest,
                "arn": model.model_arn,
                "model_id": model.model_id,
                "name": model.model_name,
                "status": model.status,
                "job_arn": model.job_arn,
                "job_name": model.job_name,
                "base_model_arn": model.base_model_arn,
                "foundation_model_id": model.foundation_model_id,
                "customization_type": model.customization_type,
                "hyperparameters": model.hyperparameters,
                "request": model.request,
                "artifact_path": model.artifact_path,
                "artifact_sha256": model.artifact_sha256,
                "training_loss": model.training_loss,
                "validation_losses": list(model.validation_losses),
                "created_at": model.created_at,
                "attempt": 0,
                "crash_count": 0,
            },
            also=also,
        )


def _read(row: Row[Any]) -> CustomModel:
    return CustomModel(
        scope=scope_of(row),
        model_id=row.model_id,
        model_arn=row.arn,
        model_name=row.name,
        status=CustomModelStatus(row.status),
        job_arn=row.job_arn,
        job_name=row.job_name,
        base_model_arn=row.base_model_arn,
        foundation_model_id=row.foundation_model_id,
        customization_type=row.customization_type,
        hyperparameters=row.hyperparameters,
        request=row.request,
        artifact_path=row.artifact_path,
        artifact_sha256=row.artifact_sha256,
        training_loss=row.training_loss,
        validation_losses=tuple(row.validation_losses),
        created_at=row.created_at,
        failure_message=row.failure_message,
        attempt=row.attempt,
    )
