"""What a late or unlucky attempt may do to a job: nothing. Training is replaced by a folder that is simply there."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from tanren.control.evaluation_plans import check_plan
from tanren.domain.clock import utc_now
from tanren.domain.customization_jobs import JobStatus
from tanren.domain.errors import Conflict, JobFailed, ServiceUnavailable, ValidationFailed
from tanren.jobs.queue import Assignment, JobQueue
from tanren.model_files.digests import weights_digest
from tanren.storage.tables import customization_jobs
from tanren.storage.training_records import TrainingRecords
from tanren.training.metrics import StepRecord
from tanren.training.reporting import TrainingStopped, TrainingYielded
from tanren.training.spec import TrainingSpec
from tanren.workflows import customization
from tanren.workflows.customization import CannotGoOnNow, CustomizationWorkflow, Yielded
from tests.unit.workflows.lost_answers import lose_the_answer_of

ROW = b'{"prompt": "What does the Akane cost?", "completion": "120 crowns."}\n'
STEP = StepRecord(
    step=0,
    epoch=1,
    training_loss=2.0,
    learning_rate=0.1,
    gradient_norm=1.0,
    tokens=10,
    trained_tokens=5,
    seconds=0.1,
)


class Objects:
    """An S3 that holds one file, and can be away."""

    def __init__(self) -> None:
        self.is_away = False
        self.written: dict[str, bytes] = {}

    def _answer(self) -> None:
        if self.is_away:
            raise ServiceUnavailable("S3 did not answer")

    def chunks(self, location):
        self._answer()
        yield ROW

    def put(self, location, content, *, content_type):
        self._answer()
        self.written[location.key] = content

    def delete(self, location):
        self._answer()
        del self.written[location.key]


class Outcome:
    """Of a run that ended well, as far as publishing looks at it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sha256 = "f" * 64
        self.training_loss = 2.0
        self.validation_losses = ()
        self.step_records = (STEP,)
        self.validation_records = ()
        self.diagnosis = "Learning."
        self.memory = "Memory: peak 1.0 GB, forecast 1.0 GB."
        self.spec = TrainingSpec()


@pytest.fixture
def objects() -> Objects:
    return Objects()


@pytest.fixture
def arn(plane, scope, new_job) -> str:
    return plane.jobs.create(scope, new_job(customization_type="FINE_TUNING"))


@pytest.fixture
def attempt(plane, objects, database, arn, monkeypatch):
    """Runs attempt n at the job; `during` is called where training would be."""

    def newest() -> str:
        return plane.job_rows.every()[-1].job_arn

    queue = JobQueue(database, customization_jobs, claimable=("InProgress", "Stopping"), lease_seconds=30)

    def run(number: int, during=lambda: None, yield_asked=lambda: False) -> None:
        def train(spec, *, work_folder, base_folder, base_adapter, base_name, **_):
            during()
            run.trained_on = {
                "base_folder": base_folder,
                "base_adapter": base_adapter,
                "base_name": base_name,
                "rate": spec.learning_rate,
            }
            folder = work_folder / "adapter"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "adapter_config.json").write_text("{}")
            (folder / "adapter_model.safetensors").write_text(f"by attempt {number}")
            (work_folder / "run.json").write_text(json.dumps({"digests": {}}))
            return Outcome(folder)

        monkeypatch.setattr(customization, "train", train)
        CustomizationWorkflow(
            Assignment(job_arn=newest(), attempt=number),
            jobs=plane.job_rows,
            models=plane.model_rows,
            records=TrainingRecords(database),
            queue=queue,
            objects=objects,
            artifacts=plane.artifacts,
            weights=plane.weights,
            clock=utc_now,
            yield_asked=yield_asked,
            device="cpu",
            checkpoint_seconds=30,
            token_folder=plane.artifacts.root / "tokens",
            token_bytes=1_000_000,
        ).run()

    run.queue = queue
    return run


def _take_over(plane, arn: str, number: int) -> None:
    """From now on attempt `number` has the job."""
    with plane.job_rows.database.writing() as connection:
        plane.job_rows.change(connection, arn, attempt=number, lease_owner=f"worker {number}")


