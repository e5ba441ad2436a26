"""The supervisor's rounds with small processes in the place of its own, and rows in the place of the database."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tanren import supervisor as module
from tanren.control.access_keys import AccessKeyControl
from tanren.domain.clock import utc_now
from tanren.domain.errors import ValidationFailed
from tanren.domain.identities import new_unique_id
from tanren.settings import Settings, read_settings
from tanren.storage.database import Database
from tanren.storage.engine_hosts import EngineHost, EngineHostStatus
from tanren.storage.identity_database import IdentityDatabase
from tanren.storage.root_keys import read_root_keys
from tanren.supervisor import (
    Child,
    Supervisor,
    _prepare_tls,
    _root_keys,
    child_environment,
    log_tail,
    make_private,
)

BASE = "/models/base"
SLEEPS = "import time; time.sleep(60)"
BINDS = "import sys, time; open(sys.argv[1], 'w'); time.sleep(60)"
DIES = "import sys; print('the weights are broken', flush=True); sys.exit(3)"


class Rows:
    """What `EngineHosts` is to the supervisor."""

    def __init__(self) -> None:
        self.rows: dict[str, EngineHost] = {}
        self.failures = 0
        """Looks that still fail."""

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
        if self.failures:
            self.failures -= 1
            raise RuntimeError("database is locked")
        return list(self.rows.values())

    def set(self, base_folder: str, status: EngineHostStatus, *, at: Any, **changes: Any) -> None:
        if base_folder in self.rows:
            values = {"socket_path": "", "failure_message": None, **changes}
            self.rows[base_folder] = replace(self.rows[base_folder], status=status, updated_at=at, **values)

    @property
    def status(self) -> EngineHostStatus:
        return self.rows[BASE].status


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(module, "ROUND_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(module, "_socket_folder", lambda _: tmp_path)
    made = Supervisor(settings=read_settings({}, data_dir=tmp_path / "data"), on_ready=lambda _: None)
    yield made
    made._stop_all()


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the program that stands for an engine host; its argument is the socket's path."""

    def set_program(program: str) -> None:
        monkeypatch.setattr(
            module, "engine_host_command", lambda _base, path, _settings: [sys.executable, "-c", program, str(path)]
        )

    return set_program


