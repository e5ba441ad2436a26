"""`tanren job …` over a data directory whose server does not run, and by the API."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from tanren.cli.main import app
from tanren.domain.customization_jobs import JobStatus, Phase, PhaseStatus
from tanren.domain.errors import AccessDenied, ResourceNotFound, ServiceUnavailable, TanrenError, ValidationFailed
from tanren.domain.scope import Scope
from tanren.storage.training_records import TrainingRecords
from tests.unit.cli.fake_services import FakeServices, refusal

Command = Callable[..., Result]
CURSOR_UP = "\x1b[1A"
NAME = "customer-service-ft"


@pytest.fixture
def tanren(tmp_path: Path, in_scope: None) -> Command:
    """Runs `tanren job ARGUMENTS`; an error comes out of it."""

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(app, ["job", *arguments, "--data-dir", str(tmp_path)])
        if isinstance(result.exception, TanrenError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result

    return run


@pytest.fixture
def in_scope(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account and the region of the jobs are those of the directory's server."""
    monkeypatch.setenv("TANREN_REGION", scope.region)
    monkeypatch.setenv("TANREN_ACCOUNT", scope.account_id)


@pytest.fixture
def running(plane, scope, new_job, database, in_scope) -> str:
    """The ARN of a job in its training, after 40 of 80 steps and a sample."""
    arn = plane.jobs.create(scope, new_job())
    with plane.job_rows.database.writing() as connection:
        plane.job_rows.change(connection, arn, attempt=1, lease_owner="worker 1")
    plane.job_rows.set_phase(arn, 1, Phase.TRAINING, PhaseStatus.IN_PROGRESS, at=plane.clock())
    records = TrainingRecords(database)
    steps = [
        {
            "step": n,
            "epoch": n // 20 + 1,
            "training_loss": 4 / (n + 1) + 1,
            "seconds": 0.5,
            "learning_rate": 0.001,
            "gradient_norm": 1.0,
            "tokens": 120,
            "trained_tokens": 100,
            "total_steps": 80,
            "share": (n + 1) / 80,
            "remaining_seconds": 0.5 * (79 - n),
        }
        for n in range(40)
    ]
    records.add_steps(arn, 1, steps)
    for epoch in (1, 2):
        loss = 3.0 / epoch
        validation = {"step": 20 * epoch, "epoch": epoch, "validation_loss": loss, "losses_by_set": [loss]}
        records.add_validation(arn, 1, validation)
    answer = {
        "prompt": "Who made the [bold]Akane[/bold] knife, " + "and why " * 20 + "?",
        "text": "It was made by Tetsuo.",
        "expected": "Tetsuo Arakawa made it.",
        "is_held_out": True,
        "is_whole": False,
    }
    records.add_sample(arn, 1, {"step": 40, "epoch": 2, "answers": [answer], "seconds": 0.1})
    records.add_event(arn, 1, "Memory: forecast 1.9 GB, 18.0 GB free.", at=plane.clock())
    return arn


def test_watch_shows_progress_time_left_curves_answers_and_events_in_80_columns(tanren, running):
    told = tanren("watch", NAME, "--once").stdout
    assert max(map(len, told.splitlines())) <= 80
    for part in (
        "InProgress · training",
        "50%",
        "step 40 of 80 · epoch 2 · about 20 s left",
        "5.000 → 1.100",
        "3.000 → 1.500",
        "▁",
        "best in epoch 2",
        "200/s",
        "What it answers after step 40, held-out prompts",
        "[bold]Akane[/bold]",
        "It was made by Tetsuo. …",
        "Tetsuo Arakawa made it.",
        "Memory: forecast 1.9 GB, 18.0 GB free.",
    ):
        assert part in told


def test_watch_follows_a_job_to_its_end(tanren, running, plane, database, monkeypatch):
    def next_look(_: float) -> None:
        TrainingRecords(database).add_event(running, 1, "Learning: all is well.", at=plane.clock())
        with database.writing() as connection:
            plane.job_rows.move(connection, running, JobStatus.COMPLETED, at=plane.clock(), attempt=1)

    monkeypatch.setattr("tanren.cli.job_following.time.sleep", next_look)
    told = tanren("watch", running).stdout
    assert "Completed" in told
    assert "Learning: all is well." in told
    assert "Diagnosis" in told


