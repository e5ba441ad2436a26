"""The supervisor's rounds, what it tells, and how it stops, with small processes in the place of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tanren import supervisor as module
from tanren.settings import read_settings
from tanren.storage.engine_hosts import EngineHost
from tanren.supervision.child import Child
from tanren.supervisor import Supervisor


class Rows:
    """`EngineHosts` when nobody wants one. Looks fail so many times first."""

    def __init__(self, *, failures: int = 0) -> None:
        self.failures = failures

    def every(self) -> list[EngineHost]:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("database is locked")
        return []


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    monkeypatch.setattr("tanren.supervision.child.FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(module, "ROUND_PAUSE_SECONDS", 0.05)
    made = Supervisor(settings=read_settings({}, data_dir=tmp_path / "data"), on_ready=lambda _: None)
    made.settings.data_dir.mkdir()
    yield made
    made._stop_all()


def _rounds(supervisor: Supervisor, rows: Rows, until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not until():
        assert time.monotonic() < deadline
        supervisor.look_after(rows)
        time.sleep(0.01)


def _child(tmp_path: Path, program: str) -> Child:
    return Child(
        name="child",
        argv=[sys.executable, "-c", program],
        environment=dict(os.environ),
        log_path=tmp_path / "child.log",
    )


def test_a_round_that_fails_is_logged_and_tried_again(supervisor, tmp_path, caplog):
    child = _child(tmp_path, "")
    supervisor.children.append(child)
    child.start()
    _rounds(supervisor, Rows(failures=1), lambda: supervisor.told != [])
    assert "database is locked" in caplog.text


def test_each_group_of_a_stop_has_its_own_deadline(supervisor, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "DRAIN_SECONDS", 2.0)
    stubborn = "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); signal.pause()"
    writes = (
        "import signal, sys, time\n"
        f"def end(*_): time.sleep(0.5); open({str(tmp_path / 'state')!r}, 'w'); sys.exit()\n"
        "signal.signal(15, end); print('up', flush=True)\nwhile True: time.sleep(60)"
    )
    for name, program in (("gateway", stubborn), ("neighbourhood", writes)):
        child = replace(_child(tmp_path, program), name=name, log_path=tmp_path / f"{name}.log")
        supervisor.children.append(child)
        child.start()
    deadline = time.monotonic() + 20
    while not all(child.log_path.read_text() == "up\n" for child in supervisor.children):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    supervisor._stop_all()
    assert supervisor.children[0].process.returncode == -signal.SIGKILL
    assert (tmp_path / "state").exists()


def test_a_second_ctrl_c_kills_at_once(tmp_path):
    script = f"""
import os, signal, sys, time
from pathlib import Path
from tanren.settings import Settings
from tanren.supervision.child import Child
from tanren.supervisor import Supervisor
program = "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); signal.pause()"
log = Path({str(tmp_path / "log")!r})
child = Child(name="gateway", argv=[sys.executable, "-c", program], environment=dict(os.environ), log_path=log)
made = Supervisor(settings=Settings(), on_ready=print, children=[child])
signal.signal(signal.SIGINT, made._on_signal)
child.start()
while log.read_text() != "up\\n":
    time.sleep(0.01)
print(child.process.pid, flush=True)
while not made.is_stopping:
    time.sleep(0.01)
print("stopping", flush=True)
made._stop_all()
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        pid = int(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "stopping\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 130
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    assert state.strip() == "" or state.startswith("Z")


def test_how_the_processes_are_is_written_down_when_it_changes(supervisor, tmp_path):
    child = _child(tmp_path, "")
    supervisor.children.append(child)
    child.start()
    supervisor.look_after(Rows())
    told = supervisor.settings.data_dir / "processes.json"
    assert json.loads(told.read_text())[0]["restart_count"] == 0
    _rounds(supervisor, Rows(), lambda: child.start_count == 2)
    (written,) = json.loads(told.read_text())
    assert (written["name"], written["restart_count"]) == ("child", 1)
    child.wait(time.monotonic())
