"""What every resource's rows have in common: insert once per token, find by ARN or name, list by pages, change guarded.

A change of state is one `UPDATE … WHERE <expected>` that returns whether it happened; the caller handles *no*.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from tanren.domain.errors import Conflict
from tanren.domain.pages import Cursor, Page, PageRequest, page_of
from tanren.domain.scope import Scope
from tanren.storage.database import Database

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFilter:
    created_after: datetime | None = None
    created_before: datetime | None = None
    name_contains: str | None = None
    equals: Mapping[str, str] = field(default_factory=dict[str, str])
    """Column → value."""


class ResourceRows(Generic[T]):
    """The rows of one resource of Bedrock's, seen as values of `T`."""

    def __init__(self, database: Database, table: Table, *, noun: str, read: Callable[[Row[Any]], T]) -> None:
        self.database = database
        self.table = table
        self.noun = noun
        """As error messages call it, for example `model customization job`."""
        self._read = read
        # Written once: to write it anew for every request would cost more than to run it.
        columns = table.c
        self._by_arn_or_name = select(table).where(
            columns.account_id == bindparam("account_id"),
            columns.region == bindparam("region"),
            or_(columns.arn == bindparam("arn_or_name"), columns.name == bindparam("arn_or_name")),
        )

    def insert(
        self,
        connection: Connection,
        scope: Scope,
        values: Mapping[str, Any],
        *,
        also: Callable[[], None] | None = None,
    ) -> str:
        """The ARN: of the new row, or of the one that the same token made earlier.

        `also` is a further check of a new row; it raises what is wrong.

        Raises   Conflict, if the name is taken, or the token was used with other parameters.
        """
        known = self._with_token(connection, scope, values.get("client_request_token"))
        if known is not None:
            if known.request_digest != values["request_digest"]:
                raise Conflict(
                    f"clientRequestToken '{values['client_request_token']}' was used before for another request "
                    f"({known.arn}); use a new token, or send the same parameters."
                )
            return known.arn
        self.check_name(connection, scope, values["name"])
        if also is not None:
            also()
        try:
            connection.execute(insert(self.table).values(account_id=scope.account_id, region=scope.region, **values))
        except IntegrityError as error:
            # PostgreSQL only: another writer was first between our look and our insert.
            raise Conflict(
                f"A {self.noun} named '{values['name']}', or with this token, was created just now; try again."
            ) from error
        return values["arn"]

    def check_name(self, connection: Connection, scope: Scope, name: str) -> None:
        """Raises Conflict, if a resource of this kind has the name."""
        if self.find(connection, scope, name) is not None:
            raise Conflict(f"A {self.noun} named '{name}' already exists; choose another name.")

    def _with_token(self, connection: Connection, scope: Scope, token: str | None) -> Row[Any] | None:
        if token is None or "client_request_token" not in self.table.c:
            return None
        return connection.execute(
            select(self.table).where(self._in(scope), self.table.c.client_request_token == token)
        ).one_or_none()

    def find(self, connection: Connection, scope: Scope, arn_or_name: str) -> T | None:
        asked = {"account_id": scope.account_id, "region": scope.region, "arn_or_name": arn_or_name}
        row = connection.execute(self._by_arn_or_name, asked).one_or_none()
        return None if row is None else self._read(row)

    def get(self, scope: Scope, arn_or_name: str) -> T | None:
        with self.database.reading() as connection:
            return self.find(connection, scope, arn_or_name)

    def names(self, scope: Scope, *, most: int = 1000) -> list[tuple[str, str]]:
        """ARN and name of the newest."""
        columns = self.table.c
        asked = select(columns.arn, columns.name).where(self._in(scope)).order_by(columns.created_at.desc())
        with self.database.reading() as connection:
            return [(row.arn, row.name) for row in connection.execute(asked.limit(most))]

    def page(self, scope: Scope, request: PageRequest, wanted: ListFilter) -> Page[T]:
        columns = self.table.c
        conditions: list[ColumnElement[bool]] = [self._in(scope)]
        if wanted.created_after is not None:
            conditions.append(columns.created_at > wanted.created_after)
        if wanted.created_before is not None:
            conditions.append(columns.created_at < wanted.created_before)
        if wanted.name_contains is not None:
            conditions.append(columns.name.contains(wanted.name_contains, autoescape=True))
        conditions += [columns[name] == value for name, value in wanted.equals.items()]
        if request.after is not None:
            conditions.append(self._beyond(request.after, descending=request.descending))
        order = (
            [columns.created_at.desc(), columns.arn.desc()] if request.descending else [columns.created_at, columns.arn]
        )
        with self.database.reading() as connection:
            rows = connection.execute(
                select(self.table).where(*conditions).order_by(*order).limit(request.size + 1)
            ).all()
        page = page_of(rows, request, lambda row: Cursor(created_at=row.created_at, arn=row.arn))
        return Page(items=[self._read(row) for row in page.items], next_token=page.next_token)

    def every(self, *conditions: ColumnElement[bool]) -> list[T]:
        """All rows of all scopes that satisfy the conditions, oldest first; for the processes of the service itself."""
        with self.database.reading() as connection:
            return self.having(connection, *conditions)

    def every_in(self, scope: Scope, *conditions: ColumnElement[bool]) -> list[T]:
        """As `every`, of one account and region."""
        return self.every(self._in(scope), *conditions)

    def having(self, connection: Connection, *conditions: ColumnElement[bool]) -> list[T]:
        """As `every`, inside a transaction of the caller's."""
        rows = connection.execute(select(self.table).where(*conditions).order_by(self.table.c.created_at)).all()
        return [self._read(row) for row in rows]

    def change(self, connection: Connection, arn: str, *expected: ColumnElement[bool], **values: Any) -> bool:
        """Whether the row was still as expected, and has therefore been changed."""
        done = connection.execute(update(self.table).where(self.table.c.arn == arn, *expected).values(**values))
        return done.rowcount == 1

    def remove(self, connection: Connection, arn: str, *expected: ColumnElement[bool]) -> bool:
        done = connection.execute(delete(self.table).where(self.table.c.arn == arn, *expected))
        return done.rowcount == 1

    def _in(self, scope: Scope) -> ColumnElement[bool]:
        return and_(self.table.c.account_id == scope.account_id, self.table.c.region == scope.region)

    def _beyond(self, cursor: Cursor, *, descending: bool) -> ColumnElement[bool]:
        created_at, arn = self.table.c.created_at, self.table.c.arn
        if descending:
            return or_(created_at < cursor.created_at, and_(created_at == cursor.created_at, arn < cursor.arn))
        return or_(created_at > cursor.created_at, and_(created_at == cursor.created_at, arn > cursor.arn))


def scope_of(row: Row[Any]) -> Scope:
    return Scope(account_id=row.account_id, region=row.region)
