"""Who has the name of a custom model: a model, or a job under way that will make one of this name."""

from typing import Any, Final

from sqlalchemy import Column, Connection, Select, Table, bindparam, literal, select, union_all

from tanren.domain.model_copy_jobs import CopyJobStatus
from tanren.domain.scope import Scope
from tanren.storage.tables import CUSTOMIZATION_UNDER_WAY, custom_models, customization_jobs, model_copy_jobs


def holder_of_model_name(connection: Connection, scope: Scope, name: str) -> str | None:
    """The table with the row that has it, `custom_models` for a model; None where the name is free."""
    asked = {"account_id": scope.account_id, "region": scope.region, "model_name": name}
    return connection.execute(_HOLDERS, asked).scalars().first()


def _rows(table: Table, name: Column[Any], *conditions: Any) -> Select[str]:
    return select(literal(table.name)).where(
        table.c.account_id == bindparam("account_id"),
        table.c.region == bindparam("region"),
        name == bindparam("model_name"),
        *conditions,
    )


# One query, because every job that is created asks it: three would take longer than all else in its transaction.
_HOLDERS: Final = union_all(
    _rows(custom_models, custom_models.c.name),
    _rows(customization_jobs, customization_jobs.c.output_model_name, CUSTOMIZATION_UNDER_WAY),
    _rows(model_copy_jobs, model_copy_jobs.c.name, model_copy_jobs.c.status == CopyJobStatus.IN_PROGRESS),
)
