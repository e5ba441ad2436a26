"""A job that still trains is asked over the wire, and answers with what it has learned by then."""

import pytest
from botocore.exceptions import ClientError

from tests.service.servers import FORGE_ROWS, JOB_SECONDS, Server, finished, job_request, rows_as_jsonl, wait_until

BUCKET = "trials"


@pytest.fixture(scope="module", autouse=True)
def data(server: Server) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="train.jsonl", Body=rows_as_jsonl(FORGE_ROWS))


def test_the_newest_weights_answer_while_the_job_trains_and_the_job_is_none_the_worse(server: Server) -> None:
    bedrock, tanren = server.client("bedrock"), server.client("tanren")
    settings = {"epochCount": "100", "batchSize": "1"}
    asked = job_request(server, "asked", BUCKET, hyperParameters=settings)
    arn = bedrock.create_model_customization_job(**asked)["jobArn"]
    question = {"prompt": FORGE_ROWS[0]["prompt"], "maxTokens": 12}

    def answer() -> dict[str, object] | None:
        try:
            return tanren.try_checkpoint(jobIdentifier=arn, **question)
        except tanren.exceptions.ThrottlingException:
            return None

    first = wait_until(answer, seconds=JOB_SECONDS, what="the first answer")
    assert first["step"] >= 1
    assert first["outputTokenCount"] <= 12
    second = tanren.try_checkpoint(jobIdentifier=asked["jobName"], **question)
    assert second["step"] > first["step"]
    assert bedrock.get_model_customization_job(jobIdentifier=arn)["status"] == "InProgress"
    bedrock.stop_model_customization_job(jobIdentifier=arn)
    finished(bedrock, arn)
    with pytest.raises(ClientError, match="is Stopped, and its checkpoints are gone"):
        tanren.try_checkpoint(jobIdentifier=arn, **question)
    assert not any((server.data_dir / "artifacts" / "jobs").rglob("snapshots"))
