"""Changes of the state of jobs that have still to be announced.

Rows are written by triggers of the database (migration 0006), in the transaction that makes the change.
"""

from collections.abc import Iterable

from sqlalchemy import delete, select

from tanren.domain.state_change_events import StateChange
from tanren.storage.database import Database
from tanren.storage.tables import job_state_changes


class StateChanges:
    def __init__(self, database: Database) -> None:
        self._database = database

    def oldest(self, *, most: int) -> list[StateChange]:
        query = select(job_state_changes).order_by(job_state_changes.c.change_id).limit(most)
        with self._database.reading() as connection:
            return [
                StateChange(
                    change_id=row.change_id,
                    job_table=row.job_table,
                    job_arn=row.job_arn,
                    status=row.status,
                    message=row.message,
                    changed_at=row.changed_at,
                )
                for row in connection.execute(query)
            ]

    def remove(self, changes: Iterable[StateChange]) -> None:
        """They have been announced, or never will be."""
        ids = [change.change_id for change in changes]
        if ids:
            with self._database.writing() as connection:
                connection.execute(delete(job_state_changes).where(job_state_changes.c.change_id.in_(ids)))
