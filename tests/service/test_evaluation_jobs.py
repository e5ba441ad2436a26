"""Evaluation jobs end to end, by unmodified boto3: data sets in S3, scores in S3, a judge, kill -9 in the middle."""

import json
import os
import signal
from typing import Any

import pytest

from tanren.storage.database import Database, sqlite_url
from tanren.storage.training_records import TrainingRecords
from tests.service.servers import (
    BASE_MODEL,
    FORGE_ROWS,
    Server,
    finished,
    job_request,
    rows_as_jsonl,
    wait_until,
)

BUCKET = "evaluations"
ENDED = ("Completed", "Failed", "Stopped")
QUESTIONS = [
    {"prompt": "What is the capital of France?", "referenceResponse": "Paris", "category": "facts", "id": 1},
    {"prompt": "Answer yes or no: is water wet?", "referenceResponse": "yes", "category": "facts", "id": 2},
    {"prompt": "What is 2 plus 2?", "referenceResponse": "4", "category": "sums", "id": 3},
]


def _request(server: Server, name: str, source: str, metrics: list[str], **automated: Any) -> dict[str, Any]:
    dataset = {"name": "questions", "datasetLocation": {"s3Uri": f"s3://{BUCKET}/{source}"}}
    task = automated.pop("task", "QuestionAndAnswer")
    params = json.dumps({"inferenceConfig": {"maxTokens": automated.pop("tokens", 16)}})
    return {
        "jobName": name,
        "roleArn": f"arn:aws:iam::{server.keys.account_id}:role/evaluation",
        "evaluationConfig": {
            "automated": {
                "datasetMetricConfigs": [{"taskType": task, "dataset": dataset, "metricNames": metrics}],
                **automated,
            }
        },
        "inferenceConfig": {
            "models": [{"bedrockModel": {"modelIdentifier": BASE_MODEL, "inferenceParams": params}}],
        },
        "outputDataConfig": {"s3Uri": f"s3://{BUCKET}/out/"},
    }


def _ended(server: Server, arn: str, *, seconds: float = 240) -> dict[str, Any]:
    bedrock = server.client("bedrock")

    def look() -> dict[str, Any] | None:
        job = bedrock.get_evaluation_job(jobIdentifier=arn)
        return job if job["status"] in ENDED else None

    return wait_until(look, seconds=seconds, what=f"the end of {arn}")


def _keys(server: Server, job: dict[str, Any]) -> list[str]:
    prefix = f"out/{job['jobName']}/{job['jobArn'].rsplit('/', 1)[-1]}/"
    listed = server.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [found["Key"].removeprefix(prefix) for found in listed.get("Contents", ())]


def _lines(server: Server, job: dict[str, Any]) -> list[dict[str, Any]]:
    (key,) = [key for key in _keys(server, job) if key.endswith("_output.jsonl")]
    prefix = f"out/{job['jobName']}/{job['jobArn'].rsplit('/', 1)[-1]}/"
    body = server.client("s3").get_object(Bucket=BUCKET, Key=prefix + key)["Body"].read()
    return [json.loads(line) for line in body.splitlines()]


def _events(server: Server, arn: str) -> list[str]:
    database = Database(sqlite_url(server.data_dir / "tanren.db"))
    try:
        return [message for _, message in TrainingRecords(database).events(arn)]
    finally:
        database.close()


def _put(server: Server, rows: dict[str, list[dict[str, Any]]]) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for key, records in rows.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=rows_as_jsonl(records))


@pytest.fixture(scope="module")
def questions(server):
    """The files of this module's jobs, in S3."""
    _put(server, {"questions.jsonl": QUESTIONS, "wrong.jsonl": [*QUESTIONS, {"prompt": "No reference"}]})


