"""Records of invocations survive the process that made them, and are taken up by the next."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tanren.domain.errors import ServiceUnavailable
from tanren.storage import invocation_log_spool
from tanren.storage.invocation_log_spool import FOLDER, InvocationLogSpool

ROOT = Path(__file__).parents[3]
CONFIG = {"s3Config": {"bucketName": "logs"}}


def record(number: int) -> dict:
    return {"requestId": f"r{number}", "timestamp": "2026-11-21T12:00:00Z"}


def test_records_of_one_destination_are_one_batch_after_a_minute(tmp_path, clock, scope):
    spool = InvocationLogSpool(tmp_path, clock=clock)
    spool.append(scope, CONFIG, record(1))
    spool.append(scope, CONFIG, record(2))
    spool.end_due()
    assert spool.ready() == []
    clock.advance(seconds=60)
    spool.end_due()
    (batch,) = spool.ready()
    assert (batch.scope, batch.config) == (scope, CONFIG)
    assert list(batch.records()) == [record(1), record(2)]
    spool.remove(batch)
    assert spool.ready() == []


def test_another_account_or_configuration_is_another_batch(tmp_path, clock, scope, other_scope):
    spool = InvocationLogSpool(tmp_path, clock=clock)
    spool.append(scope, CONFIG, record(1))
    spool.append(other_scope, CONFIG, record(2))
    spool.append(scope, {**CONFIG, "textDataDeliveryEnabled": False}, record(3))
    spool.end_due(all_of_them=True)
    assert [[each["requestId"] for each in batch.records()] for batch in spool.ready()] == [["r1"], ["r2"], ["r3"]]


def test_a_large_batch_does_not_wait_for_its_minute(tmp_path, clock, scope, monkeypatch):
    monkeypatch.setattr(invocation_log_spool, "LARGEST_BATCH_BYTES", 1000)
    spool = InvocationLogSpool(tmp_path, clock=clock)
    spool.append(scope, CONFIG, {**record(1), "text": "x" * 1000})
    spool.end_due()
    assert len(spool.ready()) == 1


def test_what_a_killed_process_had_filled_is_ready_and_what_a_living_one_fills_is_not(tmp_path, clock, scope):
    program = (
        "import os, sys; from pathlib import Path; from tanren.domain.clock import utc_now;"
        "from tanren.domain.scope import Scope; from tanren.storage.invocation_log_spool import InvocationLogSpool;"
        "spool = InvocationLogSpool(Path(sys.argv[1]), clock=utc_now);"
        "scope = Scope(account_id='123456789012', region='us-west-2');"
        "spool.append(scope, {'s3Config': {'bucketName': 'logs'}}, {'requestId': 'killed'});"
        "os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], env=environment, check=False).returncode == -9
    living = InvocationLogSpool(tmp_path, clock=clock)
    living.append(scope, CONFIG, record(1))
    (batch,) = InvocationLogSpool(tmp_path, clock=clock).ready()
    assert [each["requestId"] for each in batch.records()] == ["killed"]


def test_a_record_that_a_kill_has_cut_is_left_out_and_told(tmp_path, clock, scope, caplog):
    spool = InvocationLogSpool(tmp_path, clock=clock)
    spool.append(scope, CONFIG, record(1))
    spool.end_due(all_of_them=True)
    (batch,) = spool.ready()
    with batch.path.open("ab") as file:
        file.write(b'{"requestId":"r2","inp')
    assert list(batch.records()) == [record(1)]
    assert "was cut" in caplog.text


def test_a_file_without_a_whole_first_line_holds_nothing(tmp_path, clock):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "0011223344556677.filling").write_bytes(b'{"accountId": "1234')
    assert InvocationLogSpool(tmp_path, clock=clock).ready() == []


def test_a_record_that_could_not_be_written_whole_spoils_no_other(tmp_path, clock, scope, monkeypatch):
    spool = InvocationLogSpool(tmp_path, clock=clock)
    spool.append(scope, CONFIG, record(1))
    written = os.write
    monkeypatch.setattr(invocation_log_spool.os, "write", lambda descriptor, line: written(descriptor, line[:5]))
    with pytest.raises(OSError, match="is the disk full"):
        spool.append(scope, CONFIG, record(2))
    monkeypatch.undo()
    spool.append(scope, CONFIG, record(3))
    spool.end_due(all_of_them=True)
    (batch,) = spool.ready()
    assert list(batch.records()) == [record(1), record(3)]


def test_the_spool_is_its_owners_alone(tmp_path, clock, scope):
    spool = InvocationLogSpool(tmp_path, clock=clock)
    spool.append(scope, CONFIG, record(1))
    (path,) = (tmp_path / FOLDER).glob("*.filling")
    assert [each.stat().st_mode & 0o777 for each in (path, path.parent)] == [0o600, 0o700]


def test_a_full_disk_costs_neither_descriptors_nor_files(tmp_path, clock, scope, monkeypatch):
    spool = InvocationLogSpool(tmp_path, clock=clock)

    def full(descriptor: int, line: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(invocation_log_spool.os, "write", full)
    before = os.listdir("/proc/self/fd")
    for _ in range(5):
        with pytest.raises(OSError, match="No space left"):
            spool.append(scope, CONFIG, record(1))
    assert len(os.listdir("/proc/self/fd")) == len(before)
    assert list((tmp_path / FOLDER).glob("*.filling")) == []
    monkeypatch.undo()
    spool.append(scope, CONFIG, record(2))
    spool.end_due(all_of_them=True)
    assert [batch.records() for batch in spool.ready()] == [[record(2)]]


def test_an_account_whose_room_is_full_is_told_and_others_are_not(tmp_path, clock, scope, other_scope):
    spool = InvocationLogSpool(tmp_path, clock=clock, room_bytes=1000)
    spool.append(scope, CONFIG, {**record(1), "text": "x" * 1000})
    with pytest.raises(ServiceUnavailable, match=r"fill the 0\.001 MB that an account has .* DeleteModelInvocation"):
        spool.check_room(scope)
    spool.check_room(other_scope)
    # Neither another process nor the next life forgets it.
    with pytest.raises(ServiceUnavailable):
        InvocationLogSpool(tmp_path, clock=clock, room_bytes=1000).check_room(scope)
    spool.end_due(all_of_them=True)
    (batch,) = spool.ready()
    with pytest.raises(ServiceUnavailable):
        spool.check_room(scope)
    spool.remove(batch)
    assert spool.ready() == []
    spool.check_room(scope)


def test_a_file_that_does_not_say_whose_it_is_is_kept_aside(tmp_path, clock, caplog):
    (tmp_path / FOLDER).mkdir()
    content = b'["no", "account"]\n{"requestId": "r1"}\n'
    (tmp_path / FOLDER / "0011223344556677.ready").write_bytes(content)
    assert InvocationLogSpool(tmp_path, clock=clock).ready() == []
    (path,) = invocation_log_spool.unreadable(tmp_path)
    assert (path.read_bytes(), "do not say whose they are" in caplog.text) == (content, True)
