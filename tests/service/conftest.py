"""Fixtures of whole servers; every test here is marked `service`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.servers import Server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.service)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that leave it as it was."""
    made = Server(tmp_path_factory.mktemp("server") / "data")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server that the test may stop and kill."""
    made = Server(tmp_path / "data", {"TANREN_CHECKPOINT_SECONDS": "0.5"})
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill_group()
