"""What the audit log keeps through kills, several writers, full disks and new days."""

import os
import signal
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tanren.domain.errors import ServiceUnavailable
from tanren.storage import audit_log
from tanren.storage.audit_log import AuditLog
from tanren.storage.audit_records import FOLDER, call_events, log_files
from tanren.storage.audit_signatures import KEY_FILE, public_key_of
from tanren.storage.audit_verification import verify
from tests.unit.storage.audit_calls import call, the_file

ROOT = Path(__file__).parents[3]


def names(data_dir: Path) -> list[str]:
    return [event["eventID"] for event in call_events(data_dir)]


def verified(data_dir: Path):
    return verify(data_dir, [public_key_of(data_dir)])


def test_what_was_appended_is_read_back_in_order_and_verifies(tmp_path: Path):
    log = AuditLog(tmp_path)
    for number in range(5):
        log.append(call(number))
    log.close()
    assert names(tmp_path) == [f"event-{number}" for number in range(5)]
    found = verified(tmp_path)
    assert (found.findings, found.remarks, found.record_count, found.last_sequence) == ([], [], 5, 5)


def test_an_empty_log_verifies(tmp_path: Path):
    AuditLog(tmp_path).close()
    found = verified(tmp_path)
    assert (found.findings, found.record_count) == ([], 0)


def test_the_log_and_its_key_are_their_owners_alone(tmp_path: Path):
    log = AuditLog(tmp_path)
    log.append(call(0))
    log.close()
    paths = [tmp_path / KEY_FILE, the_file(tmp_path), tmp_path / FOLDER / "head.json"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o600] * 3
    assert stat.S_IMODE((tmp_path / FOLDER).stat().st_mode) == 0o700


def test_the_next_life_goes_on_with_the_chain_and_the_key(tmp_path: Path):
    for number in range(3):
        log = AuditLog(tmp_path)
        log.append(call(number))
        log.close()
    found = verified(tmp_path)
    assert (found.findings, found.remarks, found.record_count) == ([], [], 3)


def test_a_line_that_a_kill_has_cut_stays_and_is_named(tmp_path: Path):
    log = AuditLog(tmp_path)
    for number in range(2):
        log.append(call(number))
    log.close()
    path = the_file(tmp_path)
    whole = path.read_bytes()
    head = (tmp_path / FOLDER / "head.json").read_bytes()
    log = AuditLog(tmp_path)
    log.append(call(2))
    log.close()
    # As a kill in the middle of the third write leaves it.
    path.write_bytes(path.read_bytes()[: len(whole) + 40])
    (tmp_path / FOLDER / "head.json").write_bytes(head)
    log = AuditLog(tmp_path)
    log.append(call(3))
    log.close()
    assert path.read_bytes().startswith(whole)
    assert names(tmp_path) == ["event-0", "event-1", "event-3"]
    found = verified(tmp_path)
    assert found.findings == []
    (remark,) = found.remarks
    assert "cut after 40 bytes" in remark


def test_a_kill_between_record_and_head_leaves_nothing_to_say(tmp_path: Path):
    log = AuditLog(tmp_path)
    log.append(call(0))
    head = (tmp_path / FOLDER / "head.json").read_bytes()
    log.append(call(1))
    log.close()
    (tmp_path / FOLDER / "head.json").write_bytes(head)
    log = AuditLog(tmp_path)
    log.append(call(2))
    log.close()
    found = verified(tmp_path)
    assert (found.findings, found.remarks, found.record_count) == ([], [], 3)


def test_records_that_were_cut_off_before_a_start_are_noted_and_found_for_ever(tmp_path: Path):
    log = AuditLog(tmp_path)
    for number in range(4):
        log.append(call(number))
    log.close()
    path = the_file(tmp_path)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    log = AuditLog(tmp_path)
    log.append(call(4))
    log.close()
    found = verified(tmp_path)
    assert [finding.text for finding in found.findings] == ["2 records from 3 to 4 are missing before this line"]
    assert "records 3 to 4 were gone when the server started" in found.remarks[0]


def test_two_writers_make_one_chain(tmp_path: Path):
    one, other = AuditLog(tmp_path), AuditLog(tmp_path)
    for number in range(6):
        (one, other)[number % 2].append(call(number))
    one.close()
    other.close()
    assert names(tmp_path) == [f"event-{number}" for number in range(6)]
    assert verified(tmp_path).findings == []


