"""An import job from its first status to its last, with an S3 in a dictionary and models made by hand."""

import re

import pytest

from tanren.domain.errors import ServiceUnavailable
from tanren.domain.model_import_jobs import ImportJobStatus
from tanren.jobs.queue import Assignment, JobQueue
from tanren.model_files.digests import weights_digest
from tanren.storage.tables import model_import_jobs
from tanren.storage.training_records import TrainingRecords
from tanren.workflows.imported_model_target import ImportedModelTarget
from tanren.workflows.interruptions import CannotGoOnNow, Yielded
from tanren.workflows.model_import import ModelImportWorkflow
from tests.unit.model_files.hostile_folders import MODELS, good_folder
from tests.unit.workflows.lost_answers import lose_the_answer_of
from tests.unit.workflows.object_memory import Bucket

LEFT_IN_S3 = ("Python code", "weights stored twice")
"""What is wrong with these folders is a file that is not fetched: the rest is a model."""
NOT_IN_S3 = ("a link to /etc/passwd", "a link to nothing", "a pipe")


@pytest.fixture
def bucket(tmp_path) -> Bucket:
    made = Bucket()
    made.holds(good_folder(tmp_path / "good"))
    return made


@pytest.fixture
def arn(plane, scope, new_import) -> str:
    return plane.imports.create(scope, new_import(model_tags={"team": "forge"}))


@pytest.fixture
def attempt(plane, bucket, database, arn, clock):
    """Runs the next attempt at the job."""
    queue = JobQueue(database, model_import_jobs, claimable=(ImportJobStatus.IN_PROGRESS,), lease_seconds=30)

    def run(yield_asked=lambda: False) -> None:
        number = plane.import_rows.by_arn(arn).attempt + 1
        take_over(plane, arn, number)
        ModelImportWorkflow(
            assignment := Assignment(job_arn=arn, attempt=number),
            ImportedModelTarget(
                assignment,
                jobs=plane.import_rows,
                models=plane.imported_rows,
                artifacts=plane.artifacts,
                clock=clock,
            ),
            records=TrainingRecords(database),
            queue=queue,
            objects=bucket,
            artifacts=plane.artifacts,
            clock=clock,
            yield_asked=yield_asked,
        ).run()

    return run


def take_over(plane, arn: str, number: int) -> None:
    """From now on attempt `number` has the job."""
    with plane.import_rows.database.writing() as connection:
        plane.import_rows.change(connection, arn, attempt=number, lease_owner="w", lease_expires_at=plane.clock())


def test_a_folder_becomes_a_model_with_its_facts_and_its_own_copy(plane, scope, attempt, arn, tmp_path):
    attempt()
    job = plane.imports.get(scope, arn)
    assert (job.status, job.failure_message) == (ImportJobStatus.COMPLETED, None)
    assert job.ended_at is not None
    model = plane.imported.get(scope, "my-llama")
    assert model.model_arn == job.imported_model_arn
    assert re.fullmatch(r"arn:aws:bedrock:us-west-2:123456789012:imported-model/[a-z0-9]{12}", model.model_arn)
    assert (model.architecture, model.context_length, model.has_chat_template) == ("LlamaForCausalLM", 64, True)
    folder = plane.artifacts.resolve(model.artifact_path)
    assert model.weights_sha256 == weights_digest(tmp_path / "good") == weights_digest(folder)
    assert all(not file.stat().st_mode & 0o222 for file in folder.iterdir())
    assert plane.tags.list(scope, model.model_arn) == {"team": "forge"}
    assert not list((plane.artifacts.root / "jobs").rglob("*.safetensors"))


