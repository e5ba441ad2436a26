"""A batch job from its first status to its last, with an S3 in a dictionary and a model that echoes."""

import asyncio
import json
import re
from collections import Counter

import pytest

from tanren.domain.errors import EngineFailed, ModelNotReady, ServiceUnavailable, ValidationFailed
from tanren.domain.model_invocation_jobs import InvocationJobStatus as S
from tanren.jobs.queue import Assignment, JobQueue
from tanren.runtime.batch_records import ModelOutput
from tanren.serving.protocol import EngineDescription
from tanren.storage.tables import model_invocation_jobs
from tanren.storage.training_records import TrainingRecords
from tanren.workflows import batch_inference
from tanren.workflows.batch_inference import BatchInferenceWorkflow, CannotGoOnNow, Yielded
from tests.unit.workflows.object_memory import ObjectMemory

COUNT = 12
IDLE = EngineDescription(
    engine="none",
    base_folder="",
    base_sha256="",
    parameter_count=0,
    context_length=1,
    weight_bytes=0,
    adapter_bytes=0,
    resident_adapters=(),
    active_count=0,
    queued_count=0,
)


class World:
    """Engine, placement, model and S3 in one; `during` is called with the number of each record asked."""

    def __init__(self) -> None:
        rows = [json.dumps({"recordId": f"R{n}", "modelInput": {"q": n}}) for n in range(COUNT)]
        self.objects = ObjectMemory({"in/records.jsonl": "\n".join(rows).encode()})
        self.asked: Counter[int] = Counter()
        self.during = lambda number: None
        self.not_ready = 0

    async def locate(self, scope, model_id):
        if self.not_ready:
            self.not_ready -= 1
            raise ModelNotReady("starting")
        return None, self, None

    async def describe(self) -> EngineDescription:
        return IDLE

    async def answer(self, model_input: dict) -> ModelOutput:
        number = model_input["q"]
        self.asked[number] += 1
        await asyncio.sleep(0)
        self.during(number)
        return ModelOutput(body={"a": number}, input_token_count=1, output_token_count=2)

    def error(self, error) -> dict:
        return {"errorCode": 400, "errorMessage": str(error)}

    def lines(self, job) -> list[dict]:
        content = self.objects.content[f"out/{job.job_id}/records.jsonl.out"]
        return [json.loads(line) for line in content.splitlines()]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def arn(plane, scope, new_batch) -> str:
    return plane.batches.create(scope, new_batch())


@pytest.fixture
def attempt(plane, world, database, arn, clock, monkeypatch):
    """Runs the next attempt at the job."""
    monkeypatch.setattr("tanren.runtime.batch_records.LOOK_SECONDS", 0.0)
    queue = JobQueue(database, model_invocation_jobs, claimable=batch_inference.WAITING, lease_seconds=30)

    def run(yield_asked=lambda: False, minimum_records: int = 1) -> None:
        number = plane.batch_rows.by_arn(arn).attempt + 1
        _take_over(plane, arn, number)
        BatchInferenceWorkflow(
            Assignment(job_arn=arn, attempt=number),
            jobs=plane.batch_rows,
            records=TrainingRecords(database),
            queue=queue,
            objects=world.objects,
            artifacts=plane.artifacts,
            placement=world,
            operation=world,
            clock=clock,
            yield_asked=yield_asked,
            most_under_way=2,
            engine_share=1.0,
            minimum_records=minimum_records,
        ).run()

    return run


def _take_over(plane, arn: str, number: int) -> None:
    """From now on attempt `number` has the job."""
    with plane.batch_rows.database.writing() as connection:
        plane.batch_rows.change(connection, arn, attempt=number, lease_owner=f"worker {number}")


def test_a_job_that_goes_well_has_every_answer_a_manifest_and_nothing_left_on_the_disk(
    plane, scope, arn, attempt, world
):
    world.not_ready = 3
    attempt()
    job = plane.batches.get(scope, arn)
    assert (job.status, job.counts.succeeded, job.counts.total, job.message) == (S.COMPLETED, COUNT, COUNT, None)
    assert [line["recordId"] for line in world.lines(job)] == [f"R{n}" for n in range(COUNT)]
    assert json.loads(world.objects.content[f"out/{job.job_id}/manifest.json.out"])["outputTokenCount"] == 2 * COUNT
    assert list((plane.artifacts.root / "jobs").rglob("*.jsonl")) == []
    assert job.ended_at is not None


def test_the_statuses_come_in_bedrocks_order(plane, arn, attempt, world, monkeypatch):
    seen = []
    move = type(plane.batch_rows).move

    def noting(self, connection, arn, to, **values):
        seen.append(to)
        return move(self, connection, arn, to, **values)

    monkeypatch.setattr(type(plane.batch_rows), "move", noting)
    attempt()
    assert seen == [S.VALIDATING, S.SCHEDULED, S.IN_PROGRESS, S.COMPLETED]


