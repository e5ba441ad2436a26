"""How much of a quota an account uses in a region: counted in the rows, so nothing is ever to be given back."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, func, select

from tanren.domain.customization_jobs import JobStatus
from tanren.domain.evaluation_jobs import CLAIMABLE as EVALUATION_UNDER_WAY
from tanren.domain.model_copy_jobs import CopyJobStatus
from tanren.domain.model_import_jobs import ImportJobStatus
from tanren.domain.model_invocation_jobs import CLAIMABLE as BATCH_UNDER_WAY
from tanren.domain.quotas import QuotaName
from tanren.domain.scope import Scope
from tanren.storage import tables

Number = Select[int]


def in_use(connection: Connection, scope: Scope, name: QuotaName) -> int:
    where = {"account_id": scope.account_id, "region": scope.region}
    return sum(connection.execute(number, where).scalar_one() for number in _NUMBERS[name])


def _count(table: Table, *conditions: ColumnElement[bool]) -> Number:
    return select(func.count()).select_from(table).where(*_in_scope(table), *conditions)


def _in_scope(table: Table) -> tuple[ColumnElement[bool], ...]:
    return table.c.account_id == bindparam("account_id"), table.c.region == bindparam("region")


_CUSTOMIZATIONS: Final = _count(
    tables.customization_jobs,
    tables.customization_jobs.c.status.in_([JobStatus.IN_PROGRESS, JobStatus.STOPPING]),
)
_COPIES: Final = _count(tables.model_copy_jobs, tables.model_copy_jobs.c.status == CopyJobStatus.IN_PROGRESS)
_IMPORTS: Final = _count(tables.model_import_jobs, tables.model_import_jobs.c.status == ImportJobStatus.IN_PROGRESS)
_MODEL_UNITS: Final = select(func.coalesce(func.sum(tables.provisioned_throughputs.c.model_units), 0)).where(
    *_in_scope(tables.provisioned_throughputs)
)

_NUMBERS: Final[Mapping[QuotaName, tuple[Number, ...]]] = {
    "customization_jobs": (_CUSTOMIZATIONS,),
    "custom_models": (_count(tables.custom_models), _CUSTOMIZATIONS, _COPIES),
    "imported_models": (_count(tables.imported_models), _IMPORTS),
    "model_units": (_MODEL_UNITS,),
    "custom_model_deployments": (_count(tables.custom_model_deployments),),
    "batch_jobs": (_count(tables.model_invocation_jobs, tables.model_invocation_jobs.c.status.in_(BATCH_UNDER_WAY)),),
    "evaluation_jobs": (_count(tables.evaluation_jobs, tables.evaluation_jobs.c.status.in_(EVALUATION_UNDER_WAY)),),
}
"""What is added up for each."""
