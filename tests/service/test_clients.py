"""Other people's clients, unmodified, against the one endpoint: the AWS CLI and the AWS SDK for JavaScript."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.service.servers import REPOSITORY

AWS = REPOSITORY / ".clients" / "bin" / "aws"
JAVASCRIPT = REPOSITORY / "tests" / "clients" / "javascript"
has_javascript = shutil.which("node") is not None and (JAVASCRIPT / "node_modules").is_dir()


@pytest.fixture
def aws(server):
    """Runs one `aws` command; its output."""
    assert AWS.is_file(), "the AWS CLI is not there: `make clients` installs it"

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [str(AWS), *arguments], capture_output=True, text=True, env=server.environment, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_aws_cli_lists_jobs_and_says_who_it_is(server, aws):
    assert "modelCustomizationJobSummaries" in json.loads(aws("bedrock", "list-model-customization-jobs"))
    assert json.loads(aws("sts", "get-caller-identity"))["Account"] == server.keys.account_id


def test_the_aws_cli_creates_a_role(aws):
    trust = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = aws("iam", "create-role", "--role-name", "cli-role", "--assume-role-policy-document", policy)
    assert json.loads(made)["Role"]["Arn"].endswith(":role/cli-role")


def test_the_aws_cli_syncs_a_folder_there_and_back(aws, tmp_path: Path):
    there, back = tmp_path / "there", tmp_path / "back"
    (there / "deep" / "日本語").mkdir(parents=True)
    (there / "deep" / "日本語" / "データ 1.jsonl").write_text('{"prompt": "こんにちは"}\n')
    (there / "large.bin").write_bytes(bytes(range(256)) * 40_000)  # above 8 MB: the CLI sends it in parts
    aws("s3", "mb", "s3://cli-sync")
    aws("s3", "sync", str(there), "s3://cli-sync/data")
    aws("s3", "cp", "s3://cli-sync/data", str(back), "--recursive")
    for path in there.rglob("*"):
        if path.is_file():
            assert (back / path.relative_to(there)).read_bytes() == path.read_bytes()


@pytest.fixture
def node(server):
    """Runs one script with Node; its output."""
    if not has_javascript:
        pytest.skip("the JavaScript SDK is not here: `make clients` found no npm")

    def run(script: str, **variables: str) -> str:
        done = subprocess.run(
            ["node", script],
            capture_output=True,
            text=True,
            env={**server.environment, **variables},
            cwd=JAVASCRIPT,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_javascript_sdk_streams_over_its_default_handler(node):
    body = {"inputText": "Hello.", "textGenerationConfig": {"maxTokenCount": 8, "temperature": 0}}
    output = node("stream.mjs", MODEL_ID="tanren.nano-v1:0", BODY=json.dumps(body))
    chunks = [json.loads(line) for line in output.splitlines()]
    assert chunks
    assert "amazon-bedrock-invocationMetrics" in output


def test_the_javascript_sdk_converses_whole_and_streamed(node):
    answer = json.loads(node("converse.mjs", MODEL_ID="anthropic.claude-3-haiku-20240307-v1:0"))
    assert answer["text"] == "".join(answer["pieces"])
    assert answer["stopReason"] == "max_tokens"
    assert answer["usage"]["outputTokens"] == 8
    assert answer["streamed"][0] == "messageStart"
    assert answer["streamed"][-3:] == ["contentBlockStop", "messageStop", "metadata"]
