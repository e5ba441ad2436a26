"""Rows of provisioned throughputs."""

from typing import Any

from sqlalchemy import Row

from tanren.domain.provisioned_throughputs import ProvisionedStatus, ProvisionedThroughput
from tanren.storage.database import Database
from tanren.storage.resources import ResourceRows, scope_of
from tanren.storage.tables import provisioned_throughputs


class ProvisionedThroughputs(ResourceRows[ProvisionedThroughput]):
    def __init__(self, database: Database) -> None:
        super().__init__(database, provisioned_throughputs, noun="provisioned model throughput", read=_read)


def _read(row: Row[Any]) -> ProvisionedThroughput:
    return ProvisionedThroughput(
        scope=scope_of(row),
        provisioned_id=row.provisioned_id,
        provisioned_arn=row.arn,
        name=row.name,
        client_request_token=row.client_request_token,
        model_units=row.model_units,
        model_arn=row.model_arn,
        desired_model_arn=row.desired_model_arn,
        foundation_model_id=row.foundation_model_id,
        status=ProvisionedStatus(row.status),
        failure_message=row.failure_message,
        commitment_duration=row.commitment_duration,
        commitment_expires_at=row.commitment_expires_at,
        tokens_per_minute=row.tokens_per_minute,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
