from collections.abc import Callable

import pytest

from tanren.domain.customization_jobs import JobStatus, Phase, PhaseStatus
from tanren.jobs.queue import Assignment, JobQueue
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.training_records import TrainingRecords

LEASE_SECONDS = 30


@pytest.fixture
def jobs(database) -> CustomizationJobs:
    return CustomizationJobs(database)


@pytest.fixture
def queue(database, jobs) -> JobQueue:
    claimable = (JobStatus.IN_PROGRESS, JobStatus.STOPPING)
    return JobQueue(database, jobs.table, claimable=claimable, lease_seconds=LEASE_SECONDS)


@pytest.fixture
def add_job(jobs, scope, clock) -> Callable[[str], str]:
    def add(name: str) -> str:
        arn = f"arn:aws:bedrock:us-west-2:123456789012:model-customization-job/tanren.nano-v1:0/{name.rjust(12, '0')}"
        now = clock()
        values = {
            "arn": arn,
            "job_id": name.rjust(12, "0"),
            "name": name,
            "output_model_name": name,
            "role_arn": "r",
            "request_digest": "d",
            "customization_type": "FINE_TUNING",
            "base_model_arn": "b",
            "foundation_model_id": "tanren.nano-v1:0",
            "hyperparameters": {},
            "training_s3_uri": "s3://b/k",
            "validation_s3_uris": [],
            "output_s3_uri": "s3://b/o",
            "request": {},
            "status": JobStatus.IN_PROGRESS,
            "phases": {},
            "validation_losses": [],
            "created_at": now,
            "updated_at": now,
            "attempt": 0,
            "crash_count": 0,
        }
        with jobs.database.writing() as connection:
            return jobs.insert(connection, scope, values)

    return add


def test_the_oldest_job_is_claimed_first_and_by_one_worker_only(queue, add_job, clock):
    first, second = add_job("one"), add_job("two")
    assert queue.claim("a", now=clock()) == Assignment(job_arn=first, attempt=1)
    assert queue.claim("b", now=clock()) == Assignment(job_arn=second, attempt=1)
    assert queue.claim("c", now=clock()) is None


def test_a_lease_that_ran_out_lets_another_worker_take_over_with_the_next_attempt(queue, add_job, clock):
    arn = add_job("one")
    late = queue.claim("a", now=clock())
    clock.advance(seconds=LEASE_SECONDS + 1)
    assert queue.claim("b", now=clock()) == Assignment(job_arn=arn, attempt=2)
    assert not queue.renew(late, now=clock())


def test_a_renewed_lease_holds(queue, add_job, clock):
    add_job("one")
    assignment = queue.claim("a", now=clock())
    for _ in range(5):
        clock.advance(seconds=LEASE_SECONDS * 0.9)
        assert queue.renew(assignment, now=clock())
    assert queue.claim("b", now=clock()) is None


def test_a_late_writer_from_attempt_1_changes_nothing(queue, jobs, add_job, clock, database):
    arn = add_job("one")
    queue.claim("a", now=clock())
    clock.advance(seconds=LEASE_SECONDS + 1)
    queue.claim("b", now=clock())
    before = jobs.by_arn(arn)
    records = TrainingRecords(database)
    assert not jobs.set_phase(arn, 1, Phase.TRAINING, PhaseStatus.COMPLETED, at=clock())
    assert not records.add_steps(arn, 1, [{"step": 0, "epoch": 0, "training_loss": 1.0}])
    with database.writing() as connection:
        assert not jobs.move(connection, arn, JobStatus.COMPLETED, at=clock(), attempt=1)
    assert jobs.by_arn(arn) == before
    assert records.steps(arn) == []


def test_what_a_worker_held_in_its_last_life_is_free_at_once(queue, add_job, clock):
    arn = add_job("one")
    queue.claim("a", now=clock())
    assert queue.release_all_of("b") == 0
    assert queue.release_all_of("a") == 1
    assert queue.claim("a", now=clock()) == Assignment(job_arn=arn, attempt=2)


def test_crashes_are_counted_until_there_is_progress(queue, add_job, clock):
    add_job("one")
    assignment = queue.claim("a", now=clock())
    assert [queue.count_crash(assignment) for _ in range(2)] == [1, 2]
    assert queue.note_progress(assignment)
    assert queue.count_crash(assignment) == 1


def test_a_job_that_has_ended_is_not_in_the_queue(queue, jobs, add_job, clock, database):
    arn = add_job("one")
    assignment = queue.claim("a", now=clock())
    with database.writing() as connection:
        assert jobs.move(connection, arn, JobStatus.FAILED, at=clock(), attempt=1)
    assert not queue.renew(assignment, now=clock())
    clock.advance(days=1)
    assert queue.claim("b", now=clock()) is None