def test_a_bad_record_is_an_error_line_and_the_job_is_completed(plane, scope, arn, attempt, world):
    def refuse(number: int) -> None:
        if number == 3:
            raise ValidationFailed("malformed")

    world.during = refuse
    attempt()
    job = plane.batches.get(scope, arn)
    assert (job.status, job.counts.failed, job.counts.succeeded) == (S.COMPLETED, 1, COUNT - 1)
    assert world.lines(job)[3]["error"] == {"errorCode": 400, "errorMessage": "malformed"}


def test_an_attempt_that_dies_is_followed_by_one_that_asks_only_what_has_no_answer(plane, scope, arn, attempt, world):
    class Killed(BaseException):
        pass

    def die(number: int) -> None:
        if number == 7:
            raise Killed

    world.during = die
    with pytest.raises(Killed):
        attempt()
    assert plane.batches.get(scope, arn).status is S.IN_PROGRESS
    world.during = lambda number: None
    before = Counter(world.asked)
    attempt()
    job = plane.batches.get(scope, arn)
    assert (job.status, job.counts.succeeded) == (S.COMPLETED, COUNT)
    assert [line["recordId"] for line in world.lines(job)] == [f"R{n}" for n in range(COUNT)]
    again = [number for number in before if world.asked[number] == 2]
    assert 7 in again
    assert len(again) <= 2, "only what was under way, which was at most two"
    assert max(world.asked.values()) == 2


def test_stop_in_the_middle_leaves_the_answers_so_far(plane, scope, arn, attempt, world):
    world.during = lambda number: plane.batches.stop(scope, arn) if number == 5 else None
    attempt()
    job = plane.batches.get(scope, arn)
    assert (job.status, job.message) == (S.STOPPED, None)
    assert 0 < job.counts.processed < COUNT
    assert len(world.lines(job)) == job.counts.processed


def test_a_job_whose_time_is_over_in_the_middle_is_partially_completed(plane, scope, arn, attempt, world, clock):
    world.during = lambda number: clock.advance(hours=25) if number == 5 else None
    attempt()
    job = plane.batches.get(scope, arn)
    assert job.status is S.PARTIALLY_COMPLETED
    assert f"{job.counts.processed} of {COUNT} records were answered" in job.message
    assert len(world.lines(job)) == job.counts.processed < COUNT


def test_a_job_whose_time_is_over_before_it_began_expires_and_asks_nothing(plane, scope, arn, attempt, world, clock):
    clock.advance(hours=25)
    attempt()
    job = plane.batches.get(scope, arn)
    assert job.status is S.EXPIRED
    assert not world.asked
    assert list(world.objects.content) == ["in/records.jsonl"]


def test_an_engine_that_cannot_start_fails_the_job_with_the_reason_and_keeps_what_was_answered(
    plane, scope, arn, attempt, world
):
    def break_down(number: int) -> None:
        if number == 6:
            raise EngineFailed("no memory")

    world.during = break_down
    attempt()
    job = plane.batches.get(scope, arn)
    assert (job.status, job.message) == (S.FAILED, "no memory")
    assert len(world.lines(job)) == job.counts.processed >= 4


@pytest.mark.parametrize(
    ("content", "minimum", "text"),
    [
        (b'{"recordId": "a"}\n', 1, "line 1.*no-model-input"),
        (b'{"modelInput": {}}\n' * 3, 100, r"contains less records \(3\) than the required minimum of: 100"),
        (b"", 1, "empty-file"),
    ],
)
def test_input_that_cannot_be_used_fails_the_job_before_anything_is_asked(
    plane, scope, arn, attempt, world, content, minimum, text
):
    world.objects.content["in/records.jsonl"] = content
    attempt(minimum_records=minimum)
    job = plane.batches.get(scope, arn)
    assert job.status is S.FAILED
    assert re.search(text, job.message)
    assert not world.asked


def test_a_short_outage_of_s3_costs_no_answer(plane, scope, arn, attempt, world, monkeypatch):
    put_file = world.objects.put_file

    def away(*_, **__):
        raise ServiceUnavailable("S3 did not answer")

    monkeypatch.setattr(world.objects, "put_file", away)
    with pytest.raises(CannotGoOnNow):
        attempt()
    assert plane.batches.get(scope, arn).status is S.IN_PROGRESS
    monkeypatch.setattr(world.objects, "put_file", put_file)
    attempt()
    assert plane.batches.get(scope, arn).status is S.COMPLETED
    assert set(world.asked.values()) == {1}


def test_a_worker_that_must_go_gives_the_job_back_with_its_answers(plane, scope, arn, attempt, world):
    with pytest.raises(Yielded):
        attempt(yield_asked=lambda: world.asked[6] > 0)
    assert plane.batches.get(scope, arn).status is S.IN_PROGRESS
    attempt()
    assert plane.batches.get(scope, arn).counts.succeeded == COUNT


def test_a_late_attempt_writes_nothing_and_leaves_the_job_to_the_current_one(plane, scope, arn, attempt, world):
    world.during = lambda number: _take_over(plane, arn, 7) if number == 5 else None
    attempt()
    job = plane.batches.get(scope, arn)
    assert (job.status, job.attempt) == (S.IN_PROGRESS, 7)
    assert list(world.objects.content) == ["in/records.jsonl"]
    assert list((plane.artifacts.root / "jobs").rglob("answers/1.jsonl"))