def _weights(plane, scope) -> str:
    model = plane.models.get(scope, "customer-service-titan")
    return (plane.artifacts.resolve(model.artifact_path) / "adapter_model.safetensors").read_text()


def test_a_job_that_goes_well_publishes_model_metrics_and_record_and_clears_up(plane, scope, arn, attempt, objects):
    _take_over(plane, arn, 1)
    attempt(1)
    job = plane.jobs.get(scope, arn)
    assert job.status is JobStatus.COMPLETED
    assert _weights(plane, scope) == "by attempt 1"
    root = f"output/model-customization-job-{job.job_id}"
    assert list(objects.written) == [f"{root}/training_artifacts/step_wise_training_metrics.csv"]
    folder = plane.artifacts.resolve(plane.models.get(scope, "customer-service-titan").artifact_path)
    record = json.loads((folder / "run.json").read_text())
    assert record["files"][0]["rows"] == 1
    assert list((plane.artifacts.root / "jobs").rglob("*.jsonl")) == []


def test_a_commit_whose_answer_was_lost_keeps_the_weights(plane, scope, arn, attempt, monkeypatch):
    _take_over(plane, arn, 1)
    lost = lose_the_answer_of(monkeypatch, lambda: bool(plane.model_rows.every()))
    attempt(1)
    assert lost
    assert plane.jobs.get(scope, arn).status is JobStatus.COMPLETED
    assert _weights(plane, scope) == "by attempt 1"


def test_a_late_attempt_neither_replaces_nor_removes_what_a_later_one_has_published(plane, scope, arn, attempt):
    _take_over(plane, arn, 1)

    def another_attempt_does_it_all() -> None:
        _take_over(plane, arn, 2)
        attempt(2)

    attempt(1, during=another_attempt_does_it_all)
    assert plane.jobs.get(scope, arn).status is JobStatus.COMPLETED
    assert _weights(plane, scope) == "by attempt 2"


@pytest.mark.parametrize("error", [JobFailed("wrong"), TrainingStopped()])
def test_a_late_attempt_that_fails_leaves_the_work_of_the_current_one(plane, scope, arn, attempt, error):
    _take_over(plane, arn, 1)
    checkpoint = plane.artifacts.job_folder(scope, plane.jobs.get(scope, arn).job_id) / "checkpoint"

    def lose_the_job() -> None:
        _take_over(plane, arn, 2)
        checkpoint.write_text("of attempt 2")
        raise error

    attempt(1, during=lose_the_job)
    assert checkpoint.read_text() == "of attempt 2"
    assert plane.jobs.get(scope, arn).status is JobStatus.IN_PROGRESS


def test_a_short_outage_of_s3_costs_neither_the_job_nor_its_checkpoints(plane, scope, arn, attempt, objects):
    _take_over(plane, arn, 1)
    checkpoint = plane.artifacts.job_folder(scope, plane.jobs.get(scope, arn).job_id) / "checkpoint"

    def s3_goes_away() -> None:
        checkpoint.write_text("kept")
        objects.is_away = True

    with pytest.raises(CannotGoOnNow):
        attempt(1, during=s3_goes_away)
    assert checkpoint.read_text() == "kept"
    assert plane.jobs.get(scope, arn).status is JobStatus.IN_PROGRESS
    objects.is_away = False
    attempt(1)
    assert plane.jobs.get(scope, arn).status is JobStatus.COMPLETED


def test_a_full_disk_makes_the_job_wait_and_says_so(plane, scope, arn, attempt, database):
    _take_over(plane, arn, 1)

    def disk_is_full() -> None:
        raise TrainingYielded("The disk is full")

    with pytest.raises(CannotGoOnNow):
        attempt(1, during=disk_is_full)
    assert any("The disk is full" in message for _, message in TrainingRecords(database).events(arn))


def test_a_worker_that_must_go_is_heeded_before_training_begins(plane, scope, arn, attempt):
    _take_over(plane, arn, 1)
    with pytest.raises(Yielded):
        attempt(1, yield_asked=lambda: True)
    assert plane.jobs.get(scope, arn).status is JobStatus.IN_PROGRESS