@pytest.mark.parametrize("name", [name for name in MODELS if name not in NOT_IN_S3])
def test_a_hostile_folder_fails_for_its_own_reason_or_what_is_hostile_stays_in_s3(
    plane, scope, attempt, arn, bucket, tmp_path, name
):
    spoil, reason = MODELS[name]
    folder = good_folder(tmp_path / "hostile")
    spoil(folder)
    bucket.holds(folder)
    attempt()
    job = plane.imports.get(scope, arn)
    assert not list(tmp_path.rglob("CANARY"))
    if name in LEFT_IN_S3:
        assert job.status is ImportJobStatus.COMPLETED
        assert not any(file.endswith(".py") for file in bucket.fetched)
        return
    assert job.status is ImportJobStatus.FAILED
    if name == "an adapter beside the base":
        reason = "it is an adapter, not a model"
    assert re.search(reason.replace("/config", "llama/config"), job.failure_message), job.failure_message
    assert str(tmp_path) not in job.failure_message
    assert plane.imported_rows.every() == []
    assert not list(plane.artifacts.root.rglob("*.safetensors"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({}, "There is no file in s3://my-bucket/llama/"),
        ({"llama/weights/model.safetensors": b""}, "There is no file in"),
        ({"llama/model.safetensors": b""}, "config.json is missing"),
        ({"llama/a b.json": b"", "llama/model.safetensors": b"", "llama/config.json": b""}, "the name 'a b.json'"),
    ],
)
def test_a_folder_without_a_model_is_told_what_is_missing(plane, scope, attempt, arn, bucket, content, reason):
    bucket.content = content
    attempt()
    assert reason in plane.imports.get(scope, arn).failure_message
    assert bucket.fetched == []


def test_a_later_attempt_fetches_only_what_is_not_there_yet(plane, scope, attempt, arn, bucket):
    class Killed(BaseException):
        pass

    def kill(number: int) -> None:
        if number == 3:
            raise Killed

    bucket.during = kill
    with pytest.raises(Killed):
        attempt()
    first, bucket.fetched, bucket.during = bucket.fetched[:2], [], lambda number: None
    attempt()
    assert not set(first) & set(bucket.fetched)
    assert plane.imports.get(scope, arn).status is ImportJobStatus.COMPLETED


def test_a_file_that_has_changed_in_s3_since_is_fetched_again(plane, scope, attempt, arn, bucket, tmp_path):
    asked = iter([False, False, True])
    with pytest.raises(Yielded):
        attempt(yield_asked=lambda: next(asked, True))
    assert bucket.fetched
    changed = bucket.fetched[0]
    bucket.content[f"llama/{changed}"] += b" "
    bucket.fetched = []
    attempt()
    assert changed in bucket.fetched
    model = plane.imported.get(scope, "my-llama")
    fetched = plane.artifacts.resolve(model.artifact_path) / changed
    assert fetched.read_bytes() == bucket.content[f"llama/{changed}"]


def test_a_file_that_changes_while_it_is_fetched_is_not_taken(plane, scope, attempt, arn, bucket):
    def grow(number: int) -> None:
        if bucket.fetched[-1] == "model.safetensors":
            bucket.content["llama/model.safetensors"] += b"more"

    bucket.during = grow
    with pytest.raises(CannotGoOnNow, match="has changed while it was fetched"):
        attempt()
    assert plane.imports.get(scope, arn).status is ImportJobStatus.IN_PROGRESS


def test_a_commit_whose_answer_was_lost_keeps_the_weights(plane, scope, attempt, arn, monkeypatch):
    lost = lose_the_answer_of(monkeypatch, lambda: bool(plane.imported_rows.every()))
    attempt()
    assert lost
    job = plane.imports.get(scope, arn)
    assert job.status is ImportJobStatus.COMPLETED
    model = plane.imported.get(scope, job.imported_model_name)
    assert weights_digest(plane.artifacts.resolve(model.artifact_path)) == model.weights_sha256


def test_a_superseded_attempt_changes_nothing(plane, scope, attempt, arn, bucket):
    def supersede(number: int) -> None:
        take_over(plane, arn, 9)

    bucket.during = supersede
    attempt()
    job = plane.imports.get(scope, arn)
    assert (job.status, job.attempt) == (ImportJobStatus.IN_PROGRESS, 9)
    assert plane.imported_rows.every() == []


def test_while_s3_is_away_the_job_waits(plane, scope, attempt, arn, bucket):
    def away(number: int) -> None:
        raise ServiceUnavailable("S3 did not answer")

    bucket.during = away
    with pytest.raises(CannotGoOnNow):
        attempt()
    assert plane.imports.get(scope, arn).status is ImportJobStatus.IN_PROGRESS


def test_a_full_disk_lets_the_job_wait_and_says_how_much_is_needed(attempt, monkeypatch):
    monkeypatch.setattr("tanren.workflows.model_download.SPARE_BYTES", 10**18)
    with pytest.raises(CannotGoOnNow, match=r"GB free; s3://my-bucket/llama/ needs"):
        attempt()
