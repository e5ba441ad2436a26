"""What a training run reports while it runs: records of steps, validations and samples, and events in words.

Rows are keyed by job and step: a resumed attempt that repeats a step after its checkpoint writes the same row again, so
the curve has neither holes nor doubles. Writes of an attempt that is no longer current change nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select

from tanren.domain.sentences import sentence_json, sentence_of_json
from tanren.storage.database import Database
from tanren.storage.tables import customization_jobs, job_events, sample_records, step_records, validation_records


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    event_id: int
    """Rises with time."""
    at: datetime
    attempt: int
    """0: before a worker took the job."""
    message: str
    """A Sentence where it was told as one."""


class TrainingRecords:
    def __init__(self, database: Database) -> None:
        self.database = database

    def add_steps(self, job_arn: str, attempt: int, records: Sequence[Mapping[str, Any]]) -> bool:
        """Each record has `step` and `epoch`. Whether the attempt is current, and the records therefore written."""
        return self._replace(step_records, job_arn, attempt, records)

    def add_validation(self, job_arn: str, attempt: int, record: Mapping[str, Any]) -> bool:
        """As `add_steps`, for one record of a validation."""
        return self._replace(validation_records, job_arn, attempt, [record])

    def add_sample(self, job_arn: str, attempt: int, record: Mapping[str, Any]) -> bool:
        """As `add_steps`, for what the weights answered after one step."""
        return self._replace(sample_records, job_arn, attempt, [record])

    def _replace(self, table: Table, job_arn: str, attempt: int, records: Sequence[Mapping[str, Any]]) -> bool:
        with self.database.writing() as connection:
            if not _is_current(connection, job_arn, attempt):
                return False
            steps = [record["step"] for record in records]
            connection.execute(delete(table).where(table.c.job_arn == job_arn, table.c.step.in_(steps)))
            connection.execute(
                insert(table),
                [{"job_arn": job_arn, "step": r["step"], "epoch": r["epoch"], "record": dict(r)} for r in records],
            )
            return True

    def add_event(self, job_arn: str, attempt: int, message: str, *, at: datetime) -> None:
        with self.database.writing() as connection:
            write_event(connection, job_arn, attempt, message, at=at)

    def steps(self, job_arn: str, *, after: int = -1, most: int | None = None) -> list[dict[str, Any]]:
        """Those behind the step `after`, at most so many, in their order."""
        return self._records(step_records, job_arn, after, most)

    def trained_tokens(self, job_arns: Collection[str]) -> dict[str, int]:
        """Over all steps of each job; the database adds them up. A job without steps is left out."""
        columns = step_records.c
        total = func.sum(columns.record["trained_tokens"].as_integer())
        query = select(columns.job_arn, total).where(columns.job_arn.in_(job_arns)).group_by(columns.job_arn)
        with self.database.reading() as connection:
            return {job_arn: int(tokens) for job_arn, tokens in connection.execute(query)}

    def newest_steps(self, job_arn: str, most: int) -> list[dict[str, Any]]:
        """The last so many, the newest first."""
        columns = step_records.c
        query = select(columns.record).where(columns.job_arn == job_arn).order_by(columns.step.desc()).limit(most)
        with self.database.reading() as connection:
            return list(connection.execute(query).scalars())

    def validations(self, job_arn: str, *, after: int = -1) -> list[dict[str, Any]]:
        return self._records(validation_records, job_arn, after)

    def samples(self, job_arn: str, *, after: int = -1, most: int | None = None) -> list[dict[str, Any]]:
        return self._records(sample_records, job_arn, after, most)

    def _records(self, table: Table, job_arn: str, after: int, most: int | None = None) -> list[dict[str, Any]]:
        with self.database.reading() as connection:
            query = select(table.c.record).where(table.c.job_arn == job_arn, table.c.step > after)
            return list(connection.execute(query.order_by(table.c.step).limit(most)).scalars())

    def events(self, job_arn: str) -> list[tuple[datetime, str]]:
        return [(event.at, event.message) for event in self.event_page(job_arn)]

    def event_page(
        self, job_arn: str, *, beyond: int | None = None, most: int | None = None, descending: bool = False
    ) -> list[JobEvent]:
        """At most so many events, the oldest or the newest first, behind the one of the id `beyond`."""
        table = job_events
        query = select(table).where(table.c.job_arn == job_arn)
        if beyond is not None:
            query = query.where(table.c.event_id < beyond if descending else table.c.event_id > beyond)
        query = query.order_by(table.c.event_id.desc() if descending else table.c.event_id).limit(most)
        with self.database.reading() as connection:
            return [
                JobEvent(
                    event_id=row.event_id,
                    at=row.at,
                    attempt=row.attempt,
                    message=row.message if row.parts is None else sentence_of_json(row.parts),
                )
                for row in connection.execute(query)
            ]


def write_event(connection: Connection, job_arn: str, attempt: int, message: str, *, at: datetime) -> None:
    """As `TrainingRecords.add_event`, inside a transaction of the caller's."""
    values = {"job_arn": job_arn, "attempt": attempt, "at": at, "message": message, "parts": sentence_json(message)}
    connection.execute(insert(job_events).values(values))


def _is_current(connection: Connection, job_arn: str, attempt: int) -> bool:
    table = customization_jobs
    query = select(table.c.arn).where(table.c.arn == job_arn, table.c.attempt == attempt)
    return connection.execute(query).first() is not None