def _rounds(supervisor: Supervisor, rows: Rows, until: Callable[[], bool], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, rows.rows
        supervisor.look_after(rows)
        time.sleep(0.01)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _child(tmp_path: Path, program: str) -> Child:
    return Child(
        name="child",
        argv=[sys.executable, "-c", program],
        environment=dict(os.environ),
        log_path=tmp_path / "child.log",
    )


def _died(child: Child) -> None:
    assert child.process is not None
    child.process.wait(timeout=20)
    assert child.has_died()


def test_an_engine_host_is_ready_when_its_socket_is_there(supervisor, runs):
    runs(BINDS)
    rows = Rows()
    rows.want(BASE)
    _rounds(supervisor, rows, lambda: rows.status is EngineHostStatus.READY)
    assert Path(rows.rows[BASE].socket_path).exists()


def test_a_socket_that_the_last_life_of_the_server_left_is_not_taken_for_an_answer(supervisor, runs):
    runs(SLEEPS)
    rows = Rows()
    rows.want(BASE)
    supervisor.look_after(rows)
    host = supervisor.engine_hosts.pop(BASE)
    host.socket_path.touch()
    host.child.kill()
    host.child.wait(time.monotonic() + 20)
    supervisor.sockets_made = 0
    rows.want(BASE)
    for _ in range(5):
        supervisor.look_after(rows)
    assert rows.rows[BASE].socket_path == str(host.socket_path)
    assert rows.status is EngineHostStatus.STARTING


def test_an_engine_host_that_cannot_start_fails_with_the_end_of_its_log(supervisor, runs):
    runs(DIES)
    rows = Rows()
    rows.want(BASE)
    _rounds(supervisor, rows, lambda: rows.status is EngineHostStatus.FAILED)
    message = rows.rows[BASE].failure_message
    assert "exit code 3" in message
    assert "the weights are broken" in message
    (log,) = (supervisor.settings.data_dir / "logs").glob("engine-host-*.log")
    assert str(log) in message
    assert log.read_text().count("broken") == module.FAILED_STARTS_ALLOWED
    # Failed stays failed until somebody asks again; then it is tried afresh.
    for _ in range(20):
        supervisor.look_after(rows)
    assert log.read_text().count("broken") == module.FAILED_STARTS_ALLOWED
    runs(BINDS)
    rows.want(BASE)
    _rounds(supervisor, rows, lambda: rows.status is EngineHostStatus.READY)


def test_the_host_of_a_row_that_has_gone_is_stopped_and_forgotten(supervisor, runs):
    runs(BINDS)
    rows = Rows()
    rows.want(BASE)
    _rounds(supervisor, rows, lambda: rows.status is EngineHostStatus.READY)
    pid = supervisor.engine_hosts[BASE].child.process.pid
    rows.rows.clear()
    _rounds(supervisor, rows, lambda: not supervisor.engine_hosts and not supervisor.leaving)
    assert not _is_alive(pid)


def test_a_ready_host_that_dies_is_started_again_at_another_socket(supervisor, runs):
    runs(BINDS)
    rows = Rows()
    rows.want(BASE)
    _rounds(supervisor, rows, lambda: rows.status is EngineHostStatus.READY)
    first = rows.rows[BASE].socket_path
    host = supervisor.engine_hosts[BASE].child
    host.process.kill()
    _rounds(supervisor, rows, lambda: rows.status is not EngineHostStatus.READY)
    _rounds(supervisor, rows, lambda: rows.status is EngineHostStatus.READY)
    assert rows.rows[BASE].socket_path != first
    assert host.quick_deaths == 1


def test_a_ready_host_that_lives_and_does_not_answer_is_killed_and_started_again(supervisor, runs, monkeypatch, caplog):
    monkeypatch.setattr("tanren.jobs.heartbeat.SILENCE_SECONDS", 0.2)
    runs("import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); time.sleep(60)")
    rows = Rows()
    rows.want(BASE)
    _rounds(supervisor, rows, lambda: rows.status is EngineHostStatus.READY)
    first = supervisor.engine_hosts[BASE].child.process.pid
    _rounds(supervisor, rows, lambda: supervisor.engine_hosts[BASE].child.process.pid != first)
    assert "does not answer" in caplog.text
    assert not _is_alive(first)


def test_a_round_that_fails_is_logged_and_tried_again(supervisor, runs, caplog):
    runs(BINDS)
    rows = Rows()
    rows.want(BASE)
    rows.failures = 1
    _rounds(supervisor, rows, lambda: rows.status is EngineHostStatus.READY)
    assert "database is locked" in caplog.text


def test_the_pauses_of_a_child_that_dies_again_and_again_grow_up_to_their_longest(tmp_path, monkeypatch):
    child = _child(tmp_path, "")
    child.start()
    _died(child)
    pauses = [child.pause]
    for _ in range(9):
        child.quick_deaths += 1
        pauses.append(child.pause)
    assert pauses[:4] == [0.1, 0.2, 0.4, 0.8]
    assert pauses[-1] == 10.0
    # The pause is counted from the death, however long the child lived.
    assert not child.may_start()
    child.died_at -= 10.0
    assert child.may_start()
    monkeypatch.setattr(module, "LONG_LIFE_SECONDS", 0.0)
    child.start()
    _died(child)
    assert (child.quick_deaths, child.pause) == (0, 0.1)
    child.wait(time.monotonic())


def test_a_child_leads_a_process_group_of_its_own(tmp_path):
    child = _child(tmp_path, SLEEPS)
    child.start()
    try:
        assert os.getpgid(child.process.pid) == child.process.pid != os.getpgid(0)
    finally:
        child.kill()
        child.wait(time.monotonic() + 20)


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
from tanren.supervisor import Child, Supervisor
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


def test_children_do_not_see_our_own_endpoint_and_reach_loopback_without_a_proxy():
    inherited = {"AWS_ENDPOINT_URL": "x", "AWS_ENDPOINT_URL_S3": "x", "AWS_PROFILE": "p", "NO_PROXY": "a.b"}
    seen = child_environment(inherited, Settings(port=5000))
    assert not [name for name in seen if name.startswith("AWS_ENDPOINT_URL")]
    assert seen["AWS_PROFILE"] == "p"
    assert seen["no_proxy"] == seen["NO_PROXY"] == "a.b,127.0.0.1,localhost"
    assert seen["TANREN_PORT"] == "5000"


def test_children_trust_whom_the_shell_trusts_but_for_our_own_authority(tmp_path: Path):
    settings = Settings(data_dir=tmp_path)
    assert "AWS_CA_BUNDLE" not in child_environment({"AWS_CA_BUNDLE": str(tmp_path / "tls" / "ca.pem")}, settings)
    assert child_environment({"AWS_CA_BUNDLE": "/etc/company.pem"}, settings)["AWS_CA_BUNDLE"] == "/etc/company.pem"


@pytest.mark.parametrize(
    ("settings", "endpoint", "has_bundle"),
    [
        (Settings(), "http://127.0.0.1:4500", False),
        (Settings(host="0.0.0.0", tls="local"), "https://127.0.0.1:4500", True),
        (Settings(tls="local", tls_names="*.s3.forge.test, forge.test"), "https://forge.test:4500", True),
    ],
)
def test_the_keys_say_where_the_server_is_and_whom_to_trust(
    tmp_path: Path, access_keys, settings, endpoint, has_bundle
):
    settings = replace(settings, data_dir=tmp_path)
    keys = _root_keys(settings, _prepare_tls(settings), access_keys)
    assert keys.endpoint == endpoint
    assert keys.ca_bundle == (str(tmp_path / "tls" / "ca.pem") if has_bundle else "")


def test_keys_stay_from_start_to_start_until_they_are_replaced_or_others_are_given(tmp_path: Path, access_keys):
    settings = Settings(data_dir=tmp_path)
    first = _root_keys(settings, None, access_keys)
    assert _root_keys(settings, None, access_keys) == first
    # Killed before the directory had it: the database has the last word.
    replaced = access_keys.rotate_first_root_key(settings.account, keep=lambda key: None)
    assert read_root_keys(tmp_path) == first
    found = _root_keys(settings, None, access_keys)
    assert (found.access_key_id, found.secret_access_key) == (replaced.access_key_id, replaced.secret_access_key)
    assert read_root_keys(tmp_path) == found
    given = _root_keys(replace(settings, access_key="AKIAGIVEN", secret_key="given"), None, access_keys)
    assert (given.access_key_id, given.is_given, found.is_given) == ("AKIAGIVEN", True, False)
    assert access_keys.root_key(settings.account) is None


@pytest.fixture
def access_keys(database: Database) -> AccessKeyControl:
    return AccessKeyControl(IdentityDatabase(database), clock=utc_now, new_id=new_unique_id)


def test_a_certificate_that_cannot_be_read_is_named_before_anything_starts(tmp_path: Path):
    missing = str(tmp_path / "none.pem")
    with pytest.raises(ValidationFailed, match=r"none\.pem cannot be read"):
        _prepare_tls(Settings(tls="files", tls_certificate=missing, tls_key=missing))


@pytest.mark.parametrize("exists", [True, False])
def test_the_data_directory_is_its_owners_alone(tmp_path, exists):
    data_dir = tmp_path / "data"
    if exists:
        data_dir.mkdir()
        data_dir.chmod(0o755)
    make_private(data_dir)
    assert data_dir.stat().st_mode & 0o777 == 0o700


def test_the_tail_of_a_log_is_whole_lines_of_at_most_five_hundred_characters(tmp_path):
    log = tmp_path / "log"
    assert log_tail(log) == ""
    log.write_text("".join(f"line {n} é\n" for n in range(200)))
    tail = log_tail(log)
    assert len(tail) <= 500
    assert tail.startswith("line ")
    assert tail.endswith("line 199 é")
    log.write_text("x" * 9000)
    assert log_tail(log) == "x" * 500


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


def test_how_the_processes_are_is_written_down_when_it_changes(supervisor, runs, tmp_path):
    supervisor.settings.data_dir.mkdir(exist_ok=True)
    child = _child(tmp_path, "")
    supervisor.children.append(child)
    child.start()
    rows = Rows()
    supervisor.look_after(rows)
    told = supervisor.settings.data_dir / "processes.json"
    assert json.loads(told.read_text())[0]["restart_count"] == 0
    _rounds(supervisor, rows, lambda: child.start_count == 2)
    supervisor.look_after(rows)
    (written,) = json.loads(told.read_text())
    assert (written["name"], written["restart_count"]) == ("child", 1)
    child.wait(time.monotonic())
