"""Full fine-tuning: weights of their own, an engine host of their own, verified like any other."""

import json

import pytest

from tests.service.servers import BASE_MODEL, FORGE_ROWS, Server, finished, job_request, rows_as_jsonl, wait_until

BUCKET = "full"


def _settled(bedrock, arn: str) -> dict:
    def is_settled():
        found = bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
        return found if found["status"] != "Creating" else None

    return wait_until(is_settled, seconds=90, what="a throughput that is no longer Creating")


def _throughput(bedrock, name: str) -> dict:
    arn = bedrock.create_provisioned_model_throughput(modelUnits=1, provisionedModelName=name, modelId="full-model")[
        "provisionedModelArn"
    ]
    return _settled(bedrock, arn)


@pytest.fixture
def taught(own_server: Server) -> Server:
    """Its custom model `full-model` has been taught by full fine-tuning."""
    own_server.start()
    own_server.client("s3").create_bucket(Bucket=BUCKET)
    body = rows_as_jsonl(FORGE_ROWS[:4])
    own_server.client("s3").put_object(Bucket=BUCKET, Key="train.jsonl", Body=body)
    hyperparameters = {"epochCount": "40", "batchSize": "4", "customizationMethod": "full"}
    request = job_request(own_server, "full", BUCKET, hyperParameters=hyperparameters)
    bedrock = own_server.client("bedrock")
    job = finished(bedrock, bedrock.create_model_customization_job(**request)["jobArn"])
    assert job["status"] == "Completed", job.get("failureMessage")
    return own_server


@pytest.mark.long
def test_whole_weights_answer_and_are_verified_at_every_start_of_their_host(taught: Server):
    bedrock, runtime = taught.client("bedrock"), taught.client("bedrock-runtime")
    found = _throughput(bedrock, "sound")
    assert found["status"] == "InService", found
    body = {"inputText": FORGE_ROWS[2]["prompt"], "textGenerationConfig": {"maxTokenCount": 24, "temperature": 0}}
    answers = [
        json.loads(runtime.invoke_model(modelId=model_id, body=json.dumps(body))["body"].read())["results"][0]
        for model_id in ("sound", BASE_MODEL)
    ]
    assert "210" in answers[0]["outputText"]
    assert "210" not in answers[1]["outputText"]

    (weights,) = (taught.data_dir / "artifacts" / "custom-models").rglob("model.safetensors")
    content = bytearray(weights.read_bytes())
    content[-500:] = bytes(500)
    weights.write_bytes(content)
    assert taught.stop() == 0
    taught.start()
    found = _throughput(taught.client("bedrock"), "broken")
    assert found["status"] == "Failed"
    assert "SHA-256" in found["failureMessage"]
