"""Fixtures that every suite may use.

pytest --postgresql postgresql://USER@HOST:PORT/DATABASE tests/unit        the same tests over PostgreSQL
pytest --long -m long tests                                                those that `make proofs` runs
"""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tanren.domain.scope import Scope
from tanren.storage.database import Database, sqlite_url, upgrade
from tests.postgresql import PostgresqlTemplate, migrated_template


class SteppingClock:
    """Each look is one millisecond after the one before; `advance` jumps."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
def new_id() -> Callable[[], str]:
    """000000000001, 000000000002, …"""
    numbers = iter(range(1, 10_000))
    return lambda: f"{next(numbers):012d}"


@pytest.fixture
def scope() -> Scope:
    return Scope(account_id="123456789012", region="us-west-2")


@pytest.fixture
def other_scope() -> Scope:
    return Scope(account_id="210987654321", region="us-west-2")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--postgresql", metavar="URL", help="of a server on which test databases may be made and dropped")

    parser.addoption("--long", action="store_true", help="also what takes a minute or more by itself")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--long"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="takes long; `make proofs` runs it"))
    if config.getoption("--postgresql"):
        for item in items:
            if item.get_closest_marker("sqlite"):
                item.add_marker(pytest.mark.skip("about SQLite alone"))


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database that the migrations made, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "tanren.db"
    upgrade(sqlite_url(path))
    return path


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path, migrated_file: Path) -> Iterator[Database]:
    """Migrated and empty: SQLite, or where `--postgresql` names a server, a database of its own there."""
    if request.config.getoption("--postgresql"):
        with request.getfixturevalue("migrated_postgresql").copied() as url:
            opened = Database(url)
            yield opened
            opened.close()
        return
    path = tmp_path / "tanren.db"
    shutil.copyfile(migrated_file, path)
    opened = Database(sqlite_url(path))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def migrated_postgresql(request: pytest.FixtureRequest) -> Iterator[PostgresqlTemplate]:
    with migrated_template(request.config.getoption("--postgresql")) as template:
        yield template
