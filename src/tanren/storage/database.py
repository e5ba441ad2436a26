"""The database: one connection pool, transactions that read and transactions that write.

SQLite runs in WAL mode with `synchronous=FULL`: a committed row survives kill -9 and a power cut. Writing transactions
begin with `BEGIN IMMEDIATE`, so that two writers wait for each other instead of failing half-way.
"""

import json
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url

BUSY_TIMEOUT_MS = 15_000
_WRITES = "tanren_writes"


class Database:
    """A pool over one database URL."""

    def __init__(self, url: str | URL) -> None:
        self.engine: Engine = create_engine(
            url, pool_pre_ping=make_url(url).get_backend_name() != "sqlite", json_deserializer=_read_json
        )
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A consistent view; nothing written in it is kept."""
        with self.engine.connect() as connection:
            yield connection
            connection.rollback()

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """All that is written in it is kept, or none."""
        with self.engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self.engine.dispose()


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
    # The driver must not begin transactions by itself: `_begin_sqlite` does, with the right lock.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = bool(connection.get_execution_options().get(_WRITES))
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _read_json(text: str) -> Any:
    """A JSON column. A page of a hundred jobs has five hundred, and Python's own reader takes ten times as long.

    That one knows numbers that are none (NaN), which SQLAlchemy writes as Python does, so it has the last word.
    """
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return json.loads(text)
