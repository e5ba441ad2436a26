import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tanren.cli.main import app
from tanren.domain.audit_events import Caller
from tanren.domain.clock import utc_now
from tanren.domain.errors import ValidationFailed
from tanren.storage.audit_log import AuditLog
from tanren.storage.audit_records import log_files
from tanren.storage.invocation_log_spool import InvocationLogSpool
from tests.unit.storage.audit_calls import call

MIKA = Caller(principal_arn="arn:aws:iam::123456789012:user/mika", account_id="123456789012", access_key_id="AKIAMIKA")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    log = AuditLog(tmp_path)
    log.append(call(1, at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)))
    log.append(call(2, name="InvokeModel", caller=MIKA, at=utc_now() - timedelta(minutes=5)))
    log.append(
        call(3, caller=Caller(access_key_id="AKIACLAIMED"), error_code="InvalidSignatureException", at=utc_now())
    )
    log.close()
    return tmp_path


def told(data_dir: Path, *arguments: str):
    return CliRunner().invoke(app, ["audit", *arguments, "--data-dir", str(data_dir)], env={"COLUMNS": "200"})


def numbers(data_dir: Path, *arguments: str) -> list[str]:
    result = told(data_dir, "list", "--output", "jsonl", *arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line)["eventID"].removeprefix("event-") for line in result.stdout.splitlines()]


def test_programs_read_cloudtrails_records_and_choose_among_them(data_dir: Path):
    assert numbers(data_dir) == ["1", "2", "3"]
    assert numbers(data_dir, "--since", "10m") == ["2", "3"]
    assert numbers(data_dir, "--since", "2026-01-02T03:04:05Z", "--event-name", "InvokeModel") == ["2"]
    assert numbers(data_dir, "--user", "user/mika") == ["2"]
    assert numbers(data_dir, "--user", "AKIACLAIMED") == ["3"]


def test_people_read_a_line_a_call_that_says_what_was_not_proved(data_dir: Path):
    lines = told(data_dir, "list").stdout.splitlines()
    assert lines[0].split() == ["time", "event", "who", "from", "result"]
    assert "bedrock CreateModelCustomizationJob" in lines[1]
    assert "user/mika" in lines[2]
    assert "unproved: AKIACLAIMED" in lines[3]
    assert "InvalidSignatureException" in lines[3]


def test_what_callers_wrote_says_nothing_to_the_terminal_nor_to_its_markup(tmp_path: Path):
    log = AuditLog(tmp_path)
    evil = "AKIA\x1b]0;owned\x07\x9b2J\u202e\ud800\r[red]x[/red]"
    log.append(call(1, name="Get\x1b[2J", caller=Caller(access_key_id=evil), source_ip="\x08", error_code="\x1b[1m"))
    log.close()
    shown = told(tmp_path, "list").stdout
    assert all(char.isprintable() or char == "\n" for char in shown)
    for text in (r"unproved: AKIA\x1b]0;owned\x07\x9b2J\u202e\ud800\r[red]x[/red]", r"bedrock Get\x1b[2J", r"\x08"):
        assert text in shown
    as_json = told(tmp_path, "list", "--output", "jsonl").stdout
    assert all(char.isprintable() or char == "\n" for char in as_json)
    (event,) = (json.loads(line) for line in as_json.splitlines())
    assert event["userIdentity"]["accessKeyId"] == evil


def test_logs_that_cannot_be_read_are_named(tmp_path: Path, clock, scope):
    spool = InvocationLogSpool(tmp_path, clock=clock)
    spool.append(scope, {"s3Config": {"bucketName": "gone"}}, {"requestId": "r"})
    spool.end_due(all_of_them=True)
    (batch,) = spool.ready()
    path = spool.put_aside(batch, [b"no record\n"])
    spool.remove(batch)
    result = told(tmp_path, "undelivered")
    assert (result.exit_code, f"{path}: cannot be read" in result.stdout) == (1, True)
    assert json.loads(told(tmp_path, "undelivered", "--output", "jsonl").stdout)["file"] == str(path)


def test_a_time_that_is_none_is_refused_with_what_would_be_one(data_dir: Path):
    result = told(data_dir, "list", "--since", "yesterday")
    assert isinstance(result.exception, ValidationFailed)
    assert "a span: 30m, 2h" in str(result.exception)


def test_a_log_that_is_whole_is_success(data_dir: Path):
    result = told(data_dir, "verify")
    assert result.exit_code == 0
    assert "3 genuine records, 3 of them calls" in result.stdout
    assert "The log is what was written." in result.stdout


def test_tampering_is_exit_code_1_with_file_and_line(data_dir: Path):
    (path,) = log_files(data_dir)
    path.write_text(path.read_text().replace("InvokeModel", "ListModels"))
    result = told(data_dir, "verify")
    assert result.exit_code == 1
    assert f"{path} line 2: record 2 is not what was written" in result.stdout
    result = told(data_dir, "verify", "--output", "json")
    assert result.exit_code == 1
    assert [finding["what"] for finding in json.loads(result.stdout)["findings"]] == ["edited"]


def test_a_key_and_a_head_that_were_kept_elsewhere_prove_the_log(
    data_dir: Path, tmp_path_factory: pytest.TempPathFactory
):
    kept = tmp_path_factory.mktemp("kept")
    (kept / "key.pem").write_text(told(data_dir, "key").stdout)
    (kept / "head.json").write_text(told(data_dir, "head").stdout)
    options = ["--public-key", str(kept / "key.pem"), "--head", str(kept / "head.json")]
    assert told(data_dir, "verify", *options).exit_code == 0
    (path,) = log_files(data_dir)
    for each in (path, data_dir / "audit" / "head.json"):
        each.unlink()
    result = told(data_dir, "verify", *options)
    assert result.exit_code == 1
    assert "3 records from 1 to 3 are gone" in result.stdout


def test_logs_that_wait_for_their_bucket_are_shown_with_the_reason(tmp_path: Path, clock, scope):
    assert told(tmp_path, "undelivered").exit_code == 0
    spool = InvocationLogSpool(tmp_path, clock=clock)
    spool.append(scope, {"s3Config": {"bucketName": "gone"}}, {"requestId": "r"})
    result = told(tmp_path, "undelivered")
    assert (result.exit_code, "1 records" in result.stdout, "not tried yet" in result.stdout) == (0, True, True)
    spool.end_due(all_of_them=True)
    (batch,) = spool.ready()
    spool.note_failure(batch, "The bucket does not exist")
    result = told(tmp_path, "undelivered", "--output", "jsonl")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["failure"] == "The bucket does not exist"
    spool.remove(batch)
    assert told(tmp_path, "undelivered").stdout == ""


def test_without_a_key_or_a_head_it_is_said_what_is_missing(tmp_path: Path):
    assert "no server has been started" in str(told(tmp_path, "verify").exception)
    assert "has no head" in str(told(tmp_path, "head").exception)
    (tmp_path / "bad.pem").write_text("no key")
    result = told(tmp_path, "verify", "--public-key", str(tmp_path / "bad.pem"))
    assert "holds no public key" in str(result.exception)
