"""A job's request from options, from a file, or from both; and what follows when it is made."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tanren.cli.job_creation import read_request
from tanren.domain.errors import JobFailed, ResourceNotFound, ValidationFailed
from tests.unit.cli.fake_services import FakeServices

ARN = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.titan-text-express-v1/aaaaaaaaaaaa"
OPTIONS = (
    *("--job-name", "first-job"),
    *("--custom-model-name", "first-model"),
    *("--base-model", "amazon.titan-text-express-v1"),
    *("--role-arn", "arn:aws:iam::123456789012:role/R"),
    *("--training-data", "s3://my-bucket/train.jsonl"),
    *("--output-data", "s3://my-bucket/output/"),
)
REQUEST = {
    "jobName": "first-job",
    "customModelName": "first-model",
    "baseModelIdentifier": "amazon.titan-text-express-v1",
    "roleArn": "arn:aws:iam::123456789012:role/R",
    "trainingDataConfig": {"s3Uri": "s3://my-bucket/train.jsonl"},
    "outputDataConfig": {"s3Uri": "s3://my-bucket/output/"},
}
FILE = """
jobName = "from-the-file"
customModelName = "first-model"
baseModelIdentifier = "amazon.titan-text-express-v1"
roleArn = "arn:aws:iam::123456789012:role/R"
trainingDataConfig.s3Uri = "s3://my-bucket/train.jsonl"
outputDataConfig.s3Uri = "s3://my-bucket/output/"
[hyperParameters]
epochCount = 3
learningRate = 0.00001
"""


@pytest.fixture
def made(services: FakeServices) -> FakeServices:
    services.answers["CreateModelCustomizationJob"] = {"jobArn": ARN}
    return services


def test_the_options_make_the_request_and_the_arn_alone_is_printed(made, at_tanren, tanren):
    result = tanren("job", "create", *OPTIONS)
    assert (result.exit_code, result.stdout) == (0, ARN + "\n")
    assert made.made("CreateModelCustomizationJob") == [REQUEST]
    assert "tanren job watch first-job" in result.stderr
    assert json.loads(tanren("job", "create", *OPTIONS, "-o", "json").stdout) == {"jobArn": ARN}


@pytest.mark.parametrize(
    ("flag", "member"),
    [
        ("--epochs", "epochCount"),
        ("--epoch-count", "epochCount"),
        ("--batch-size", "batchSize"),
        ("--learning-rate", "learningRate"),
        ("--learning-rate-multiplier", "learningRateMultiplier"),
        ("--warmup-steps", "learningRateWarmupSteps"),
        ("--early-stopping-threshold", "earlyStoppingThreshold"),
        ("--early-stopping-patience", "earlyStoppingPatience"),
    ],
)
def test_each_hyperparameter_reaches_the_service_as_it_is_written(made, at_tanren, tanren, flag: str, member: str):
    tanren("job", "create", *OPTIONS, flag, "0.00001", "--hyper", "loraRank=8")
    (request,) = made.made("CreateModelCustomizationJob")
    assert request["hyperParameters"] == {member: "0.00001", "loraRank": "8"}


def test_everything_else_reaches_the_service_too(made, at_tanren, tanren):
    more = ("--validation-data", "s3://b/v1.jsonl", "--validation-data", "s3://b/v2.jsonl", "--tag", "a=b=c")
    more += ("--customization-type", "FINE_TUNING", "--model-tag", "x=", "--client-request-token", "t-1")
    tanren("job", "create", *OPTIONS, *more)
    assert made.made("CreateModelCustomizationJob") == [
        {
            **REQUEST,
            "validationDataConfig": {"validators": [{"s3Uri": "s3://b/v1.jsonl"}, {"s3Uri": "s3://b/v2.jsonl"}]},
            "customizationType": "FINE_TUNING",
            "jobTags": [{"key": "a", "value": "b=c"}],
            "customModelTags": [{"key": "x", "value": ""}],
            "clientRequestToken": "t-1",
        }
    ]


def test_a_file_has_the_apis_members_and_an_option_wins_over_it(made, at_tanren, tanren, tmp_path: Path):
    path = tmp_path / "job.toml"
    path.write_text(FILE)
    tanren("job", "create", "--config", str(path), "--job-name", "first-job", "--epochs", "5")
    hyperparameters = {"epochCount": "5", "learningRate": "0.00001"}
    assert made.made("CreateModelCustomizationJob") == [{**REQUEST, "hyperParameters": hyperparameters}]


def test_a_json_file_is_read_like_the_one_in_toml(tmp_path: Path):
    (tmp_path / "job.toml").write_text(FILE)
    of_toml = read_request(tmp_path / "job.toml")
    text = json.dumps({**of_toml, "hyperParameters": {"epochCount": 3, "learningRate": 0.00001}})
    (tmp_path / "job.json").write_text(text.replace("1e-05", "0.00001"))
    assert read_request(tmp_path / "job.json") == of_toml


@pytest.mark.parametrize(
    ("text", "expected"), [("x = 0.0000001", "0.0000001"), ("x = true", "true"), ("x = 1e-7", "0.0000001")]
)
def test_a_number_in_a_file_is_written_out(tmp_path: Path, text: str, expected: str):
    (tmp_path / "job.toml").write_text(f"[hyperParameters]\n{text}")
    assert read_request(tmp_path / "job.toml") == {"hyperParameters": {"x": expected}}


def test_a_member_that_the_api_does_not_have_is_refused_by_name(made, at_tanren, tanren, tmp_path: Path):
    path = tmp_path / "job.toml"
    path.write_text('jobname = "x"\n' + FILE)
    result = tanren("job", "create", "--config", str(path))
    assert isinstance(result.exception, ValidationFailed)
    assert 'Unknown parameter in input: "jobname"' in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (("--job-name", "x"), ValidationFailed, "--custom-model-name, --role-arn, --base-model, --training-data"),
        ((*OPTIONS, "--wait", "--follow"), ValidationFailed, "two ways to wait"),
        ((*OPTIONS, "--hyper", "epochCount"), ValidationFailed, "write NAME=VALUE, such as epochCount=3"),
        ((*OPTIONS, "--validation-data", "v.jsonl"), ValidationFailed, "tanren data push v.jsonl"),
        (("--config", "/nowhere.toml"), ResourceNotFound, "There is no file /nowhere.toml"),
    ],
)
def test_what_is_wrong_is_said_before_anybody_is_asked(at_tanren, tanren, arguments, kind, words: str):
    result = tanren("job", "create", *arguments)
    assert isinstance(result.exception, kind)
    assert words in str(result.exception)
    assert at_tanren.calls == []


def test_on_aws_no_job_is_made_unasked(made, at_aws, tanren):
    assert "--yes" in str(tanren("job", "create", *OPTIONS).exception)
    assert made.calls == []
    assert tanren("job", "create", *OPTIONS, "--yes").exit_code == 0


def job(status: str, **more: Any) -> dict[str, Any]:
    return {
        "jobArn": ARN,
        "jobName": "first-job",
        "status": status,
        "baseModelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-express-v1",
        "outputModelName": "first-model",
        "creationTime": datetime(2026, 11, 21, 12, tzinfo=UTC),
        **more,
    }


def test_wait_ends_with_the_job_and_its_failure_is_the_commands(made, at_tanren, tanren, monkeypatch):
    monkeypatch.setattr("tanren.cli.waiting.time.sleep", lambda _: None)
    states = iter([job("InProgress"), job("Completed"), job("Failed", failureMessage="row 3 is wrong")])
    made.answers["GetModelCustomizationJob"] = lambda _: next(states)
    assert "first-job has completed" in tanren("job", "create", *OPTIONS, "--wait").stderr
    result = tanren("job", "create", *OPTIONS, "--wait")
    assert isinstance(result.exception, JobFailed)
    assert "row 3 is wrong" in str(result.exception)


def test_follow_shows_on_any_bedrock_what_it_tells(made, elsewhere, tanren, monkeypatch):
    monkeypatch.setattr("tanren.cli.job_following.time.sleep", lambda _: None)
    phases = {"trainingDetails": {"status": "Completed"}}
    ended = job("Completed", statusDetails=phases, trainingMetrics={"trainingLoss": 0.5})
    states = iter([job("InProgress"), ended, ended])
    made.answers["GetModelCustomizationJob"] = lambda _: next(states)
    result = tanren("job", "create", *OPTIONS, "--follow")
    assert result.exit_code == 0
    for part in (ARN, "first-job  Completed", "amazon.titan-text-express-v1 → first-model", "training loss", "0.500"):
        assert part in result.stdout


def test_a_test_set_and_criteria_are_tags_whose_signs_are_words(made, at_tanren, tanren):
    stated = "rougeL >= base + 0.1; forgetting <= minor"
    result = tanren(
        "job", "create", *OPTIONS, "--tag", "team=forge", "--test-data", "s3://b/test.jsonl",
        "--success-criteria", stated,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert made.made("CreateModelCustomizationJob")[0]["jobTags"] == [
        {"key": "team", "value": "forge"},
        {"key": "tanren:test-data", "value": "s3://b/test.jsonl"},
        {"key": "tanren:success-criteria", "value": "rougeL at least base + 0.1 and forgetting at most minor"},
    ]
    wrong = tanren("job", "create", *OPTIONS, "--test-data", "s3://b/t.jsonl", "--success-criteria", "rouge >= 1")
    assert "there is no 'rouge'" in str(wrong.exception)
    assert len(made.made("CreateModelCustomizationJob")) == 1
