"""The losses of a job that another Bedrock ran: out of the files that it has left in S3."""

import io
import json

import pytest

from tanren.domain.errors import Conflict, ResourceNotFound
from tests.unit.cli.fake_services import FakeServices, refusal

STEPS = "step_number,epoch_number,training_loss,perplexity\n" + "".join(
    f"{n},{n // 5},{3 / (n + 1)},1.0\n" for n in range(20)
)
VALIDATIONS = "step_number,epoch_number,validation_loss\n5,0,2.0\n10,1,1.5\n"
ARN = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/anthropic.claude-3-haiku/aaaaaaaaaaaa"


@pytest.fixture
def left(services: FakeServices) -> dict[str, str]:
    """Files in S3 by key; a job that has completed."""
    files = {
        f"out/model-customization-job-aaaaaaaaaaaa/training_artifacts/{STEP_FILE}": STEPS,
        "out/model-customization-job-aaaaaaaaaaaa/validation_artifacts/validation_metrics.csv": VALIDATIONS,
    }

    def get(asked: dict[str, str]) -> dict[str, io.BytesIO]:
        if asked["Bucket"] != "b" or asked["Key"] not in files:
            raise refusal("NoSuchKey", asked["Key"])
        return {"Body": io.BytesIO(files[asked["Key"]].encode())}

    services.answers |= {
        "GetModelCustomizationJob": {
            "jobArn": ARN,
            "jobName": "first-job",
            "status": "Completed",
            "outputDataConfig": {"s3Uri": "s3://b/out/"},
        },
        "GetObject": get,
    }
    return files


STEP_FILE = "step_wise_training_metrics.csv"


def test_they_are_the_same_points_as_a_tanren_server_tells(left, elsewhere: FakeServices, tanren):
    found = json.loads(tanren("job", "metrics", "first-job", "-o", "json").stdout)
    assert found["steps"][0] == {"step": 0, "epoch": 0, "trainingLoss": 3.0}
    assert len(found["steps"]) == 20
    assert found["validations"] == [
        {"step": 5, "epoch": 0, "validationLoss": 2.0},
        {"step": 10, "epoch": 1, "validationLoss": 1.5},
    ]
    assert "lowest 1.5000 at step 10, epoch 1" in tanren("job", "metrics", "first-job").stdout


def test_points_are_thinned_out_with_the_first_and_the_last(left, elsewhere: FakeServices, tanren):
    lines = tanren("job", "metrics", "first-job", "-o", "jsonl", "--points", "3").stdout.splitlines()
    steps = [point["step"] for point in map(json.loads, lines) if point["kind"] == "step"]
    assert steps == [0, 10, 19]


def test_a_job_that_runs_has_none_yet_and_one_without_files_says_where_they_would_be(left, elsewhere, tanren):
    left.clear()
    missing = tanren("job", "metrics", "first-job").exception
    assert isinstance(missing, ResourceNotFound)
    assert f"s3://b/out/model-customization-job-aaaaaaaaaaaa/training_artifacts/{STEP_FILE}" in str(missing)
    elsewhere.answers["GetModelCustomizationJob"] |= {"status": "InProgress"}
    assert isinstance(tanren("job", "metrics", "first-job").exception, Conflict)