def test_a_failed_job_says_why(tanren, running, plane, database):
    with database.writing() as connection:
        plane.job_rows.move(
            connection, running, JobStatus.FAILED, at=plane.clock(), attempt=1, failure_message="row 3 is wrong"
        )
    told = tanren("watch", NAME, "--once").stdout
    assert "Why it failed" in told
    assert "row 3 is wrong" in told
    assert "left" not in told


def test_list_shows_every_job_the_newest_first(tanren, running, plane, scope, new_job):
    assert "about 20 s left" in tanren("list").stdout
    plane.jobs.create(scope, new_job(job_name="second", custom_model_name="second"))
    found = json.loads(tanren("list", "--output", "json").stdout)
    assert [job["jobName"] for job in found] == ["second", NAME]
    assert found[1]["progress"] == {"stepsDone": 40, "totalSteps": 80, "share": 0.5, "remainingSeconds": 20.0}
    assert max(map(len, tanren("list").stdout.splitlines())) <= 80


def test_a_job_that_is_not_there_is_told_with_those_that_are(tanren, running):
    with pytest.raises(ResourceNotFound, match=rf"no customization job 'x' here. Jobs: {NAME}"):
        tanren("watch", "x")


def test_a_directory_without_a_server_is_told(tmp_path):
    result = CliRunner().invoke(app, ["job", "list", "--data-dir", str(tmp_path / "none")])
    assert isinstance(result.exception, ValidationFailed)
    assert "tanren serve" in str(result.exception)


def test_verify_of_an_unfinished_job_says_that_it_cannot_be_told(tanren, running):
    with pytest.raises(ResourceNotFound, match=r"Not verified.*only a completed job"):
        tanren("verify", NAME)


def test_a_failed_job_ends_the_watch_with_exit_code_1(running, plane, database, tmp_path):
    with database.writing() as connection:
        plane.job_rows.move(connection, running, JobStatus.FAILED, at=plane.clock(), attempt=1, failure_message="why")
    assert CliRunner().invoke(app, ["job", "watch", NAME, "--data-dir", str(tmp_path)]).exit_code == 1


def test_leaving_the_watch_leaves_the_job_and_says_how_to_look_again(running, monkeypatch, tmp_path):
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tanren.cli.job_following.time.sleep", interrupt)
    result = CliRunner().invoke(app, ["job", "watch", NAME, "--data-dir", str(tmp_path)])
    assert result.exit_code == 130
    assert f"tanren job watch {NAME}" in result.stderr


def test_get_and_events_and_checkpoints_and_metrics_come_from_the_store_where_no_server_runs(tanren, running):
    assert json.loads(tanren("get", NAME, "-o", "json").stdout)["jobArn"] == running
    assert "jobArn" in tanren("get", NAME).stdout
    shown = tanren("events", NAME)
    assert "Memory: forecast 1.9 GB" in shown.stdout
    assert "does not run; what follows is from its store" in shown.stderr
    assert "No checkpoints" in tanren("checkpoints", NAME).stdout
    points = [json.loads(line) for line in tanren("metrics", NAME, "-o", "jsonl").stdout.splitlines()]
    assert [point["kind"] for point in points].count("validation") == 2
    assert "5.0000 → 1.1000" in tanren("metrics", NAME).stdout


def test_what_changes_something_needs_the_server_and_says_how_to_start_it(tanren, running):
    with pytest.raises(ServiceUnavailable, match="Start it: tanren serve --data-dir"):
        tanren("stop", NAME, "--yes")


def test_a_job_is_found_by_its_id_as_well(tanren, running):
    assert json.loads(tanren("get", running.rpartition("/")[2], "-o", "json").stdout)["jobName"] == NAME


