"""A run's records on their way to the store, over a real thread and a real database."""

import threading
import time

import pytest

from tanren.jobs.queue import Assignment, JobQueue
from tanren.storage.tables import customization_jobs
from tanren.storage.training_records import TrainingRecords
from tanren.workflows import reporting
from tanren.workflows.reporting import FLUSH_SECONDS, StoreReporter

REACHES_THE_STORE_SECONDS = 2.0


@pytest.fixture
def arn(plane, scope, new_job) -> str:
    arn = plane.jobs.create(scope, new_job(customization_type="FINE_TUNING"))
    with plane.job_rows.database.writing() as connection:
        plane.job_rows.change(connection, arn, attempt=1, lease_owner="worker 1")
    return arn


@pytest.fixture
def reporter(plane, database, arn) -> StoreReporter:
    queue = JobQueue(database, customization_jobs, claimable=("InProgress", "Stopping"), lease_seconds=30)
    assignment = Assignment(job_arn=arn, attempt=1)
    return StoreReporter(assignment, jobs=plane.job_rows, records=TrainingRecords(database), queue=queue)


def _step(number: int) -> dict:
    return {"step": number, "epoch": 1, "training_loss": 1.0, "remaining_seconds": 5.0}


def test_a_step_is_in_the_store_within_two_seconds_while_training_goes_on(database, arn, reporter):
    records = TrainingRecords(database)
    with reporter:
        for number in range(3):
            handed_over = time.monotonic()
            reporter.add_step(_step(number))
            while len(records.steps(arn)) <= number:
                assert time.monotonic() - handed_over < REACHES_THE_STORE_SECONDS
                threading.Event().wait(0.01)
    assert records.steps(arn) == [_step(number) for number in range(3)]


def test_the_thread_never_waits_longer_than_the_promise_allows(monkeypatch, reporter):
    """Whatever the machine's speed: a record waits one interval at most, and the interval leaves room for the write."""
    waited: list[float | None] = []
    event = reporter._is_over
    real = event.wait

    def wait(timeout: float | None = None) -> bool:
        waited.append(timeout)
        return real(0) or len(waited) > 3

    monkeypatch.setattr(event, "wait", wait)
    reporter._write()
    assert set(waited) == {FLUSH_SECONDS}
    assert FLUSH_SECONDS * 3 < REACHES_THE_STORE_SECONDS


def test_what_could_not_be_written_is_written_the_next_time(monkeypatch, database, arn, reporter):
    records = TrainingRecords(database)
    reporter.add_step(_step(0))
    reporter.add_sample({"step": 1, "epoch": 1, "answers": []})
    with monkeypatch.context() as broken:
        broken.setattr(reporting.TrainingRecords, "add_steps", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            reporter.flush()
    reporter.add_step(_step(1))
    reporter.flush()
    assert [step["step"] for step in records.steps(arn)] == [0, 1]
    assert [sample["step"] for sample in records.samples(arn)] == [1]


def test_a_sample_repeated_by_a_resumed_attempt_is_there_once(database, arn, reporter):
    for text in ("old", "new"):
        reporter.add_sample({"step": 4, "epoch": 1, "answers": [text]})
        reporter.flush()
    assert [sample["answers"] for sample in TrainingRecords(database).samples(arn)] == [["new"]]


def test_a_late_attempt_writes_no_sample(plane, database, arn, reporter):
    with plane.job_rows.database.writing() as connection:
        plane.job_rows.change(connection, arn, attempt=2)
    reporter.add_sample({"step": 1, "epoch": 1, "answers": []})
    reporter.flush()
    assert reporter.superseded
    assert TrainingRecords(database).samples(arn) == []
