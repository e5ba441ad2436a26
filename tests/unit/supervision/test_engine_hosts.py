"""The processes of engine hosts, with small programs in their place, and rows in the place of the database."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tanren.domain.clock import utc_now
from tanren.settings import read_settings
from tanren.storage.engine_hosts import EngineHost, EngineHostStatus
from tanren.supervision import engine_hosts as module
from tanren.supervision.engine_hosts import EngineHostProcesses

BASE = "/models/base"
SLEEPS = "import time; time.sleep(60)"
BINDS = "import sys, time; open(sys.argv[1], 'w'); time.sleep(60)"
DIES = "import sys; print('the weights are broken', flush=True); sys.exit(3)"


class Rows:
    """What `EngineHosts` is to the processes."""

    def __init__(self) -> None:
        self.rows: dict[str, EngineHost] = {}

    def want(self, base_folder: str) -> None:
        self.rows[base_folder] = EngineHost(
            base_folder=base_folder,
            socket_path="",
            status=EngineHostStatus.WANTED,
            failure_message=None,
            updated_at=utc_now(),
            used_at=utc_now(),
        )

    def every(self) -> list[EngineHost]:
        return list(self.rows.values())

    def set(self, base_folder: str, status: EngineHostStatus, *, at: Any, **changes: Any) -> None:
        if base_folder in self.rows:
            values = {"socket_path": "", "failure_message": None, **changes}
            self.rows[base_folder] = replace(self.rows[base_folder], status=status, updated_at=at, **values)

    @property
    def status(self) -> EngineHostStatus:
        return self.rows[BASE].status


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineHostProcesses]:
    monkeypatch.setattr("tanren.supervision.child.FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(module, "socket_folder", lambda _: tmp_path)
    made = EngineHostProcesses(drain_seconds=20)
    yield made
    for child in made.children:
        child.kill()
        child.wait(time.monotonic() + 20)


@pytest.fixture
def look(hosts: EngineHostProcesses, tmp_path: Path) -> Callable[[Rows], None]:
    """One round."""
    settings = read_settings({}, data_dir=tmp_path / "data")
    return lambda rows: hosts.look_after(rows, settings, inherited=os.environ)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the program that stands for an engine host; its argument is the socket's path."""

    def set_program(program: str) -> None:
        monkeypatch.setattr(
            module, "engine_host_command", lambda _base, path, _settings: [sys.executable, "-c", program, str(path)]
        )

    return set_program


@pytest.fixture
def rounds(look: Callable[[Rows], None]) -> Callable[[Rows, Callable[[], bool]], None]:
    """As many as it takes."""

    def go(rows: Rows, until: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not until():
            assert time.monotonic() < deadline, rows.rows
            look(rows)
            time.sleep(0.01)

    return go


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_engine_host_is_ready_when_its_socket_is_there(rounds, runs):
    runs(BINDS)
    rows = Rows()
    rows.want(BASE)
    rounds(rows, lambda: rows.status is EngineHostStatus.READY)
    assert Path(rows.rows[BASE].socket_path).exists()


def test_a_socket_that_the_last_life_of_the_server_left_is_not_taken_for_an_answer(hosts, look, runs):
    runs(SLEEPS)
    rows = Rows()
    rows.want(BASE)
    look(rows)
    host = hosts.hosts.pop(BASE)
    host.socket_path.touch()
    host.child.kill()
    host.child.wait(time.monotonic() + 20)
    hosts.sockets_made = 0
    rows.want(BASE)
    for _ in range(5):
        look(rows)
    assert rows.rows[BASE].socket_path == str(host.socket_path)
    assert rows.status is EngineHostStatus.STARTING


def test_an_engine_host_that_cannot_start_fails_with_the_end_of_its_log(look, rounds, runs, tmp_path):
    runs(DIES)
    rows = Rows()
    rows.want(BASE)
    rounds(rows, lambda: rows.status is EngineHostStatus.FAILED)
    message = rows.rows[BASE].failure_message
    assert "exit code 3" in message
    assert "the weights are broken" in message
    (log,) = (tmp_path / "data" / "logs").glob("engine-host-*.log")
    assert str(log) in message
    assert log.read_text().count("broken") == module.FAILED_STARTS_ALLOWED
    # Failed stays failed until somebody asks again; then it is tried afresh.
    for _ in range(20):
        look(rows)
    assert log.read_text().count("broken") == module.FAILED_STARTS_ALLOWED
    runs(BINDS)
    rows.want(BASE)
    rounds(rows, lambda: rows.status is EngineHostStatus.READY)


def test_the_host_of_a_row_that_has_gone_is_stopped_and_forgotten(hosts, rounds, runs):
    runs(BINDS)
    rows = Rows()
    rows.want(BASE)
    rounds(rows, lambda: rows.status is EngineHostStatus.READY)
    pid = hosts.hosts[BASE].child.process.pid
    rows.rows.clear()
    rounds(rows, lambda: not hosts.hosts and not hosts.leaving)
    assert not _is_alive(pid)


def test_a_ready_host_that_dies_is_started_again_at_another_socket(hosts, rounds, runs):
    runs(BINDS)
    rows = Rows()
    rows.want(BASE)
    rounds(rows, lambda: rows.status is EngineHostStatus.READY)
    first = rows.rows[BASE].socket_path
    host = hosts.hosts[BASE].child
    host.process.kill()
    rounds(rows, lambda: rows.status is not EngineHostStatus.READY)
    rounds(rows, lambda: rows.status is EngineHostStatus.READY)
    assert rows.rows[BASE].socket_path != first
    assert host.quick_deaths == 1


def test_a_ready_host_that_lives_and_does_not_answer_is_killed_and_started_again(
    hosts, rounds, runs, monkeypatch, caplog
):
    monkeypatch.setattr("tanren.jobs.heartbeat.SILENCE_SECONDS", 0.2)
    runs("import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); time.sleep(60)")
    rows = Rows()
    rows.want(BASE)
    rounds(rows, lambda: rows.status is EngineHostStatus.READY)
    first = hosts.hosts[BASE].child.process.pid
    rounds(rows, lambda: hosts.hosts[BASE].child.process.pid != first)
    assert "does not answer" in caplog.text
    assert not _is_alive(first)


def test_an_engine_host_is_started_with_the_settings_of_the_engine(tmp_path: Path):
    given = {
        "TANREN_ENGINE": "reference",
        "TANREN_ENGINE_MAX_ACTIVE": "5",
        "TANREN_ENGINE_MAX_ADAPTERS": "7",
        "TANREN_ENGINE_KEY_VALUE_MEGABYTES": "77",
    }
    command = module.engine_host_command("/base", Path("/socket"), read_settings(given, data_dir=tmp_path))
    told = dict(zip(command[3::2], command[4::2], strict=True))
    assert told == {
        "--base-folder": "/base",
        "--socket": "/socket",
        "--engine": "reference",
        "--max-active": "5",
        "--max-adapters": "7",
        "--key-value-megabytes": "77",
    }
    assert "--key-value-megabytes" not in module.engine_host_command("/base", Path("/s"), read_settings({}))
