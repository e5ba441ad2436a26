"""A job done once more: identical where nothing has changed, refused or told apart where something has."""

import json
from contextlib import contextmanager

import pytest
import torch

from tanren.data import containers, json_documents
from tanren.domain.clock import utc_now
from tanren.domain.errors import Conflict, JobFailed, ResourceNotFound
from tanren.jobs.queue import Assignment, JobQueue
from tanren.storage.tables import customization_jobs
from tanren.storage.training_records import TrainingRecords
from tanren.workflows import repetition
from tanren.workflows.customization import CustomizationWorkflow
from tanren.workflows.repetition import repeat_run

ROWS = b"".join(
    json.dumps({"prompt": f"what is {n}?", "completion": "he" + "ll" * (n % 4) + f"o {n}"}).encode() + b"\n"
    for n in range(12)
)


class Objects:
    def __init__(self, content: bytes) -> None:
        self.content: bytes | None = content
        self.reads = 0

    def chunks(self, location):
        self.reads += 1
        if self.content is None:
            raise JobFailed(f"There is no such object {location.uri}")
        yield self.content

    def put(self, location, content, *, content_type):
        pass

    def delete(self, location):
        pass


@pytest.fixture
def objects(request) -> Objects:
    """With JSONL, or what the test gives as parameter."""
    return Objects(getattr(request, "param", ROWS))


@pytest.fixture
def done(plane, scope, new_job, objects, database, tiny_model, tmp_path):
    """A job that was really trained on a tiny base, and a function that repeats it."""
    torch.set_num_threads(1)
    stored = plane.weights.store.import_folder(tiny_model)
    plane.weights.file.write_text(f'[stand-ins]\n"amazon.titan-text-express-v1" = "{stored.key}"\n')
    arn = plane.jobs.create(
        scope, new_job(hyperparameters={"epochCount": "2", "batchSize": "4", "learningRate": "0.00001"})
    )
    with plane.job_rows.database.writing() as connection:
        plane.job_rows.change(connection, arn, attempt=1, lease_owner="worker 1")
    CustomizationWorkflow(
        Assignment(job_arn=arn, attempt=1),
        jobs=plane.job_rows,
        models=plane.model_rows,
        records=TrainingRecords(database),
        queue=JobQueue(database, customization_jobs, claimable=("InProgress", "Stopping"), lease_seconds=30),
        objects=objects,
        artifacts=plane.artifacts,
        weights=plane.weights,
        clock=utc_now,
        yield_asked=lambda: False,
        device="cpu",
        checkpoint_seconds=30,
        token_folder=tmp_path / "tokens",
        token_bytes=1_000_000,
    ).run()
    job = plane.jobs.get(scope, arn)
    assert job.status == "Completed", job.failure_message

    @contextmanager
    def open_objects():
        yield objects

    def again(tokens: str = "no tokens"):
        return repeat_run(
            plane.jobs.get(scope, arn),
            models=plane.model_rows,
            artifacts=plane.artifacts,
            weights=plane.weights,
            open_objects=open_objects,
            token_folder=tmp_path / tokens,
            scratch=tmp_path / "scratch",
            tell=lambda sentence: None,
        )

    again.folder = plane.artifacts.resolve(plane.models.get(scope, "customer-service-titan").artifact_path)
    again.stored = stored
    again.arn = arn
    return again


def _change_record(done, change) -> None:
    file = done.folder / "run.json"
    record = json.loads(file.read_text())
    change(record)
    file.write_text(json.dumps(record))


def test_a_job_that_nobody_touched_is_identical(done):
    found = done()
    digest = json.loads((done.folder / "run.json").read_text())["outcome"]["sha256"]
    assert found.is_identical
    assert found.verdict == f"identical: 6 of 6 steps, adapter sha256 {digest}"
    assert found.reasons == ()


