"""Events of jobs have the members of Bedrock's own."""

from datetime import UTC, datetime

import pytest

from tanren.domain.customization_jobs import CustomizationJob, CustomizationType, JobStatus
from tanren.domain.state_change_events import StateChange, customization_job_event

CREATED, CHANGED = datetime(2026, 11, 21, 12, 0, tzinfo=UTC), datetime(2026, 11, 21, 12, 30, 5, tzinfo=UTC)
ARN = "arn:aws:bedrock:us-west-2:123456789012:model-customization-job/amazon.titan-text-express-v1/abcdefghijkl"


@pytest.fixture
def job(scope) -> CustomizationJob:
    return CustomizationJob(
        scope=scope,
        job_id="abcdefghijkl",
        job_arn=ARN,
        job_name="nightly",
        output_model_name="house",
        role_arn="arn:aws:iam::123456789012:role/tuner",
        client_request_token=None,
        customization_type=CustomizationType.FINE_TUNING,
        base_model_arn="arn:aws:bedrock:us-west-2::foundation-model/amazon.titan-text-express-v1",
        foundation_model_id="amazon.titan-text-express-v1",
        hyperparameters={"epochCount": "2"},
        training_s3_uri="s3://data/train.jsonl",
        validation_s3_uris=("s3://data/validation.jsonl",),
        output_s3_uri="s3://data/output/",
        status=JobStatus.COMPLETED,
        phases={},
        failure_message=None,
        output_model_arn="arn:aws:bedrock:us-west-2:123456789012:custom-model/amazon.titan-text-express-v1/x",
        training_loss=1.0,
        created_at=CREATED,
        updated_at=CHANGED,
        ended_at=CHANGED,
        attempt=1,
    )


def change(status: str, message: str | None = None) -> StateChange:
    return StateChange(
        change_id=1,
        job_table="customization_jobs",
        job_arn=ARN,
        status=status,
        message=message,
        changed_at=CHANGED,
    )


def test_a_completed_job_says_what_it_made_of_what(job, scope):
    event = customization_job_event(job, change("Completed"))
    assert (event.scope, event.detail_type) == (scope, "Model Customization Job State Change")
    assert event.detail == {
        "version": "0.0",
        "jobName": "nightly",
        "jobArn": ARN,
        "outputModelName": "house",
        "outputModelArn": job.output_model_arn,
        "roleArn": job.role_arn,
        "jobStatus": "Completed",
        "creationTime": "2026-11-21T12:00:00Z",
        "lastModifiedTime": "2026-11-21T12:30:05Z",
        "endTime": "2026-11-21T12:30:05Z",
        "baseModelArn": job.base_model_arn,
        "hyperParameters": {"epochCount": "2"},
        "trainingDataConfig": {"s3Uri": "s3://data/train.jsonl"},
        "validationDataConfig": {"s3Uri": "s3://data/validation.jsonl"},
        "outputDataConfig": {"s3Uri": "s3://data/output/"},
    }


def test_a_change_is_told_as_it_was_however_late(job):
    """The job has completed since; when it began there was no model."""
    detail = customization_job_event(job, change("InProgress")).detail
    assert detail["jobStatus"] == "InProgress"
    assert not {"outputModelArn", "endTime", "failureMessage"} & detail.keys()


def test_a_failure_says_why(job):
    assert customization_job_event(job, change("Failed", "row 3 is no JSON")).detail["failureMessage"] == (
        "row 3 is no JSON"
    )
