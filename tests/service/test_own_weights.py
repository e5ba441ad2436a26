"""A user's own open weights behind a Bedrock id, on a server that runs; what was trained on them stays with them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tanren.storage.database import Database, sqlite_url
from tanren.storage.engine_hosts import EngineHosts
from tests.numerics.tiny_models import save_base_model
from tests.service.servers import Server, finished, job_request, rows_as_jsonl, wait_until

BUCKET = "own-weights"
MODEL_ID = "amazon.titan-text-lite-v1"
ROWS = [{"prompt": f"what is {i}?", "completion": "hello hello"} for i in range(8)]


def _tanren(server: Server, *arguments: str) -> str:
    command = [sys.executable, "-m", "tanren", "models", *arguments, "--data-dir", str(server.data_dir)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _name(server: Server) -> str:
    return server.client("bedrock").get_foundation_model(modelIdentifier=MODEL_ID)["modelDetails"]["modelName"]


def _answer(server: Server, model_id: str) -> str:
    body = {"inputText": "what is 3?", "textGenerationConfig": {"maxTokenCount": 8, "temperature": 0}}
    answer = server.client("bedrock-runtime").invoke_model(modelId=model_id, body=json.dumps(body))
    return json.loads(answer["body"].read())["results"][0]["outputText"]


def _engine_folders(server: Server) -> list[str]:
    database = Database(sqlite_url(server.data_dir / "tanren.db"))
    try:
        return [host.base_folder for host in EngineHosts(database).every()]
    finally:
        database.close()


@pytest.mark.long
def test_own_weights_are_trained_and_answer_and_a_custom_model_stays_with_its_base(own_server: Server, tmp_path: Path):
    own_server.start()
    key = _tanren(own_server, "import", str(save_base_model(tmp_path / "tiny-llama")))
    base = str(own_server.data_dir / "models" / key)
    _tanren(own_server, "use", MODEL_ID, key, "--lora-rate", "0.05")
    assert _name(own_server) == "stand-in: tiny-llama"

    own_server.client("s3").create_bucket(Bucket=BUCKET)
    own_server.client("s3").put_object(Bucket=BUCKET, Key="train.jsonl", Body=rows_as_jsonl(ROWS))
    bedrock = own_server.client("bedrock")
    request = job_request(
        own_server,
        "own",
        BUCKET,
        baseModelIdentifier=MODEL_ID,
        hyperParameters={"epochCount": "1", "batchSize": "4", "learningRateWarmupSteps": "0"},
    )
    job = finished(bedrock, bedrock.create_model_customization_job(**request)["jobArn"])
    assert job["status"] == "Completed", job.get("failureMessage")
    bedrock.create_provisioned_model_throughput(modelUnits=1, provisionedModelName="own", modelId="own-model")

    def in_service() -> bool:
        status = bedrock.get_provisioned_model_throughput(provisionedModelId="own")["status"]
        assert status != "Failed"
        return status == "InService"

    wait_until(in_service, seconds=60, what="the throughput in service")
    tuned, own = _answer(own_server, "own"), _answer(own_server, MODEL_ID)
    assert _engine_folders(own_server) == [base]

    _tanren(own_server, "use", MODEL_ID, "nano")
    assert _name(own_server) == "stand-in: nano-v1"
    nano = _answer(own_server, MODEL_ID)
    assert nano != own
    assert _answer(own_server, "own") == tuned
    assert bedrock.list_custom_models()["modelSummaries"][0]["baseModelName"] == "stand-in: tiny-llama"
    (run_record,) = (own_server.data_dir / "artifacts").rglob("run.json")
    noted = json.loads(run_record.read_text())["job"]["weights"]
    assert (noted["key"], noted["loraLearningRate"]) == (key, 0.05)

    exported = Path(_tanren(own_server, "export", "own-model", str(tmp_path / "exported"), "--merged"))
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {path.name for path in exported.iterdir()}
    again = [sys.executable, "-m", "tanren", "models", "export", "own-model", str(exported)]
    refused = subprocess.run(
        [*again, "--data-dir", str(own_server.data_dir)], capture_output=True, text=True, check=False
    )
    assert (refused.returncode, "not empty" in refused.stderr) == (6, True)

    # The next life finds the same; and what the custom model needs cannot be removed.
    assert own_server.stop() == 0
    removal = [sys.executable, "-m", "tanren", "models", "remove", key, "--data-dir", str(own_server.data_dir)]
    refused = subprocess.run(removal, capture_output=True, text=True, check=False)
    assert refused.returncode == 6
    assert "custom model own-model" in refused.stderr
    own_server.start()
    assert _answer(own_server, "own") == tuned
    assert _engine_folders(own_server) == [base]


def test_a_broken_catalogue_stops_a_start_with_the_line_and_a_running_server_refuses_it(own_server: Server):
    own_server.start()
    catalogue = own_server.data_dir / "catalog.toml"
    catalogue.write_text(f'[stand-ins]\n"{MODEL_ID}" = \n')
    runtime = own_server.client("bedrock-runtime")
    body = json.dumps({"inputText": "hello"})
    with pytest.raises(runtime.exceptions.ClientError, match=r"catalog\.toml.*line 2"):
        runtime.invoke_model(modelId=MODEL_ID, body=body)
    own_server.stop()
    done = subprocess.run(own_server.command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "line 2" in done.stderr
    assert "Traceback" not in done.stderr
    catalogue.unlink()
    own_server.start()
