"""boto3 creates, reads, lists, stops and deletes evaluation jobs through the whole wire layer."""

import copy
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tanren.aws.chain import build_application
from tanren.aws.operations.bedrock.evaluation_jobs import evaluation_job_handlers
from tests.protocol.loopback import OneKey, client

REQUEST: dict[str, Any] = {
    "jobName": "nightly-quality",
    "jobDescription": "Is it better?",
    "roleArn": "arn:aws:iam::123456789012:role/Evaluation",
    "applicationType": "ModelEvaluation",
    "evaluationConfig": {
        "automated": {
            "datasetMetricConfigs": [
                {
                    "taskType": "General",
                    "dataset": {"name": "questions", "datasetLocation": {"s3Uri": "s3://my-bucket/in/q.jsonl"}},
                    "metricNames": ["Builtin.Correctness", "Tanren.Contains", "Politeness"],
                }
            ],
            "evaluatorModelConfig": {"bedrockEvaluatorModels": [{"modelIdentifier": "amazon.nova-pro-v1:0"}]},
            "customMetricConfig": {
                "customMetrics": [
                    {
                        "customMetricDefinition": {
                            "name": "Politeness",
                            "instructions": "Is {{prediction}} polite?",
                            "ratingScale": [
                                {"definition": "rude", "value": {"floatValue": 0.0}},
                                {"definition": "polite", "value": {"floatValue": 1.0}},
                            ],
                        }
                    }
                ],
                "evaluatorModelConfig": {"bedrockEvaluatorModels": [{"modelIdentifier": "amazon.nova-lite-v1:0"}]},
            },
        }
    },
    "inferenceConfig": {
        "models": [
            {
                "bedrockModel": {
                    "modelIdentifier": "amazon.titan-text-express-v1",
                    "inferenceParams": '{"inferenceConfig": {"maxTokens": 64}}',
                    "performanceConfig": {"latency": "standard"},
                }
            }
        ]
    },
    "outputDataConfig": {"s3Uri": "s3://my-bucket/out/"},
}


@pytest.fixture
def bedrock(plane) -> Any:
    handlers = {"bedrock": evaluation_job_handlers(plane.evaluations), "bedrock-runtime": {}}
    return client(build_application(handlers=handlers, access_keys=OneKey(), neighbourhood=None), "bedrock")


def _changed(path: str, value: Any) -> dict[str, Any]:
    request = copy.deepcopy(REQUEST)
    *way, last = path.split(".")
    place: Any = request
    for name in way:
        place = place[int(name)] if name.isdigit() else place[name]
    place[last] = value
    return request


def test_a_job_echoes_what_was_asked_and_its_summary_says_whom_it_asks(bedrock):
    created = bedrock.create_evaluation_job(**REQUEST)
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 202
    arn = created["jobArn"]
    job = bedrock.get_evaluation_job(jobIdentifier=arn)
    assert {name: job[name] for name in REQUEST} == REQUEST
    assert (job["status"], job["jobType"], job["jobArn"]) == ("InProgress", "Automated", arn)
    assert "failureMessages" not in job
    (summary,) = bedrock.list_evaluation_jobs()["jobSummaries"]
    assert summary == {
        "jobArn": arn,
        "jobName": "nightly-quality",
        "status": "InProgress",
        "creationTime": job["creationTime"],
        "jobType": "Automated",
        "evaluationTaskTypes": ["General"],
        "modelIdentifiers": ["amazon.titan-text-express-v1"],
        "ragIdentifiers": [],
        "evaluatorModelIdentifiers": ["amazon.nova-pro-v1:0"],
        "customMetricsEvaluatorModelIdentifiers": ["amazon.nova-lite-v1:0"],
        "inferenceConfigSummary": {
            "modelConfigSummary": {
                "bedrockModelIdentifiers": ["amazon.titan-text-express-v1"],
                "precomputedInferenceSourceIdentifiers": [],
            }
        },
        "applicationType": "ModelEvaluation",
    }


