"""GetJobEvaluation asked by boto3 with the overlay on: what is kept is told in the model's members."""

from typing import Any

import pytest

from tanren.control.customization_evaluations import CustomizationEvaluations
from tanren.domain.clock import utc_now
from tanren.storage.evaluation_jobs import EvaluationJobs
from tests.protocol.test_tanren_service import Service
from tests.protocol.test_tanren_service import service as service
from tests.unit.cli.test_job_evaluation import FINDINGS

REQUEST: dict[str, Any] = {
    "jobName": "evaluated",
    "customModelName": "evaluated",
    "roleArn": "arn:aws:iam::123456789012:role/R",
    "baseModelIdentifier": "amazon.titan-text-express-v1",
    "trainingDataConfig": {"s3Uri": "s3://my-bucket/train.jsonl"},
    "outputDataConfig": {"s3Uri": "s3://my-bucket/out/"},
    "hyperParameters": {"epochCount": "1"},
}
TEST_DATA = {"key": "tanren:test-data", "value": "s3://my-bucket/test.jsonl"}
CRITERIA = {"key": "tanren:success-criteria", "value": "rougeL at least base + 0.1"}


def test_what_was_found_about_a_model_is_told_as_it_was_kept(service: Service) -> None:
    arn = service.bedrock.create_model_customization_job(**REQUEST, jobTags=[TEST_DATA, CRITERIA])["jobArn"]
    told = service.tanren.get_job_evaluation(jobIdentifier=arn)
    del told["ResponseMetadata"]
    assert told == {"jobArn": arn, "testDataS3Uri": "s3://my-bucket/test.jsonl", "successCriteria": CRITERIA["value"]}
    database = service.jobs.database
    evaluations = CustomizationEvaluations(EvaluationJobs(database), clock=utc_now)
    job = service.jobs.by_arn(arn)
    with database.writing() as connection:
        comparison = evaluations.begin_comparison(connection, job, job.base_model_arn, [])
        assert comparison is not None
        EvaluationJobs(database).change(connection, comparison, findings=FINDINGS, status="Completed")
    told = service.tanren.get_job_evaluation(jobIdentifier="evaluated")
    assert told["findings"] == FINDINGS
    assert told["comparison"] == {"evaluationJobArn": comparison, "status": "Completed", "failureMessages": []}
    shown = service.bedrock.get_evaluation_job(jobIdentifier=comparison)
    assert "customization" not in shown


def test_a_job_without_a_test_set_has_no_evaluation(service: Service) -> None:
    arn = service.bedrock.create_model_customization_job(**REQUEST)["jobArn"]
    with pytest.raises(service.tanren.exceptions.ResourceNotFoundException, match="without the tag tanren:test-data"):
        service.tanren.get_job_evaluation(jobIdentifier=arn)


def test_criteria_are_refused_when_the_job_is_created(service: Service) -> None:
    wrong = {**CRITERIA, "value": "rougeL is better"}
    with pytest.raises(service.bedrock.exceptions.ValidationException, match="is no criterion"):
        service.bedrock.create_model_customization_job(**REQUEST, jobTags=[TEST_DATA, wrong])