def test_answers_are_those_that_an_online_caller_gets_scored_and_laid_out_as_on_aws(server, questions):
    bedrock = server.client("bedrock")
    request = _request(server, "automated", "questions.jsonl", ["Builtin.Accuracy", "Builtin.Robustness"])
    arn = bedrock.create_evaluation_job(**request, jobTags=[{"key": "team", "value": "forge"}])["jobArn"]
    job = _ended(server, arn)
    assert job["status"] == "Completed", job
    assert {name: job[name] for name in request} == request
    lines = _lines(server, job)
    assert [line["inputRecord"] for line in lines] == QUESTIONS
    message = {"role": "user", "content": [{"text": QUESTIONS[0]["prompt"]}]}
    online = server.client("bedrock-runtime").converse(
        modelId=BASE_MODEL, messages=[message], inferenceConfig={"maxTokens": 16, "temperature": 0}
    )
    text = "".join(block["text"] for block in online["output"]["message"]["content"])
    assert lines[0]["modelResponses"] == [{"modelIdentifier": BASE_MODEL, "response": text}]
    for line in lines:
        accuracy, robustness = line["automatedEvaluationResult"]["scores"]
        assert (accuracy["metricName"], robustness["metricName"]) == ("Builtin.Accuracy", "Builtin.Robustness")
        assert 0 <= accuracy["result"] <= 1
        assert 0 <= robustness["result"] <= 1
    assert f"models/{BASE_MODEL}/taskTypes/QuestionAndAnswer/datasets/questions/" in " ".join(_keys(server, job))
    tags = bedrock.list_tags_for_resource(resourceARN=arn)["tags"]
    assert tags == [{"key": "team", "value": "forge"}]


def test_a_judge_is_held_to_its_scale_and_its_own_metric_is_kept_with_the_results(server, questions):
    judge = {"bedrockEvaluatorModels": [{"modelIdentifier": BASE_MODEL}]}
    definition = {
        "name": "Politeness",
        "instructions": "Is this answer polite? {{prediction}}",
        "ratingScale": [
            {"definition": "rude", "value": {"floatValue": 0.0}},
            {"definition": "polite", "value": {"floatValue": 1.0}},
        ],
    }
    custom = {"customMetrics": [{"customMetricDefinition": definition}], "evaluatorModelConfig": judge}
    request = _request(
        server,
        "judged",
        "questions.jsonl",
        ["Builtin.Helpfulness", "Politeness"],
        task="General",
        evaluatorModelConfig=judge,
        customMetricConfig=custom,
    )
    job = _ended(server, server.client("bedrock").create_evaluation_job(**request)["jobArn"])
    assert job["status"] == "Completed", job
    for line in _lines(server, job):
        helpfulness, politeness = line["automatedEvaluationResult"]["scores"]
        assert helpfulness["result"] is None or 0 <= helpfulness["result"] <= 1
        assert politeness["result"] in (None, 0.0, 1.0)
        assert helpfulness["evaluatorDetails"][0]["modelIdentifier"] == BASE_MODEL
    assert {"custom_metrics/Politeness.json", "summary.json"} <= set(_keys(server, job))


def test_a_row_without_what_its_metrics_need_fails_the_job_before_anything_is_asked(server, questions):
    bedrock = server.client("bedrock")
    arn = bedrock.create_evaluation_job(**_request(server, "wrong", "wrong.jsonl", ["Tanren.Contains"]))["jobArn"]
    job = _ended(server, arn)
    assert job["status"] == "Failed"
    (message,) = job["failureMessages"]
    assert f's3://{BUCKET}/wrong.jsonl line 4: "referenceResponse" is missing.' in message
    assert _keys(server, job) == []
    with pytest.raises(bedrock.exceptions.ConflictException):
        bedrock.stop_evaluation_job(jobIdentifier=arn)
    deleted = bedrock.batch_delete_evaluation_job(jobIdentifiers=[arn])
    assert deleted["evaluationJobs"] == [{"jobIdentifier": arn, "jobStatus": "Deleting"}]
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.get_evaluation_job(jobIdentifier=arn)