def test_the_job_tells_its_memory_and_its_steps_tell_how_far_they_are(done, database):
    records = TrainingRecords(database)
    events = [message for _, message in records.events(done.arn)]
    assert any(event.startswith("Memory: forecast") for event in events)
    assert any(event.startswith("Memory: peak") for event in events)
    steps = records.steps(done.arn)
    assert [step["total_steps"] for step in steps] == [6] * 6
    assert steps[-1]["share"] == 1
    record = json.loads((done.folder / "run.json").read_text())
    assert record["memory"]["forecast"]["token_budget"] == record["token_budget"]
    assert record["energy"]["watt_hours"] is not None or record["energy"]["reason"]


def test_data_that_are_kept_as_tokens_need_no_s3(done, objects):
    reads, objects.content = objects.reads, None
    assert done("tokens").is_identical
    assert objects.reads == reads


@pytest.fixture
def short_lines(monkeypatch):
    """No line may have more than 400 characters; files are read 100 bytes at a time."""
    monkeypatch.setattr(containers, "BLOCK_BYTES", 100)
    monkeypatch.setattr(json_documents, "LINE_BYTES_CAP", 400)


@pytest.mark.parametrize("objects", [b"[" + b", ".join(ROWS.splitlines()) + b"]"], indirect=True, ids=["array"])
def test_an_array_on_one_line_may_be_longer_than_a_line(short_lines, done, objects):
    assert b"\n" not in objects.content
    assert done().is_identical


def test_data_that_have_changed_or_gone_are_refused(done, objects):
    objects.content = ROWS.replace(b"hello 1", b"hallo 1")
    with pytest.raises(Conflict, match=r"train\.jsonl has changed since the job"):
        done()
    objects.content = None
    with pytest.raises(ResourceNotFound, match="data of the job are gone"):
        done()


def test_the_first_step_that_differs_is_told_with_both_values(done):
    def change(record) -> None:
        record["outcome"]["step_records"][3]["training_loss"] = 0.25
        record["outcome"]["step_records"][5]["training_loss"] = 0.5

    _change_record(done, change)
    found = done()
    assert not found.is_identical
    assert "step 3 has training loss" in found.verdict
    assert "recorded is 0.25" in found.verdict


def test_a_model_of_other_bytes_is_told(done):
    _change_record(done, lambda record: record["outcome"].update(sha256="0" * 64))
    found = done()
    assert not found.is_identical
    assert "All steps are equal, but the adapter is not" in found.verdict


def test_other_text_to_replay_is_told_before_any_step(done):
    _change_record(done, lambda record: record["digests"].update(replay="0" * 64))
    found = done()
    assert not found.is_identical
    assert "general text that is replayed gives other tokens: digest none…, recorded 000000000000…" in found.verdict


def test_another_base_is_refused(done):
    _change_record(done, lambda record: record["digests"].update(base_weights="0" * 64))
    with pytest.raises(Conflict, match="not the ones that the job trained on"):
        done()


def test_what_is_other_here_is_named_and_no_reason_to_refuse(done):
    def change(record) -> None:
        record["versions"]["torch"] = "1.0"
        record["machine"]["cpu"] = "an abacus"

    _change_record(done, change)
    found = done()
    assert found.is_identical
    assert any("the job had 1.0" in reason for reason in found.reasons)
    assert any("an abacus" in reason for reason in found.reasons)


def test_the_number_of_threads_is_that_of_the_job(done):
    torch.set_num_threads(2)
    try:
        assert done().is_identical
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(1)


def test_a_record_of_an_earlier_tanren_is_refused(done):
    _change_record(done, lambda record: record.update(format=1))
    with pytest.raises(Conflict, match="earlier tanren"):
        done()


def test_a_job_without_a_model_has_nothing_to_verify(done, plane, scope, new_job):
    other = plane.jobs.get(scope, plane.jobs.create(scope, new_job(job_name="b", custom_model_name="b")))
    with pytest.raises(ResourceNotFound, match="only a completed job"):
        repetition.recorded(other, plane.model_rows, plane.artifacts)
