"""The queue is the job row: claim, renew and release are guarded updates that return whether they happened.

A worker holds a job by a lease that it renews; a lease that runs out lets another worker take the job over with
attempt + 1, and a late writer of the older attempt changes nothing. It runs alike on SQLite and on PostgreSQL.

Why      recovery needs no scan at start and no knowledge of who died: a job whose lease has run out is simply there to
         be claimed again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, or_, select, update

from tanren.domain.scope import Scope
from tanren.storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One worker's attempt at one job."""

    job_arn: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedJob:
    job_arn: str
    attempt: int
    owner: str | None
    """None: no worker has it."""
    lease_expires_at: datetime | None


class JobQueue:
    """Any table that has `arn, status, attempt, lease_owner, lease_expires_at, created_at` is a queue."""

    def __init__(self, database: Database, table: Table, *, claimable: Sequence[str], lease_seconds: float) -> None:
        self.database = database
        self.table = table
        self.claimable = tuple(claimable)
        """Statuses in which there is work to do."""
        self.lease = timedelta(seconds=lease_seconds)

    def unfinished(self, scope: Scope) -> list[UnfinishedJob]:
        """Jobs of an account and region in which there is work to do, the oldest first."""
        columns = self.table.c
        query = (
            select(columns.arn, columns.attempt, columns.lease_owner, columns.lease_expires_at)
            .where(columns.account_id == scope.account_id, columns.region == scope.region)
            .where(columns.status.in_(self.claimable))
            .order_by(columns.created_at, columns.arn)
        )
        with self.database.reading() as connection:
            return [
                UnfinishedJob(
                    job_arn=row.arn,
                    attempt=row.attempt,
                    owner=row.lease_owner,
                    lease_expires_at=row.lease_expires_at,
                )
                for row in connection.execute(query)
            ]

    def claim(self, owner: str, *, now: datetime) -> Assignment | None:
        """The oldest job that nobody holds, now held by `owner`; None where there is none."""
        columns = self.table.c
        free = or_(columns.lease_expires_at.is_(None), columns.lease_expires_at < now)
        query = (
            select(columns.arn, columns.attempt)
            .where(columns.status.in_(self.claimable), free)
            .order_by(columns.created_at, columns.arn)
            .limit(1)
        )
        with self.database.reading() as connection:
            if connection.execute(query).one_or_none() is None:
                return None
        with self.database.writing() as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            claimed = connection.execute(
                update(self.table)
                .where(columns.arn == row.arn, columns.attempt == row.attempt, free)
                .values(attempt=row.attempt + 1, lease_owner=owner, lease_expires_at=now + self.lease)
            )
            if claimed.rowcount != 1:
                return None
            return Assignment(job_arn=row.arn, attempt=row.attempt + 1)

    def renew(self, assignment: Assignment, *, now: datetime) -> bool:
        """Whether the assignment is still current and its job unfinished; the lease then lasts longer."""
        return self._set(assignment, lease_expires_at=now + self.lease)

    def release(self, assignment: Assignment, *, not_before: datetime | None = None) -> bool:
        """The job goes back to the queue: at once, for example when a worker is told to stop, or after a pause."""
        return self._set(assignment, lease_owner=None, lease_expires_at=not_before)

    def is_current(self, assignment: Assignment) -> bool:
        """Whether nobody has taken the job over since, nor removed it."""
        columns = self.table.c
        query = select(columns.attempt).where(columns.arn == assignment.job_arn)
        with self.database.reading() as connection:
            return connection.execute(query).scalar_one_or_none() == assignment.attempt

    def release_all_of(self, owner: str) -> int:
        """How many leases were dropped. A worker calls it when it starts: what its last life held, nobody holds now."""
        columns = self.table.c
        with self.database.writing() as connection:
            done = connection.execute(
                update(self.table)
                .where(columns.status.in_(self.claimable), columns.lease_owner == owner)
                .values(lease_owner=None, lease_expires_at=None)
            )
            return done.rowcount

    def count_crash(self, assignment: Assignment) -> int:
        """How often the job's process has died since the job last made progress, this time included."""
        columns = self.table.c
        with self.database.writing() as connection:
            connection.execute(
                update(self.table)
                .where(columns.arn == assignment.job_arn, columns.attempt == assignment.attempt)
                .values(crash_count=columns.crash_count + 1)
            )
            count = connection.execute(
                select(columns.crash_count).where(columns.arn == assignment.job_arn)
            ).scalar_one()
            return int(count)

    def note_progress(self, assignment: Assignment) -> bool:
        """The job has got further than any attempt before: crashes are counted from here."""
        return self._set(assignment, crash_count=0)

    def _set(self, assignment: Assignment, **values: Any) -> bool:
        columns = self.table.c
        with self.database.writing() as connection:
            done = connection.execute(
                update(self.table)
                .where(
                    columns.arn == assignment.job_arn,
                    columns.attempt == assignment.attempt,
                    columns.status.in_(self.claimable),
                )
                .values(**values)
            )
            return done.rowcount == 1
