"""What is known of a server's processes, and by whom it was said."""

import fcntl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tanren.storage.process_states import ProcessState, read_process_states, write_process_states

STATES = [
    ProcessState(name="worker", is_running=False, started_at=datetime(2026, 11, 21, 12, 0, tzinfo=UTC), restart_count=2)
]


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock"
    path.touch()
    return path


@pytest.fixture
def held_lock(lock: Path) -> Iterator[Path]:
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield lock


def test_what_was_written_is_read_while_its_writer_lives(tmp_path: Path, held_lock: Path):
    write_process_states(tmp_path, STATES)
    assert read_process_states(tmp_path, held_lock) == STATES


def test_of_a_server_that_is_gone_nothing_is_known(tmp_path: Path, lock: Path):
    write_process_states(tmp_path, STATES)
    assert read_process_states(tmp_path, lock) is None
    assert read_process_states(tmp_path, tmp_path / "none") is None


def test_a_server_that_has_not_told_yet_is_none_that_has_nothing(tmp_path: Path, held_lock: Path):
    assert read_process_states(tmp_path, held_lock) is None
