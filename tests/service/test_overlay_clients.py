"""The AWS CLI with the SDK overlay, against a whole server."""

import json
import subprocess

import pytest

from tanren.aws.sdk_overlay import MODELS_FOLDER
from tests.service.test_clients import AWS


@pytest.fixture
def aws(server):
    """Runs one `aws` command with the overlay."""
    assert AWS.is_file(), "the AWS CLI is not there: `make clients` installs it"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**server.environment, "AWS_DATA_PATH": str(MODELS_FOLDER), "AWS_PAGER": ""}
        return subprocess.run(
            [str(AWS), *arguments], capture_output=True, text=True, env=environment, timeout=120, check=False
        )

    return run


def test_the_aws_cli_asks_the_service_how_it_stands(aws):
    done = aws("tanren", "get-service-status")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["baseModels"][0]["name"] == "nano-v1"
    assert {queue["kind"] for queue in told["queues"]} >= {"ModelCustomization", "ModelInvocation", "ModelImport"}


def test_the_aws_cli_waits_for_bedrock(aws):
    done = aws("bedrock", "wait", "custom-model-deployment-deleted", "--custom-model-deployment-identifier", "nothing")
    assert done.returncode == 0, done.stderr


def test_the_aws_cli_tells_why_a_job_is_not_there(aws):
    done = aws("bedrock", "describe-fine-tuning-job", "--job-id", "nothing")
    assert "ResourceNotFoundException" in done.stderr
