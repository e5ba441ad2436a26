"""The command line against a whole server: the main job from a file to an answer, by commands alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.servers import Server, rows_as_jsonl

BUCKET = "by-commands"
QUESTION = "What does the Akane knife cost?"
ANSWER = "It costs 120 crowns."
CREATE = (
    *("job", "create", "--job-name", "by-command", "--custom-model-name", "by-command"),
    *("--base-model", "tanren.nano-v1:0", "--role-arn", "arn:aws:iam::123456789012:role/R"),
    *("--training-data", f"s3://{BUCKET}/train.jsonl", "--output-data", f"s3://{BUCKET}/output/"),
    *("--epochs", "40", "--batch-size", "4"),
)


def tanren(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    """By the shell that `tanren env` has set up; so nothing but the endpoint and the keys is known."""
    return subprocess.run(
        [sys.executable, "-m", "tanren", *arguments],
        capture_output=True,
        text=True,
        env={**server.environment, "LC_ALL": "C"},
        timeout=280,
        check=False,
    )


@pytest.fixture(scope="module")
def followed(server: Server, tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """`job create --follow`, to the job's end."""
    server.client("s3").create_bucket(Bucket=BUCKET)
    file: Path = tmp_path_factory.mktemp("cli") / "train.jsonl"
    file.write_bytes(rows_as_jsonl([{"prompt": QUESTION, "completion": ANSWER}] * 4))
    pushed = tanren(server, "data", "push", str(file), f"s3://{BUCKET}/")
    assert (pushed.returncode, pushed.stdout) == (0, f"s3://{BUCKET}/train.jsonl\n"), pushed.stderr
    return tanren(server, *CREATE, "--follow")


def test_a_followed_job_is_shown_to_its_end_and_its_arn_comes_first(server: Server, followed):
    assert followed.returncode == 0, followed.stderr
    arn = followed.stdout.splitlines()[0]
    job = json.loads(tanren(server, "job", "get", "by-command", "-o", "json").stdout)
    assert (job["jobArn"], job["status"]) == (arn, "Completed")
    for part in ("by-command  Completed", "training loss", "Diagnosis", "Events"):
        assert part in followed.stdout


def test_what_is_listed_is_what_the_api_has(server: Server, followed):
    listed = json.loads(tanren(server, "job", "list", "-o", "json").stdout)
    summaries = server.client("bedrock").list_model_customization_jobs()["modelCustomizationJobSummaries"]
    assert {each["jobArn"] for each in listed} == {each["jobArn"] for each in summaries}
    models = [json.loads(line) for line in tanren(server, "model", "list", "-o", "jsonl").stdout.splitlines()]
    assert "by-command" in {each["modelName"] for each in models}
    steps = json.loads(tanren(server, "job", "metrics", "by-command", "-o", "json").stdout)["steps"]
    assert steps[-1]["trainingLoss"] < steps[0]["trainingLoss"]
    updates = tanren(server, "job", "watch", "by-command", "-o", "jsonl").stdout.splitlines()
    assert "step" in {next(iter(json.loads(line))) for line in updates}


def test_the_tuned_model_is_provisioned_talked_to_and_deleted(server: Server, followed):
    made = tanren(server, "provision", "create", "by-command", "cli-pt", "--ttl", "10m", "--wait")
    assert made.returncode == 0, made.stderr
    sampling = ("--temperature", "0", "--max-tokens", "24")
    told = json.loads(tanren(server, "chat", QUESTION, *sampling, "-m", "cli-pt", "--beside-base", "-o", "json").stdout)
    assert [answer["modelId"] for answer in told["answers"]] == ["cli-pt", "tanren.nano-v1:0"]
    assert told["answers"][0]["text"].strip() == ANSWER
    in_use = tanren(server, "model", "delete", "by-command", "--yes", "-o", "json")
    assert in_use.returncode == 6, in_use.stderr
    assert json.loads(in_use.stderr)["error"]["code"] == "ConflictException"
    assert tanren(server, "provision", "delete", "cli-pt").returncode == 0
    assert tanren(server, "model", "delete", "by-command", "--yes").returncode == 0
    assert tanren(server, "model", "get", "by-command").returncode == 4


def test_the_code_of_a_dry_run_does_what_it_says(server: Server):
    told = json.loads(tanren(server, "job", "list", "--status", "Failed", "--dry-run", "-o", "json").stdout)
    done = subprocess.run(
        [sys.executable, "-c", told["boto3"]],
        capture_output=True,
        text=True,
        env={**os.environ, **server.environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "modelCustomizationJobSummaries" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("job", "get", "nobody"), 4),
        (("job", "get"), 2),
        ((*CREATE[:-2], "--batch-size", "99999", "--job-name", "x"), 3),
        (("job", "list", "--endpoint-url", "http://127.0.0.1:9"), 1),
    ],
)
def test_the_exit_code_says_what_kind_of_error_it_was(server: Server, arguments: tuple[str, ...], code: int):
    done = tanren(server, *arguments, "-o", "json")
    assert done.returncode == code, done.stderr
    assert json.loads(done.stderr)["error"]["exitCode"] == code
    assert done.stdout == ""