def test_a_customization_job_with_a_test_set_is_evaluated_before_and_after(server, questions):
    bucket = "tested"
    s3, bedrock = server.client("s3"), server.client("bedrock")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="train.jsonl", Body=rows_as_jsonl(FORGE_ROWS[:-2]))
    s3.put_object(Bucket=bucket, Key="test.jsonl", Body=rows_as_jsonl(FORGE_ROWS[-2:]))
    criteria = "loss at most base and contamination at most 0 and contains at least base + 0.1"
    tags = [
        {"key": "tanren:test-data", "value": f"s3://{bucket}/test.jsonl"},
        {"key": "tanren:success-criteria", "value": criteria},
    ]
    arn = bedrock.create_model_customization_job(**job_request(server, "tested", bucket, jobTags=tags))["jobArn"]
    job = finished(bedrock, arn)
    assert job["status"] == "Completed", job
    found = bedrock.list_evaluation_jobs(nameContains=arn.rsplit("/", 1)[-1], sortOrder="Ascending")["jobSummaries"]
    base, tuned = [_ended(server, each["jobArn"]) for each in found]
    assert (base["status"], tuned["status"]) == ("Completed", "Completed"), tuned
    assert base["lastModifiedTime"] <= job["statusDetails"]["validationDetails"]["lastModifiedTime"]
    asked = [each["bedrockModel"]["modelIdentifier"] for each in tuned["inferenceConfig"]["models"]]
    assert asked[1] == job["outputModelArn"]
    folder = tuned["outputDataConfig"]["s3Uri"].removeprefix(f"s3://{bucket}/")
    assert folder == f"output/model-customization-job-{arn.rsplit('/', 1)[-1]}/evaluation/"
    keys = [
        each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=f"{folder}{tuned['jobName']}/")["Contents"]
    ]
    (summary,) = [key for key in keys if key.endswith("/summary.json")]
    (dataset,) = json.loads(s3.get_object(Bucket=bucket, Key=summary)["Body"].read())["datasets"]
    assert [model["answeredCount"] for model in dataset["models"]] == [2, 2]
    assert {each["outcome"] for each in dataset["comparisons"]} == {"cannot show"}, "two questions show nothing"
    assert any(key.endswith("/report.ja.html") for key in keys)
    told = server.client("tanren").get_job_evaluation(jobIdentifier=arn)
    assert told["successCriteria"] == criteria
    found = told["findings"]
    assert found["verdict"] == "DONT_SHIP", "two questions show nothing, so no gain is shown either"
    states = {reason["criterion"]: reason["state"] for reason in found["reasons"]}
    assert states["contamination at most 0"] == "met"
    loss = next(metric for metric in found["metrics"] if metric["metricName"] == "loss")
    assert loss["tuned"] < loss["base"], "rows like those that it was trained on"
    assert [arm["name"] for arm in found["arms"]] == ["base", "base+few-shot", "tuned"]
    assert found["forgetting"]["questionCount"] == 82
    assert any("The model is evaluated: DON'T SHIP" in message for message in _events(server, arn))


LONG = [{"prompt": f"Count from {n}.", "referenceResponse": str(n + 1)} for n in range(300)]


def _begin_long(server: Server) -> str:
    """A job in the middle of its work."""
    server.start()
    _put(server, {"long.jsonl": LONG})
    request = _request(server, "long", "long.jsonl", ["Tanren.Contains"], tokens=64)
    arn = server.client("bedrock").create_evaluation_job(**request)["jobArn"]
    job_id = arn.rsplit("/", 1)[-1]

    def replies() -> int:
        return sum(path.read_bytes().count(b"\n") for path in server.data_dir.rglob(f"{job_id}/replies/*.jsonl"))

    wait_until(lambda: replies() >= 20, seconds=120, what="the first replies")
    return arn


def test_kill_9_of_the_jobs_process_asks_nothing_again_that_has_its_reply(own_server):
    arn = _begin_long(own_server)
    (pid,) = [pid for pid, command in own_server.processes().items() if "tanren.assignment" in command]
    os.kill(pid, signal.SIGKILL)
    job = _ended(own_server, arn)
    assert job["status"] == "Completed", job
    assert [line["inputRecord"] for line in _lines(own_server, job)] == LONG
    events = _events(own_server, arn)
    (going_on,) = [message for message in events if message.startswith("Going on")]
    assert int(going_on.split()[2]) >= 20
    assert [message for message in events if "crashed" in message] == [
        "Attempt 1 crashed: its process was ended by SIGKILL."
    ]


def test_a_stopped_job_ends_soon_and_leaves_no_results(own_server):
    arn = _begin_long(own_server)
    own_server.client("bedrock").stop_evaluation_job(jobIdentifier=arn)
    job = _ended(own_server, arn, seconds=30)
    assert job["status"] == "Stopped"
    assert _keys(own_server, job) == []
