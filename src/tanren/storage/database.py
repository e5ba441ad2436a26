"""The database: one connection pool, transactions that read and transactions that write.

SQLite runs in WAL mode, and what `writing` has written survives kill -9 and a power cut once it returns: the log is
brought to the disk after the commit, once for all who have committed by then (`shared_sync.py`), so that thirty
requests at the same time wait for a few syncs and not for thirty. Another transaction may read a row just before it is
on the disk; what it then commits comes after that row in the log, and is never there without it. Writing transactions
take turns: those of one process by a lock, which wakes the next at once, those of several by `BEGIN IMMEDIATE`, where
SQLite looks again after a sleep.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, cast

import msgspec
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from tanren.domain.errors import ValidationFailed
from tanren.storage.shared_sync import SharedSync

BUSY_TIMEOUT_MS = 15_000


class Database:
    """A pool over one database URL."""

    def __init__(self, url: str | URL) -> None:
        """Raises   ValidationFailed for a URL that is none, and where its driver is not installed."""
        self.engine: Engine = _engine(url)
        self._turn: AbstractContextManager[Any] = nullcontext()
        self._sync: Callable[[], None] = _nothing
        self._begin: Callable[[Connection, str], None] = _begun_by_the_driver
        self._watch: SqliteWatch | None = None
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _prepare_sqlite)
            self._begin = _begin_sqlite
            self._turn = threading.Lock()
            if self.engine.url.database:
                self._watch = SqliteWatch(self.engine.url.database)
                self._sync = SharedSync(_sync_of_log(Path(self.engine.url.database)))

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A consistent view; nothing written in it is kept."""
        # Closing it rolls back.
        with self.engine.connect() as connection:
            self._begin(connection, "BEGIN")
            yield connection

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """All that is written in it is kept, or none."""
        with self._turn, self.engine.connect() as connection, connection.begin():
            self._begin(connection, "BEGIN IMMEDIATE")
            yield connection
        self._sync()

    def version(self) -> int | None:
        """A number that is another one after each commit, by whichever process; it costs some microseconds, and no
        thread. None where it would cost a visit to a server."""
        return None if self._watch is None else self._watch.version()

    def close(self) -> None:
        self.engine.dispose()
        if self._watch is not None:
            self._watch.close()


class SqliteWatch:
    """Sees that a file was written to: a connection that never writes, for which every commit is somebody else's."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._turn = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def version(self) -> int:
        with self._turn:
            if self._connection is None:
                self._connection = sqlite3.connect(self._path, check_same_thread=False)
                self._connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
            return int(version)

    def close(self) -> None:
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def _engine(url: str | URL) -> Engine:
    try:
        parsed = make_url(url)
        is_sqlite = parsed.get_backend_name() == "sqlite"
        # Last in, first out: who was there last has the pages that are asked for next. One in memory has no queue.
        queue = {} if is_sqlite and not parsed.database else {"pool_use_lifo": True}
        return create_engine(parsed, pool_pre_ping=not is_sqlite, json_deserializer=_read_json, **queue)
    except ArgumentError as error:
        raise ValidationFailed(
            "database_url is no URL of a database that is known; write it as "
            "postgresql://USER:PASSWORD@HOST:5432/DATABASE, or leave it empty for SQLite in the data directory."
        ) from error
    except ModuleNotFoundError as error:
        raise ValidationFailed(
            f"database_url needs the driver {error.name}, which is not installed: pip install 'tanren[postgresql]'"
        ) from error


def sqlite_url(path: Path) -> str:
    """Of a file whatever characters its path has."""
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def upgrade(url: str) -> None:
    """Brings the schema up to date; alembic is imported here because only the supervisor needs it."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = url
    command.upgrade(config, "head")


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # This driver must not begin transactions by itself: `_begin_sqlite` does, with the right lock.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    (mode,) = cursor.execute("PRAGMA journal_mode = WAL").fetchone()
    # NORMAL syncs what checkpoints need, and leaves the log to `writing`. Without a log SQLite has to sync itself.
    cursor.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection, statement: str) -> None:
    # The driver itself is asked: as an event and a statement of SQLAlchemy's it takes longer than the read of a row.
    cast("sqlite3.Connection", connection.connection.driver_connection).execute(statement)


def _begun_by_the_driver(connection: Connection, statement: str) -> None:
    pass


def _sync_of_log(database: Path) -> Callable[[], None]:
    path = database.with_name(f"{database.name}-wal")

    def sync() -> None:
        # Without a log all of it is in the database file: SQLite brought that to the disk before it removed the log.
        with suppress(FileNotFoundError):
            log = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                os.fdatasync(log)
            finally:
                os.close(log)

    return sync


def _nothing() -> None:
    pass


def _read_json(text: str) -> Any:
    """A JSON column. A page of a hundred jobs has five hundred, and Python's own reader takes ten times as long.

    That one knows numbers that are none (NaN), which SQLAlchemy writes as Python does, so it has the last word.
    """
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return json.loads(text)
