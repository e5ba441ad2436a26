"""Rows of usage: sums by account, region, resource asked, model that answered, and minute."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import Connection, and_, func, insert, select, update

from tanren.domain.scope import Scope
from tanren.domain.usage import Usage
from tanren.storage.database import Database
from tanren.storage.tables import usage

UsagePlace = tuple[Scope, str, str, datetime]
"""Scope, ARN of the resource asked, ARN of the model that answered, beginning of the minute."""


class UsageRecords:
    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, sums: Mapping[UsagePlace, Usage]) -> None:
        """On top of what is there; all or none."""
        with self.database.writing() as connection:
            for place, used in sums.items():
                _add(connection, place, used)

    def between(self, start: datetime, end: datetime) -> dict[UsagePlace, Usage]:
        """All minutes that begin at `start` or later and before `end`, in order."""
        columns = usage.c
        query = select(usage).where(columns.minute >= start, columns.minute < end).order_by(*usage.primary_key)
        with self.database.reading() as connection:
            return {
                (
                    Scope(account_id=row.account_id, region=row.region),
                    row.resource_arn,
                    row.model_arn,
                    row.minute,
                ): Usage(
                    request_count=row.request_count,
                    input_tokens=row.input_tokens,
                    output_tokens=row.output_tokens,
                    generation_seconds=row.generation_seconds,
                    unit_seconds=row.unit_seconds,
                )
                for row in connection.execute(query)
            }

    def sums(self, scope: Scope, start: datetime, end: datetime) -> dict[tuple[str, str], Usage]:
        """The same minutes of one scope, by resource and model, in order."""
        columns = usage.c
        amounts = [field.name for field in fields(Usage)]
        query = (
            select(columns.resource_arn, columns.model_arn, *(func.sum(columns[name]).label(name) for name in amounts))
            .where(
                columns.account_id == scope.account_id,
                columns.region == scope.region,
                columns.minute >= start,
                columns.minute < end,
            )
            .group_by(columns.resource_arn, columns.model_arn)
            .order_by(columns.resource_arn, columns.model_arn)
        )
        with self.database.reading() as connection:
            return {
                # PostgreSQL sums whole numbers up into decimal ones.
                (row.resource_arn, row.model_arn): Usage(
                    request_count=int(row.request_count),
                    input_tokens=int(row.input_tokens),
                    output_tokens=int(row.output_tokens),
                    generation_seconds=float(row.generation_seconds),
                    unit_seconds=float(row.unit_seconds),
                )
                for row in connection.execute(query)
            }


def _add(connection: Connection, place: UsagePlace, used: Usage) -> None:
    scope, resource_arn, model_arn, minute = place
    key = {
        "account_id": scope.account_id,
        "region": scope.region,
        "resource_arn": resource_arn,
        "model_arn": model_arn,
        "minute": minute,
    }
    amounts = asdict(used)
    done = connection.execute(
        update(usage)
        .where(and_(*(usage.c[name] == value for name, value in key.items())))
        .values({name: usage.c[name] + amount for name, amount in amounts.items()})
    )
    if not done.rowcount:
        connection.execute(insert(usage).values(**key, **amounts))
