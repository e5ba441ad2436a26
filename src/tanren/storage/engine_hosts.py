"""Which base models are wanted in memory, and where their engine hosts listen.

The gateway and the worker write what they want; the supervisor reads it, starts the process and writes where
it listens.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import insert, select, update

from tanren.storage.database import Database
from tanren.storage.tables import engine_hosts


class EngineHostStatus(StrEnum):
    WANTED = "Wanted"
    STARTING = "Starting"
    READY = "Ready"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineHost:
    base_folder: str
    socket_path: str
    """Empty until the host has been started."""
    status: EngineHostStatus
    failure_message: str | None


class EngineHosts:
    def __init__(self, database: Database) -> None:
        self.database = database

    def want(self, base_folder: str, *, at: datetime) -> EngineHost:
        """The host of this base: asked for now, if nobody had; asked for again, if it had failed."""
        known = self.find(base_folder)
        if known is not None and known.status is not EngineHostStatus.FAILED:
            return known
        with self.database.writing() as connection:
            query = select(engine_hosts.c.status).where(engine_hosts.c.base_folder == base_folder)
            row = connection.execute(query).one_or_none()
            wanted = {"status": EngineHostStatus.WANTED, "socket_path": "", "failure_message": None, "updated_at": at}
            if row is None:
                connection.execute(insert(engine_hosts).values(base_folder=base_folder, **wanted))
            elif row.status == EngineHostStatus.FAILED:
                connection.execute(
                    update(engine_hosts).where(engine_hosts.c.base_folder == base_folder).values(**wanted)
                )
        return EngineHost(base_folder=base_folder, socket_path="", status=EngineHostStatus.WANTED, failure_message=None)

    def find(self, base_folder: str) -> EngineHost | None:
        return next((host for host in self.every() if host.base_folder == base_folder), None)

    def every(self) -> list[EngineHost]:
        with self.database.reading() as connection:
            rows = connection.execute(select(engine_hosts)).all()
        return [
            EngineHost(
                base_folder=row.base_folder,
                socket_path=row.socket_path,
                status=EngineHostStatus(row.status),
                failure_message=row.failure_message,
            )
            for row in rows
        ]

    def set(
        self,
        base_folder: str,
        status: EngineHostStatus,
        *,
        at: datetime,
        socket_path: str = "",
        failure_message: str | None = None,
    ) -> None:
        with self.database.writing() as connection:
            connection.execute(
                update(engine_hosts)
                .where(engine_hosts.c.base_folder == base_folder)
                .values(status=status, socket_path=socket_path, failure_message=failure_message, updated_at=at)
            )

    def forget_processes(self, *, at: datetime) -> None:
        """At the start of a supervisor no host runs, whatever the table says; what was wanted is wanted still."""
        with self.database.writing() as connection:
            connection.execute(
                update(engine_hosts).values(
                    status=EngineHostStatus.WANTED, socket_path="", failure_message=None, updated_at=at
                )
            )
