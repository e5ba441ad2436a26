"""Every change of a job's state is announced, and never in the job's way."""

import logging
from typing import Any

import pytest

from tanren.control.state_change_delivery import StateChangeDelivery
from tanren.domain.customization_jobs import JobStatus
from tanren.domain.errors import ServiceUnavailable
from tanren.domain.model_invocation_jobs import InvocationJobStatus
from tanren.storage.state_changes import StateChanges


class Bus:
    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.calls = 0
        self.is_away = False
        self.refuses: str | None = None

    def put(self, events: list[Any]) -> list[str | None]:
        self.calls += 1
        assert 0 < len(events) <= 10
        if self.is_away:
            raise ServiceUnavailable("the bus is away")
        answers = ["Denied" if self.refuses == event.detail.get("jobStatus", "") else None for event in events]
        self.taken += [event for event, answer in zip(events, answers, strict=True) if answer is None]
        return answers

    def statuses(self) -> list[str]:
        return [event.detail.get("jobStatus", event.detail.get("status")) for event in self.taken]


class Later:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def later() -> Later:
    return Later()


@pytest.fixture
def changes(database) -> StateChanges:
    return StateChanges(database)


@pytest.fixture
def delivery(plane, changes, bus, clock, later) -> StateChangeDelivery:
    return StateChangeDelivery(
        changes, plane.job_rows, plane.batch_rows, bus=lambda scope: bus, clock=clock, monotonic=later
    )


def moved(plane, arn: str, *statuses: JobStatus, **values: Any) -> None:
    for status in statuses:
        with plane.job_rows.database.writing() as connection:
            assert plane.job_rows.move(connection, arn, status, at=plane.clock(), **values)


def test_a_jobs_whole_life_is_announced_in_order(plane, scope, new_job, delivery, bus, changes):
    arn = plane.jobs.create(scope, new_job())
    moved(plane, arn, JobStatus.STOPPING)
    moved(plane, arn, JobStatus.FAILED, failure_message="no such bucket")
    delivery.deliver()
    assert bus.statuses() == ["InProgress", "Stopping", "Failed"]
    assert [event.detail.get("failureMessage") for event in bus.taken] == [None, None, "no such bucket"]
    assert {(event.scope, event.job_arn) for event in bus.taken} == {(scope, arn)}
    assert changes.oldest(most=10) == []
    delivery.deliver()
    assert len(bus.taken) == 3


def test_batch_jobs_are_announced_too(plane, scope, new_batch, delivery, bus):
    arn = plane.batches.create(scope, new_batch())
    with plane.batch_rows.database.writing() as connection:
        plane.batch_rows.move(connection, arn, InvocationJobStatus.VALIDATING, at=plane.clock())
    delivery.deliver()
    assert bus.statuses() == ["Submitted", "Validating"]
    assert bus.taken[0].detail["batchJobArn"] == arn
    assert bus.taken[0].detail_type == "Batch Inference Job State Change"


def test_what_is_rolled_back_is_not_announced(plane, scope, new_job, changes):
    arn = plane.jobs.create(scope, new_job())
    before = changes.oldest(most=10)

    def fail_after_the_move() -> None:
        with plane.job_rows.database.writing() as connection:
            plane.job_rows.move(connection, arn, JobStatus.COMPLETED, at=plane.clock())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_the_move()
    assert changes.oldest(most=10) == before


def test_a_change_that_changes_no_state_is_not_announced(plane, scope, new_job, changes):
    arn = plane.jobs.create(scope, new_job())
    with plane.job_rows.database.writing() as connection:
        plane.job_rows.change(connection, arn, training_loss=0.5)
    assert [change.status for change in changes.oldest(most=10)] == ["InProgress"]


def test_a_bus_that_is_away_is_asked_again_more_and_more_slowly(plane, scope, new_job, delivery, bus, later, caplog):
    plane.jobs.create(scope, new_job())
    bus.is_away = True
    delivery.deliver()
    delivery.deliver()
    assert bus.calls == 1
    assert "the bus is away" in caplog.text
    later.now = 2.1
    delivery.deliver()
    later.now = 4.2
    delivery.deliver()
    assert bus.calls == 2
    bus.is_away = False
    later.now = 6.3
    delivery.deliver()
    assert bus.statuses() == ["InProgress"]


def test_one_that_is_refused_is_sent_again_and_the_others_are_not(plane, scope, new_job, delivery, bus, later):
    arn = plane.jobs.create(scope, new_job())
    moved(plane, arn, JobStatus.STOPPING)
    bus.refuses = "InProgress"
    delivery.deliver()
    assert bus.statuses() == ["Stopping"]
    bus.refuses = None
    later.now = 2.1
    delivery.deliver()
    assert bus.statuses() == ["Stopping", "InProgress"]


def test_more_than_ten_go_in_several_calls(plane, scope, new_job, delivery, bus):
    for number in range(12):
        plane.jobs.create(scope, new_job(job_name=f"job-{number}", custom_model_name=f"model-{number}"))
    delivery.deliver()
    assert (len(bus.taken), bus.calls) == (12, 2)


def test_after_a_day_a_change_is_given_up_and_the_log_says_which(
    plane, scope, new_job, delivery, bus, changes, clock, later, caplog
):
    arn = plane.jobs.create(scope, new_job())
    bus.is_away = True
    delivery.deliver()
    assert len(changes.oldest(most=10)) == 1
    clock.advance(hours=25)
    later.now = 3.0
    delivery.deliver()
    assert changes.oldest(most=10) == []
    assert [arn in record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [True]


def test_without_a_bus_nothing_piles_up(plane, scope, new_job, changes, clock):
    plane.jobs.create(scope, new_job())
    StateChangeDelivery(changes, plane.job_rows, plane.batch_rows, bus=None, clock=clock).deliver()
    assert changes.oldest(most=10) == []
