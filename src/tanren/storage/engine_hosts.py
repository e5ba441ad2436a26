"""Which base models are wanted in memory, and where their engine hosts listen.

The gateway and the worker write what they want; the supervisor reads it, starts the process and writes where
it listens. A host that could not be started stays `Failed`, with the reason,
until its pause is over and somebody asks again.

Whoever asks leaves a note of when, though not at every request, so that a base which nobody asks for can be let go.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from tanren.storage.database import Database
from tanren.storage.tables import engine_hosts

FAILED_PAUSE = timedelta(seconds=60)
"""How long a failed host is left alone: what made it fail does not go away in a moment."""

USE_NOTED_EVERY = timedelta(seconds=10)
"""A request costs no write but the first in so long. An idle time must be longer."""

_BY_FOLDER = select(engine_hosts).where(engine_hosts.c.base_folder == bindparam("base_folder"))
"""Written once: to write it anew for every request would cost more than to run it."""


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
    updated_at: datetime
    used_at: datetime
    """When somebody last asked for it, give or take `USE_NOTED_EVERY`."""


class EngineHosts:
    def __init__(self, database: Database) -> None:
        self.database = database
        self._read_at: tuple[int | None, list[EngineHost]] = (None, [])
        """The database's version and all hosts, as they were read after it; one, since threads may ask."""

    def want(self, base_folder: str, *, at: datetime) -> EngineHost:
        """The host of this base: asked for now, if nobody had; asked for again, if it failed a while ago."""
        known = self.find(base_folder)
        if known is not None and not _may_try_again(known, at) and self._is_use_noted(known, at):
            return known
        with self.database.writing() as connection:
            # Another process may have asked meanwhile; only one of the two writes.
            known = _find(connection, base_folder)
            wanted = {
                "status": EngineHostStatus.WANTED,
                "socket_path": "",
                "failure_message": None,
                "updated_at": at,
                "used_at": at,
            }
            if known is None:
                connection.execute(insert(engine_hosts).values(base_folder=base_folder, **wanted))
            elif _may_try_again(known, at):
                connection.execute(
                    update(engine_hosts).where(engine_hosts.c.base_folder == base_folder).values(**wanted)
                )
            else:
                return known
        return EngineHost(
            base_folder=base_folder,
            socket_path="",
            status=EngineHostStatus.WANTED,
            failure_message=None,
            updated_at=at,
            used_at=at,
        )

    def is_noted(self, host: EngineHost, *, at: datetime) -> bool:
        """Whether to want this host now would change nothing, as long as nobody has changed its row."""
        return not _may_try_again(host, at) and at - host.used_at < USE_NOTED_EVERY

    def _is_use_noted(self, host: EngineHost, at: datetime) -> bool:
        """False where the host has been let go since it was looked up."""
        if at - host.used_at < USE_NOTED_EVERY:
            return True
        with self.database.writing() as connection:
            done = connection.execute(
                update(engine_hosts).where(engine_hosts.c.base_folder == host.base_folder).values(used_at=at)
            )
            return done.rowcount == 1

    def find(self, base_folder: str) -> EngineHost | None:
        with self.database.reading() as connection:
            return _find(connection, base_folder)

    def every(self) -> list[EngineHost]:
        # Asked for twenty times a second by the supervisor. The version first: a write meanwhile is seen the next time.
        version = self.database.version()
        known_version, hosts = self._read_at
        if version is None or version != known_version:
            with self.database.reading() as connection:
                hosts = [_read(row) for row in connection.execute(select(engine_hosts)).all()]
            self._read_at = (version, hosts)
        return list(hosts)

    def set(
        self,
        base_folder: str,
        status: EngineHostStatus,
        *,
        at: datetime,
        socket_path: str = "",
        failure_message: str | None = None,
    ) -> None:
        """Changes nothing if the row has gone meanwhile."""
        with self.database.writing() as connection:
            connection.execute(
                update(engine_hosts)
                .where(engine_hosts.c.base_folder == base_folder)
                .values(status=status, socket_path=socket_path, failure_message=failure_message, updated_at=at)
            )

    def forget(self, base_folder: str) -> None:
        """Nobody wants this base any more; the supervisor ends its host."""
        with self.database.writing() as connection:
            connection.execute(delete(engine_hosts).where(engine_hosts.c.base_folder == base_folder))

    def forget_unused(self, base_folder: str, *, since: datetime) -> bool:
        """As `forget`, unless somebody has asked for it since; whether it happened."""
        columns = engine_hosts.c
        with self.database.writing() as connection:
            done = connection.execute(
                delete(engine_hosts).where(
                    columns.base_folder == base_folder,
                    columns.status == EngineHostStatus.READY,
                    columns.used_at < since,
                )
            )
            return done.rowcount == 1

    def clear(self) -> None:
        """At the start of a supervisor no host runs, whatever the table says; who needs one asks again."""
        with self.database.writing() as connection:
            connection.execute(delete(engine_hosts))


def _may_try_again(host: EngineHost, now: datetime) -> bool:
    return host.status is EngineHostStatus.FAILED and now - host.updated_at > FAILED_PAUSE


def _find(connection: Connection, base_folder: str) -> EngineHost | None:
    row = connection.execute(_BY_FOLDER, {"base_folder": base_folder}).one_or_none()
    return None if row is None else _read(row)


def _read(row: Row[Any]) -> EngineHost:
    return EngineHost(
        base_folder=row.base_folder,
        socket_path=row.socket_path,
        status=EngineHostStatus(row.status),
        failure_message=row.failure_message,
        updated_at=row.updated_at,
        used_at=row.used_at or row.updated_at,
    )