def test_stop_pressed_while_publishing_makes_no_model(plane, scope, arn, attempt):
    _take_over(plane, arn, 1)
    attempt(1, during=lambda: plane.jobs.stop(scope, arn))
    assert plane.jobs.get(scope, arn).status is JobStatus.STOPPED
    assert plane.models._models.every() == []
    assert list((plane.artifacts.root / "custom-models").rglob("*.safetensors")) == []


def test_a_job_trains_on_the_weights_that_were_noted_when_it_was_made(plane, scope, new_job, attempt, tiny_model):
    stored = plane.weights.store.import_folder(tiny_model)
    plane.weights.file.write_text(f'[stand-ins]\n"amazon.titan-text-express-v1" = "{stored.key}"\n')
    arn = plane.jobs.create(scope, new_job(job_name="own", custom_model_name="own"))
    plane.weights.file.unlink()
    _take_over(plane, arn, 1)
    attempt(1)
    assert attempt.trained_on == {
        "base_folder": stored.folder,
        "base_adapter": None,
        "base_name": "tiny-llama",
        "rate": pytest.approx(5e-3),
    }
    model = plane.models.get(scope, "own")
    noted = plane.weights.bound_to(model.request)
    assert (noted.key, noted.sha256, noted.artifact_path) == (stored.key, stored.weights_sha256, None)

    # What goes on from it goes on from the same base.
    arn = plane.jobs.create(scope, new_job(job_name="two", custom_model_name="two", base_model_identifier="own"))
    _take_over(plane, arn, 1)
    attempt(1)
    assert attempt.trained_on["base_folder"] == stored.folder
    assert attempt.trained_on["base_adapter"] == plane.artifacts.resolve(model.artifact_path)


def test_an_adapter_on_whole_weights_notes_them_and_keeps_them(plane, scope, new_job, attempt, tiny_model):
    whole = plane.artifacts.resolve("custom-models/whole")
    shutil.copytree(tiny_model, whole)
    parent = plane.has_model(scope, "whole")
    with plane.model_rows.database.writing() as connection:
        plane.model_rows.change(connection, parent, artifact_sha256=weights_digest(whole))
    arn = plane.jobs.create(scope, new_job(job_name="on", custom_model_name="on", base_model_identifier="whole"))
    _take_over(plane, arn, 1)
    attempt(1)
    assert attempt.trained_on["base_folder"] == whole
    noted = plane.weights.bound_to(plane.models.get(scope, "on").request)
    assert (noted.artifact_path, noted.sha256) == ("custom-models/whole", weights_digest(whole))
    with pytest.raises(Conflict, match="custom-model/"):
        plane.models.delete(scope, "whole")


def test_weights_that_were_changed_in_the_store_are_not_trained_on(plane, scope, new_job, attempt, tiny_model):
    stored = plane.weights.store.import_folder(tiny_model)
    plane.weights.file.write_text(f'[stand-ins]\n"amazon.titan-text-express-v1" = "{stored.key}"\n')
    arn = plane.jobs.create(scope, new_job(job_name="own", custom_model_name="own"))
    weights = stored.folder / "model.safetensors"
    weights.chmod(0o600)
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    _take_over(plane, arn, 1)
    attempt(1)
    assert "their digest is another" in str(plane.jobs.get(scope, arn).failure_message)


def test_keys_that_change_nothing_in_this_job_are_told_in_its_events(plane, scope, new_job, attempt, database):
    keys = {"epochCount": "2", "earlyStoppingPatience": "3"}
    haiku = "anthropic.claude-3-haiku-20240307-v1:0:200k"
    names = {"job_name": "another-job", "custom_model_name": "another-model"}
    request = new_job(customization_type="FINE_TUNING", base_model_identifier=haiku, hyperparameters=keys, **names)
    arn = plane.jobs.create(scope, request)
    _take_over(plane, arn, 1)
    attempt(1)
    told = [message for _, message in TrainingRecords(database).events(arn)]
    assert any("earlyStoppingPatience has no effect here: there is no validation loss" in each for each in told)


TEST_SET = "s3://my-bucket/data/test.jsonl"


