"""What every resource's rows have in common: insert once per token, find by ARN or name, list by pages, change guarded.

A change of state is one `UPDATE … WHERE <expected>` that returns whether it happened; the caller handles *no*.

How      what every request asks is written as a query once, with parameters: SQLAlchemy takes longer to put a query
         together than SQLite to answer it. A page begins after the last row of the one before, by the index that
         serves its order, so the hundredth costs what the first does; a list's rows may be read in part (`View`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError

from tanren.domain.errors import Conflict
from tanren.domain.pages import Cursor, Page, PageRequest, page_of
from tanren.domain.scope import Scope
from tanren.storage.database import Database

T = TypeVar("T")
S = TypeVar("S")

_EQUALS: Final = "equals_"
"""Before a column's name: the parameter that a filter's value goes to."""
_ESCAPE: Final = "/"
_LIKE_SYMBOLS: Final = re.compile("[/%_]")
_ESCAPED: Final = r"/\g<0>"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFilter:
    created_after: datetime | None = None
    created_before: datetime | None = None
    name_contains: str | None = None
    equals: Mapping[str, str] = field(default_factory=dict[str, str])
    """Column → value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View(Generic[S]):
    """What of a row a list shows."""

    columns: tuple[str, ...]
    """`arn` and `created_at` are among them: they are the list's order."""
    read: Callable[[Row[Any]], S]


class ResourceRows(Generic[T]):
    """The rows of one resource of Bedrock's, seen as values of `T`."""

    def __init__(self, database: Database, table: Table, *, noun: str, read: Callable[[Row[Any]], T]) -> None:
        self.database = database
        self.table = table
        self.noun = noun
        """As error messages call it, for example `model customization job`."""
        self._read = read
        self._whole = View(columns=tuple(table.c.keys()), read=read)
        columns = table.c
        self._by_arn_or_name = select(table).where(
            *self._conditions("account_id", "region"),
            or_(columns.arn == bindparam("arn_or_name"), columns.name == bindparam("arn_or_name")),
        )
        self._insertion = insert(table)
        self._page_queries: dict[tuple[Any, ...], Select[Any]] = {}

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
            connection.execute(self._insertion, {**_of_scope(scope), **values})
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

    def _with_token(self, connection: Connection, scope: Scope, token: str | None) -> Row[Any, Any] | None:
        if token is None or "client_request_token" not in self.table.c:
            return None
        columns = self.table.c
        with_token = select(columns.arn, columns.request_digest).where(
            self._in(scope), columns.client_request_token == token
        )
        return connection.execute(with_token).one_or_none()

    def find(self, connection: Connection, scope: Scope, arn_or_name: str) -> T | None:
        row = connection.execute(self._by_arn_or_name, {**_of_scope(scope), "arn_or_name": arn_or_name}).one_or_none()
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
        return self.view_page(scope, request, wanted, self._whole)

    def view_page(self, scope: Scope, request: PageRequest, wanted: ListFilter, view: View[S]) -> Page[S]:
        """As `page`, of what `view` shows of each row."""
        values = {**_of_scope(scope), **_of_filter(wanted), **_of_cursor(request.after)}
        kind = (view, request.descending, *values)
        query = self._page_queries.get(kind)
        if query is None:
            query = self._page_queries[kind] = self._page_query(view, tuple(values), descending=request.descending)
        with self.database.reading() as connection:
            rows = connection.execute(query, {**values, "most": request.size + 1}).all()
        page = page_of(rows, request, lambda row: Cursor(created_at=row.created_at, arn=row.arn))
        return Page(items=[view.read(row) for row in page.items], next_token=page.next_token)

    def _page_query(self, view: View[Any], given: Sequence[str], *, descending: bool) -> Select[Any]:
        """The query of a page for which values of these parameters, and `most`, are given."""
        columns = self.table.c
        order = (columns.created_at, columns.arn)
        conditions = self._conditions(*(name for name in given if not name.startswith("cursor_")))
        if "cursor_arn" in given:
            place, last = tuple_(*order), tuple_(*(bindparam(f"cursor_{each.name}", type_=each.type) for each in order))
            conditions.append(place < last if descending else place > last)
        return (
            select(*(columns[name] for name in view.columns))
            .where(*conditions)
            .order_by(*(each.desc() if descending else each for each in order))
            .limit(bindparam("most"))
        )

    def _conditions(self, *parameters: str) -> list[ColumnElement[bool]]:
        """What each parameter asks of a row; one that is called as a column, or `equals_` and a column, its value."""
        columns = self.table.c
        special = {
            "created_after": columns.created_at > bindparam("created_after"),
            "created_before": columns.created_at < bindparam("created_before"),
            "name_like": columns.name.like(bindparam("name_like"), escape=_ESCAPE),
        }
        return [
            special[name] if name in special else columns[name.removeprefix(_EQUALS)] == bindparam(name)
            for name in parameters
        ]

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


def scope_of(row: Row[Any]) -> Scope:
    return Scope(account_id=row.account_id, region=row.region)


def _of_scope(scope: Scope) -> dict[str, Any]:
    return {"account_id": scope.account_id, "region": scope.region}


def _of_filter(wanted: ListFilter) -> dict[str, Any]:
    contains = wanted.name_contains
    values: dict[str, Any] = {
        "created_after": wanted.created_after,
        "created_before": wanted.created_before,
        "name_like": None if contains is None else f"%{_LIKE_SYMBOLS.sub(_ESCAPED, contains)}%",
        **{_EQUALS + column: value for column, value in wanted.equals.items()},
    }
    return {name: value for name, value in values.items() if value is not None}


def _of_cursor(after: Cursor | None) -> dict[str, Any]:
    return {} if after is None else {"cursor_created_at": after.created_at, "cursor_arn": after.arn}
