"""A job's states and figures as OpenAI's clients read them, through its whole life."""

from dataclasses import replace

import pytest

from tanren.domain.customization_jobs import JobStatus, Phase, PhaseStatus
from tanren.openai_api.errors import InvalidParameter
from tanren.openai_api.fine_tuning_views import FineTuningViews, event_id_of, status_of
from tanren.openai_api.training_files import bucket_of, file_of
from tanren.storage.training_records import TrainingRecords


@pytest.fixture
def job(plane, scope, new_job):
    return plane.jobs.get(scope, plane.jobs.create(scope, new_job()))


def at(job, phase: Phase, status: PhaseStatus, overall: JobStatus = JobStatus.IN_PROGRESS):
    return replace(job, status=overall, phases={**job.phases, phase: {**job.phases[phase], "status": status}})


def test_a_job_is_queued_then_its_files_are_validated_then_it_runs(job):
    assert status_of(job) == "queued"
    assert status_of(at(job, Phase.VALIDATION, PhaseStatus.IN_PROGRESS)) == "validating_files"
    assert status_of(at(job, Phase.VALIDATION, PhaseStatus.COMPLETED)) == "running"
    assert status_of(at(job, Phase.VALIDATION, PhaseStatus.IN_PROGRESS, JobStatus.STOPPING)) == "running"


@pytest.mark.parametrize(
    ("status", "told"),
    [(JobStatus.COMPLETED, "succeeded"), (JobStatus.FAILED, "failed"), (JobStatus.STOPPED, "cancelled")],
)
def test_an_ended_job_says_how_it_ended(job, status, told):
    assert status_of(replace(job, status=status)) == told


def test_a_failure_says_whether_it_is_the_data_s(job, database):
    views = FineTuningViews(TrainingRecords(database))
    failed = replace(at(job, Phase.VALIDATION, PhaseStatus.FAILED, JobStatus.FAILED), failure_message="row 3")
    assert views.job(failed)["error"] == {
        "code": "invalid_training_file",
        "message": "row 3",
        "param": "training_file",
    }
    assert views.job(replace(job, status=JobStatus.FAILED, failure_message="x"))["error"]["param"] is None
    assert views.job(job)["error"] is None


def test_a_job_of_bedrock_s_own_api_is_shown_with_its_s3_uri_and_its_own_numbers(job, database):
    shown = FineTuningViews(TrainingRecords(database)).job(job)
    assert shown["training_file"] == job.training_s3_uri
    assert shown["model"] == "amazon.titan-text-express-v1"
    assert shown["hyperparameters"] == {"n_epochs": 3, "batch_size": 8, "learning_rate_multiplier": 1.0}


def test_the_copy_of_a_file_is_shown_as_the_file(scope, other_scope):
    assert file_of(scope, f"s3://{bucket_of(scope)}/files/file-1.jsonl") == "file-1"
    assert file_of(other_scope, f"s3://{bucket_of(scope)}/files/file-1.jsonl").startswith("s3://")


def test_the_one_checkpoint_is_the_published_model_with_its_last_figures(job, database):
    views = FineTuningViews(TrainingRecords(database))
    assert views.checkpoints(job) == []
    records = TrainingRecords(database)
    steps = [{"step": n, "epoch": 1, "training_loss": 2.0 - n, "trained_tokens": 5} for n in range(2)]
    records.add_steps(job.job_arn, 0, steps)
    ended = replace(job, status=JobStatus.COMPLETED, output_model_arn="arn:model", validation_losses=(0.5,))
    (checkpoint,) = views.checkpoints(ended)
    assert checkpoint["fine_tuned_model_checkpoint"] == "arn:model"
    assert checkpoint["metrics"] == {"step": 2, "train_loss": 1.0, "full_valid_loss": 0.5}
    assert views.job(ended)["trained_tokens"] == 10


def test_a_list_of_jobs_shows_totals_without_reading_every_step(plane, scope, new_job, database, monkeypatch):
    records = TrainingRecords(database)
    jobs = []
    for number in range(3):
        new = new_job(job_name=f"job-{number}", custom_model_name=f"model-{number}")
        job = plane.jobs.get(scope, plane.jobs.create(scope, new))
        steps = [{"step": n, "epoch": 1, "training_loss": 1.0, "trained_tokens": 5} for n in range(number)]
        if steps:
            records.add_steps(job.job_arn, 0, steps)
        jobs.append(replace(job, status=JobStatus.COMPLETED) if number else job)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("records of steps were read")

    monkeypatch.setattr(records, "_records", refuse)
    assert [job["trained_tokens"] for job in FineTuningViews(records).jobs(jobs)] == [None, 5, 10]


def test_only_an_event_of_the_list_is_a_place_in_it():
    assert event_id_of("ftevent-17") == 17
    for bad in ("17", "ftevent-", "ftevent-x", "ftevent-" + "9" * 30):
        with pytest.raises(InvalidParameter):
            event_id_of(bad)