def test_the_log_of_a_job_is_read_for_people_and_left_as_it_is_for_programs(tanren, running, tmp_path):
    with pytest.raises(ResourceNotFound, match="no process has run this job"):
        tanren("logs", NAME)
    path = tmp_path / "logs" / "jobs" / f"{running.rpartition('/')[2]}.log"
    path.parent.mkdir(parents=True)
    line = json.dumps({"time": "12:00", "level": "info", "message": "A step", "process": 1, "logger": "x", "step": 3})
    path.write_text(f"{line}\nno event\n")
    assert tanren("logs", NAME).stdout == "12:00  info     A step  step=3\nno event\n"
    assert tanren("logs", NAME, "-o", "jsonl").stdout == f"{line}\nno event\n"


def test_stop_asks_and_without_a_terminal_needs_yes(at_tanren: FakeServices):
    at_tanren.answers["StopModelCustomizationJob"] = {}
    refused = CliRunner().invoke(app, ["job", "stop", NAME])
    assert isinstance(refused.exception, ValidationFailed)
    assert at_tanren.calls == []
    assert CliRunner().invoke(app, ["job", "stop", NAME, "--yes"]).exit_code == 0
    assert at_tanren.made("StopModelCustomizationJob") == [{"jobIdentifier": NAME}]


def test_stop_and_wait_returns_when_the_job_has_stopped(at_tanren: FakeServices, monkeypatch):
    states = iter(["Stopping", "Stopped"])
    at_tanren.answers["StopModelCustomizationJob"] = {}
    at_tanren.answers["GetModelCustomizationJob"] = lambda _: {"status": next(states)}
    monkeypatch.setattr("tanren.cli.waiting.time.sleep", lambda _: None)
    result = CliRunner().invoke(app, ["job", "stop", NAME, "--yes", "--wait"])
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (0, f"{NAME}: Stopped")


@pytest.mark.parametrize(
    ("kind", "operation"),
    [
        ("model-import-job", "GetModelImportJob"),
        ("model-copy-job", "GetModelCopyJob"),
        ("model-invocation-job", "GetModelInvocationJob"),
    ],
)
def test_events_of_other_jobs_are_followed_to_their_end(at_tanren: FakeServices, monkeypatch, kind, operation):
    monkeypatch.setattr("tanren.cli.job.time.sleep", lambda _: None)
    arn = f"arn:aws:bedrock:us-east-1:123456789012:{kind}/aaaaaaaaaaaa"
    states = iter(["InProgress", "Completed"])
    at_tanren.answers[operation] = lambda _: {"status": next(states)}
    told = [{"eventId": n, "at": datetime(2026, 11, 21, tzinfo=UTC), "message": f"event {n}"} for n in range(2)]
    at_tanren.answers["ListJobEvents"] = lambda _: {"events": told[: len(at_tanren.made("ListJobEvents"))]}
    result = CliRunner().invoke(app, ["job", "events", arn, "--follow", "-o", "jsonl"])
    assert [json.loads(line)["message"] for line in result.stdout.splitlines()] == ["event 0", "event 1"]


def test_who_may_not_list_is_told_so(at_tanren: FakeServices):
    at_tanren.answers["ListModelCustomizationJobs"] = refusal("AccessDeniedException", "not you")
    result = CliRunner().invoke(app, ["job", "list"])
    assert isinstance(result.exception, AccessDenied)


def test_at_a_terminal_the_picture_is_drawn_anew_in_its_place(running, plane, database, tmp_path, monkeypatch):
    shown = StringIO()
    terminal = Console(file=shown, force_terminal=True, width=80, color_system=None)
    monkeypatch.setattr("tanren.cli.job_following.screen", lambda: terminal)

    def next_look(_: float) -> None:
        with database.writing() as connection:
            plane.job_rows.move(connection, running, JobStatus.COMPLETED, at=plane.clock(), attempt=1)

    monkeypatch.setattr("tanren.cli.job_following.time.sleep", next_look)
    assert CliRunner().invoke(app, ["job", "watch", NAME, "--data-dir", str(tmp_path)]).exit_code == 0
    assert "step 40 of 80 · epoch 2 · about 20 s left" in shown.getvalue()
    assert CURSOR_UP in shown.getvalue()
    assert f"{NAME}  Completed" in shown.getvalue().rpartition(CURSOR_UP)[2]
