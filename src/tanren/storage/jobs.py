"""What the rows of every kind of job have in common: transitions that are guarded by status and attempt."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Table, select

from tanren.storage.database import Database
from tanren.storage.resources import ResourceRows

Job = TypeVar("Job")
Status = TypeVar("Status", bound=StrEnum)


class JobRows(ResourceRows[Job], Generic[Job, Status]):
    """The rows of one kind of job, whose `legal_moves` say from which status it may go to which."""

    def __init__(
        self,
        database: Database,
        table: Table,
        *,
        noun: str,
        read: Callable[[Row[Any]], Job],
        legal_moves: Mapping[Status, frozenset[Status]],
    ) -> None:
        super().__init__(database, table, noun=noun, read=read)
        self._legal_moves = legal_moves

    def by_arn(self, arn: str) -> Job:
        """The job of an assignment; it exists, since jobs are never deleted."""
        with self.database.reading() as connection:
            return self._read(connection.execute(select(self.table).where(self.table.c.arn == arn)).one())

    def is_end(self, status: Status) -> bool:
        """Whether nothing comes after it."""
        return not self._legal_moves[status]

    def is_held(self, connection: Connection, arn: str) -> bool:
        """Whether a worker has the job."""
        query = select(self.table.c.lease_owner).where(self.table.c.arn == arn)
        return connection.execute(query).scalar_one() is not None

    def move(
        self, connection: Connection, arn: str, to: Status, *, at: datetime, attempt: int | None = None, **values: Any
    ) -> bool:
        """Whether the job was in a state from which the move is legal and, if given, still in this attempt."""
        sources = [status for status, targets in self._legal_moves.items() if to in targets]
        expected: list[ColumnElement[bool]] = [self.table.c.status.in_(sources)]
        if attempt is not None:
            expected.append(self.table.c.attempt == attempt)
        if self.is_end(to):
            values |= {"ended_at": at, "lease_owner": None, "lease_expires_at": None}
        return self.change(connection, arn, *expected, status=to, updated_at=at, **values)