@pytest.mark.parametrize("has_head", [True, False])
def test_a_writer_who_wrote_last_on_the_old_day_goes_on_after_the_one_who_began_the_new(
    tmp_path: Path, clock, monkeypatch: pytest.MonkeyPatch, has_head: bool
):
    one, other = AuditLog(tmp_path, clock=clock), AuditLog(tmp_path, clock=clock)
    other.append(call(0))
    one.append(call(1))
    clock.advance(days=1)
    if not has_head:
        # As where every head fails: what is known of the other is then the file alone.
        monkeypatch.setattr(AuditLog, "_seal", lambda self: None)
    other.append(call(2))
    other.append(call(3))
    one.append(call(4))
    other.append(call(5))
    one.close()
    other.close()
    assert names(tmp_path) == [f"event-{number}" for number in range(6)]
    found = verified(tmp_path)
    assert (found.findings, found.last_sequence) == ([], 6)


def test_writers_go_on_after_each_other_in_the_file_after_a_full_one(tmp_path: Path):
    one, other = (AuditLog(tmp_path, largest_file_bytes=1500) for _ in range(2))
    for number, writer in enumerate([one, other, one, one, one, other, other, other, one, other, one, other]):
        writer.append(call(number))
    one.close()
    other.close()
    assert len(log_files(tmp_path)) > 2
    assert names(tmp_path) == [f"event-{number}" for number in range(12)]
    found = verified(tmp_path)
    assert (found.findings, found.remarks, found.last_sequence) == ([], [], 12)


def test_a_writer_whose_clock_is_behind_stays_on_the_chain(tmp_path: Path, clock):
    behind, ahead = AuditLog(tmp_path, clock=clock), AuditLog(tmp_path, clock=lambda: clock() + timedelta(days=1))
    behind.append(call(0))
    for number, writer in enumerate([ahead, behind, ahead, behind], start=1):
        writer.append(call(number))
    behind.close()
    ahead.close()
    assert names(tmp_path) == [f"event-{number}" for number in range(5)]
    assert verified(tmp_path).findings == []


def test_writers_in_processes_of_their_own_lose_nothing_of_each_other(tmp_path: Path):
    program = (
        "import sys; from pathlib import Path;"
        "from tanren.storage.audit_log import AuditLog; from tests.unit.storage.audit_calls import call;"
        "log = AuditLog(Path(sys.argv[1])); base = int(sys.argv[2]);"
        "[log.append(call(base + n)) for n in range(50)]; log.close()"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path), str(base)], env=environment)
        for base in (0, 1000)
    ]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    assert sorted(names(tmp_path)) == sorted(f"event-{base + n}" for base in (0, 1000) for n in range(50))
    assert verified(tmp_path).findings == []


def test_a_killed_process_loses_nothing_that_it_appended(tmp_path: Path):
    program = (
        "import os, sys; from pathlib import Path;"
        "from tanren.storage.audit_log import AuditLog; from tests.unit.storage.audit_calls import call;"
        "log = AuditLog(Path(sys.argv[1])); [log.append(call(n)) for n in range(7)]; os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(names(tmp_path)) == 7
    assert verified(tmp_path).findings == []


def test_a_new_day_and_a_full_file_begin_a_file_and_the_chain_goes_on(tmp_path: Path, clock):
    log = AuditLog(tmp_path, clock=clock, largest_file_bytes=1500)
    log.append(call(0))
    clock.advance(days=1)
    for number in range(1, 4):
        log.append(call(number))
    log.close()
    names_of_files = [path.name for path in log_files(tmp_path)]
    assert names_of_files[:2] == ["000000000001-2026-11-21.jsonl", "000000000002-2026-11-22.jsonl"]
    assert len(names_of_files) > 2
    assert len(names(tmp_path)) == 4
    assert verified(tmp_path).findings == []


def test_while_it_cannot_be_written_requests_are_refused_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    log = AuditLog(tmp_path)
    log.append(call(0))
    written = os.write

    def full(descriptor: int, content: bytes) -> int:
        # A disk with forty bytes left.
        return written(descriptor, content[:40])

    monkeypatch.setattr(audit_log.os, "write", full)
    with pytest.raises(ServiceUnavailable, match="none may go unrecorded"):
        log.append(call(1))
    for _ in range(2):
        with pytest.raises(ServiceUnavailable):
            log.check()
    monkeypatch.undo()
    log.check()
    log.append(call(2))
    log.close()
    assert names(tmp_path) == ["event-0", "event-1", "event-2"]
    found = verified(tmp_path)
    assert found.findings == []
    assert [remark.split(": ")[-1] for remark in found.remarks] == [
        "2 requests had been refused, because the log could not be written."
    ]


def test_text_of_any_kind_is_kept_as_it_came(tmp_path: Path):
    odd = '鍛錬 \ud800 \u2028 \x00 " \\ ,"hash":"' + "0" * 64
    log = AuditLog(tmp_path)
    log.append(call(0, parameters={"name": odd}, user_agent=odd))
    log.close()
    (event,) = call_events(tmp_path)
    assert (event["requestParameters"]["name"], event["userAgent"]) == (odd, odd)
    assert verified(tmp_path).findings == []
