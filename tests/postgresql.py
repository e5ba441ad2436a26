"""PostgreSQL for tests: a server of our own, and databases that the migrations made once and each test copies."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, create_engine, make_url, text

from tanren.storage.database import upgrade

DEBIANS_FOLDER: Final = Path("/usr/lib/postgresql")
OWNER: Final = "postgres"
"""Who runs the server where we are root, whom PostgreSQL refuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlTemplate:
    server: URL
    name: str

    @contextmanager
    def copied(self) -> Generator[URL]:
        """The URL of a database of its own, which is dropped afterwards."""
        with new_database(self.server, template=self.name) as url:
            yield url


@contextmanager
def migrated_template(server: str) -> Generator[PostgresqlTemplate]:
    with new_database(make_url(server)) as url:
        upgrade(url.render_as_string(hide_password=False))
        yield PostgresqlTemplate(server=make_url(server), name=url.database or "")


@contextmanager
def new_database(server: URL, *, template: str = "template0") -> Generator[URL]:
    name = f"tanren_test_{secrets.token_hex(8)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        yield server.set(database=name)
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        engine.dispose()


def programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`; None where there are none."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(DEBIANS_FOLDER.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


@contextmanager
def running_server(folder: Path, *, port: int) -> Generator[URL]:
    """A server on loopback, by the programs in `folder`; it keeps what it has committed until the end."""
    # Its own folder directly in that of temporary files: pytest's own is closed to the other user.
    with tempfile.TemporaryDirectory(prefix="tanren-postgresql-") as home:
        is_root = os.geteuid() == 0
        if is_root:
            shutil.chown(home, OWNER)

        def run(program: str, *arguments: str) -> None:
            who: dict[str, Any] = {"user": OWNER, "group": OWNER} if is_root else {}
            command = [str(folder / program), "--pgdata", f"{home}/data", *arguments]
            subprocess.run(command, check=True, cwd=home, stdout=subprocess.DEVNULL, **who)

        run("initdb", "--auth", "trust", "--username", "tanren", "--encoding", "UTF8", "--locale", "C.UTF-8")
        options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1"
        run("pg_ctl", "--wait", "--log", f"{home}/log", "--options", options, "start")
        try:
            yield URL.create("postgresql", username="tanren", host="127.0.0.1", port=port, database="postgres")
        finally:
            run("pg_ctl", "--wait", "--mode", "immediate", "stop")