@pytest.fixture
def evaluated(plane, scope, arn, new_job) -> str:
    """ARN of a job with a test set: the newest, so the one that is attempted."""
    tags = {"tanren:test-data": TEST_SET}
    names = {"job_name": "with-test-set", "custom_model_name": "evaluated"}
    return plane.jobs.create(scope, new_job(customization_type="FINE_TUNING", job_tags=tags, **names))


def _end_baseline(plane, status: str, *messages: str) -> None:
    """As a worker would, which runs evaluation jobs beside the training."""
    for evaluation in plane.evaluation_rows.every():
        with plane.evaluation_rows.database.writing() as connection:
            plane.evaluation_rows.change(connection, evaluation.job_arn, status=status, failure_messages=list(messages))


def test_the_base_is_evaluated_before_the_training_and_the_model_beside_it_afterwards(plane, scope, evaluated, attempt):
    job = plane.jobs.get(scope, evaluated)
    trained: list[int] = []
    for number in (1, 2):
        _take_over(plane, evaluated, number)
        with pytest.raises(CannotGoOnNow, match="being evaluated"):
            attempt(number, during=lambda: trained.append(1))
    _end_baseline(plane, "Completed")
    _take_over(plane, evaluated, 3)
    assert not trained
    attempt(3)
    assert plane.jobs.get(scope, evaluated).status is JobStatus.COMPLETED
    base, tuned = plane.evaluation_rows.every()
    assert (base.job_name, tuned.job_name) == (f"{job.job_id}-base", f"{job.job_id}-tuned")
    assert tuned.status == "InProgress"
    model = plane.models.get(scope, "evaluated").model_arn
    assert list(base.model_arns.values()) == [job.base_model_arn]
    assert list(tuned.model_arns.values()) == [job.base_model_arn, model]
    for evaluation in (base, tuned):
        check_plan(evaluation.plan)
        assert evaluation.plan.datasets[0].s3_uri == TEST_SET
        assert f"/model-customization-job-{job.job_id}/evaluation/" in evaluation.plan.output_s3_uri
        assert evaluation.role_arn == job.role_arn
    assert base.customization is not None
    assert base.customization.is_baseline
    assert tuned.customization is not None
    assert tuned.customization.baseline_job_id == base.job_id
    assert [(file.uri, file.sha256) for file in tuned.customization.files] == [
        (job.training_s3_uri, hashlib.sha256(ROW).hexdigest())
    ]


def test_an_evaluation_of_the_base_that_was_stopped_is_told_of_and_waited_for_no_longer(
    plane, scope, evaluated, attempt, database
):
    _take_over(plane, evaluated, 1)
    with pytest.raises(CannotGoOnNow):
        attempt(1)
    _end_baseline(plane, "Stopped")
    _take_over(plane, evaluated, 2)
    attempt(2)
    assert plane.jobs.get(scope, evaluated).status is JobStatus.COMPLETED
    told = [message for _, message in TrainingRecords(database).events(evaluated)]
    assert any("was stopped; the training goes on without it" in message for message in told)
    assert sum("is evaluated on the test set first" in message for message in told) == 1


def test_a_test_set_that_cannot_be_used_fails_the_job_before_it_trains(plane, scope, evaluated, attempt):
    _take_over(plane, evaluated, 1)
    with pytest.raises(CannotGoOnNow):
        attempt(1)
    _end_baseline(plane, "Failed", "test.jsonl line 3: no prompt")
    _take_over(plane, evaluated, 2)
    trained: list[bool] = []
    attempt(2, during=lambda: trained.append(True))
    job = plane.jobs.get(scope, evaluated)
    assert (job.status, trained) == (JobStatus.FAILED, [])
    assert not plane.artifacts.job_path(scope, plane.evaluation_rows.every()[0].job_id).exists()
    assert "could not be evaluated on the test set" in job.failure_message
    assert "line 3" in job.failure_message


def test_a_test_set_cannot_be_named_when_the_job_is_under_way(plane, scope, arn):
    with pytest.raises(ValidationFailed, match="give it in jobTags"):
        plane.tags.add(scope, arn, {"tanren:test-data": TEST_SET})