def test_pages_of_a_list_hold_every_job_once_and_filters_leave_the_others_out(bedrock):
    arns = [bedrock.create_evaluation_job(**_changed("jobName", f"job-{n}"))["jobArn"] for n in range(5)]
    pages = bedrock.get_paginator("list_evaluation_jobs").paginate(
        sortBy="CreationTime", sortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    assert [job["jobArn"] for page in pages for job in page["jobSummaries"]] == arns
    later = bedrock.get_evaluation_job(jobIdentifier=arns[3])["creationTime"]
    wanted = bedrock.list_evaluation_jobs(
        creationTimeAfter=later, statusEquals="InProgress", applicationTypeEquals="ModelEvaluation", nameContains="job"
    )
    assert [job["jobArn"] for job in wanted["jobSummaries"]] == [arns[4]]
    assert bedrock.list_evaluation_jobs(applicationTypeEquals="RagEvaluation")["jobSummaries"] == []


@pytest.mark.parametrize(
    ("path", "value", "code", "text"),
    [
        ("jobName", "Nightly", "ValidationException", "regular expression"),
        ("applicationType", "RagEvaluation", "ValidationException", "RagEvaluation is not implemented"),
        ("customerEncryptionKeyId", "alias/key", "ValidationException", "customerEncryptionKeyId is not implemented"),
        (
            "evaluationConfig",
            {"human": {"datasetMetricConfigs": [*REQUEST["evaluationConfig"]["automated"]["datasetMetricConfigs"]]}},
            "ValidationException",
            "evaluationConfig.human is not implemented",
        ),
        (
            "inferenceConfig",
            {"ragConfigs": [{"precomputedRagSourceConfig": {"retrieveSourceConfig": {"ragSourceIdentifier": "r"}}}]},
            "ValidationException",
            "ragConfigs is not implemented",
        ),
        (
            "inferenceConfig.models.0.bedrockModel.performanceConfig",
            {"latency": "optimized"},
            "ValidationException",
            "latency optimized is not implemented",
        ),
        (
            "inferenceConfig.models.0.bedrockModel.modelIdentifier",
            "amazon.no-such-v1",
            "ResourceNotFoundException",
            "no-such",
        ),
        (
            "evaluationConfig.automated.datasetMetricConfigs.0.dataset",
            {"name": "Builtin.BoolQ"},
            "ValidationException",
            "Tanren.General",
        ),
        ("jobDescription", "another job", "ConflictException", "already exists"),
    ],
)
def test_a_request_that_breaks_a_rule_has_the_modelled_error(bedrock, path: str, value: Any, code: str, text: str):
    bedrock.create_evaluation_job(**REQUEST)
    with pytest.raises(ClientError, match=text) as refused:
        bedrock.create_evaluation_job(**_changed(path, value))
    assert refused.value.response["Error"]["Code"] == code


def test_stop_answers_with_nothing_and_a_stopped_job_is_a_conflict(bedrock):
    arn = bedrock.create_evaluation_job(**REQUEST)["jobArn"]
    bedrock.stop_evaluation_job(jobIdentifier=arn)
    assert bedrock.get_evaluation_job(jobIdentifier=arn)["status"] == "Stopped"
    with pytest.raises(bedrock.exceptions.ConflictException):
        bedrock.stop_evaluation_job(jobIdentifier=arn)
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.stop_evaluation_job(jobIdentifier=arn[:-12] + "z" * 12)


def test_a_batch_deletion_tells_of_each_job_what_became_of_it(bedrock):
    stopped, running = (bedrock.create_evaluation_job(**_changed("jobName", name))["jobArn"] for name in ("a", "b"))
    bedrock.stop_evaluation_job(jobIdentifier=stopped)
    unknown = stopped[:-12] + "z" * 12
    done = bedrock.batch_delete_evaluation_job(jobIdentifiers=[stopped, running, unknown])
    assert done["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert done["evaluationJobs"] == [{"jobIdentifier": stopped, "jobStatus": "Deleting"}]
    codes = {error["jobIdentifier"]: error["code"] for error in done["errors"]}
    assert codes == {running: "ConflictException", unknown: "ResourceNotFoundException"}
    assert "StopEvaluationJob" in done["errors"][0]["message"]
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.get_evaluation_job(jobIdentifier=stopped)
