"""`tanren job …` over a data directory, without a server."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tanren.cli.main import app
from tanren.domain.customization_jobs import JobStatus, Phase, PhaseStatus
from tanren.domain.errors import ResourceNotFound, TanrenError
from tanren.storage.training_records import TrainingRecords

Command = Callable[..., Result]
NAME = "customer-service-ft"


@pytest.fixture
def tanren(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `tanren job ARGUMENTS` in 80 columns; an error comes out of it."""
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(app, ["job", *arguments, "--data-dir", str(tmp_path)])
        if isinstance(result.exception, TanrenError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result

    return run


@pytest.fixture
def running(plane, scope, new_job, database) -> str:
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
            "trained_tokens": 100,
            "total_steps": 80,
            "share": (n + 1) / 80,
            "remaining_seconds": 0.5 * (79 - n),
        }
        for n in range(40)
    ]
    records.add_steps(arn, 1, steps)
    for epoch in (1, 2):
        records.add_validation(arn, 1, {"step": 20 * epoch, "epoch": epoch, "validation_loss": 3.0 / epoch})
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

    monkeypatch.setattr("tanren.cli.job.time.sleep", next_look)
    told = tanren("watch", running).stdout
    assert "Completed" in told
    assert "Learning: all is well." in told
    assert "Diagnosis" in told


def test_a_failed_job_says_why(tanren, running, plane, database):
    with database.writing() as connection:
        plane.job_rows.move(
            connection, running, JobStatus.FAILED, at=plane.clock(), attempt=1, failure_message="row 3 is wrong"
        )
    told = tanren("watch", NAME).stdout
    assert "Why it failed" in told
    assert "row 3 is wrong" in told
    assert "left" not in told


def test_list_shows_every_job_the_newest_first(tanren, running, plane, scope, new_job):
    assert "about 20 s left" in tanren("list").stdout
    plane.jobs.create(scope, new_job(job_name="second", custom_model_name="second"))
    found = json.loads(tanren("list", "--json").stdout)
    assert [job["jobName"] for job in found] == ["second", NAME]
    assert (found[1]["step"], found[1]["totalSteps"], found[1]["remainingSeconds"]) == (40, 80, 20.0)
    assert max(map(len, tanren("list").stdout.splitlines())) <= 80


def test_a_job_that_is_not_there_is_told_with_those_that_are(tanren, running):
    with pytest.raises(ResourceNotFound, match=rf"no customization job 'x' here. Jobs: {NAME}"):
        tanren("watch", "x")


def test_a_directory_without_a_server_is_told(tmp_path):
    result = CliRunner().invoke(app, ["job", "list", "--data-dir", str(tmp_path / "none")])
    assert isinstance(result.exception, ResourceNotFound)


def test_verify_of_an_unfinished_job_says_that_it_cannot_be_told(tanren, running):
    with pytest.raises(ResourceNotFound, match=r"Not verified.*only a completed job"):
        tanren("verify", NAME)
