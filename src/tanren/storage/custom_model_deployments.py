"""Rows of custom model deployments."""

from typing import Any

from sqlalchemy import Row

from tanren.domain.custom_model_deployments import CustomModelDeployment, DeploymentStatus, UpdateStatus
from tanren.storage.database import Database
from tanren.storage.resources import ResourceRows, scope_of
from tanren.storage.tables import custom_model_deployments


class CustomModelDeployments(ResourceRows[CustomModelDeployment]):
    def __init__(self, database: Database) -> None:
        super().__init__(database, custom_model_deployments, noun="custom model deployment", read=_read)


def _read(row: Row[Any]) -> CustomModelDeployment:
    return CustomModelDeployment(
        scope=scope_of(row),
        deployment_id=row.deployment_id,
        deployment_arn=row.arn,
        name=row.name,
        client_request_token=row.client_request_token,
        description=row.description,
        model_arn=row.model_arn,
        update_model_arn=row.update_model_arn,
        update_status=None if row.update_status is None else UpdateStatus(row.update_status),
        foundation_model_id=row.foundation_model_id,
        status=DeploymentStatus(row.status),
        failure_message=row.failure_message,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
