"""What a real server did is in its audit log, through kill -9, and tampering with it is found."""

import gzip
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from tanren.cli.main import app
from tanren.storage.audit_records import call_events, log_files
from tests.service.servers import BASE_MODEL, Server, job_request, wait_until

pytestmark = pytest.mark.service


def verified(server: Server, *options: str) -> Any:
    return CliRunner().invoke(
        app, ["audit", "verify", "--data-dir", str(server.data_dir), "--output", "json", *options]
    )


def events(server: Server) -> list[dict[str, Any]]:
    return list(call_events(server.data_dir))


@pytest.fixture
def server(tmp_path: Path) -> Any:
    made = Server(tmp_path / "data")
    made.start()
    yield made
    made.stop()


def test_every_answered_call_is_in_the_log_after_kill_9_and_tampering_is_found(server: Server):
    bedrock, s3 = server.client("bedrock"), server.client("s3")
    s3.create_bucket(Bucket="audited")
    s3.put_object(Bucket="audited", Key="train.jsonl", Body=b'{"prompt": "nobody may read this", "completion": "x"}')
    bedrock.list_foundation_models()
    with pytest.raises(ClientError):
        bedrock.create_model_customization_job(
            **job_request(server, "bad", "audited", hyperParameters={"epochCount": "0"})
        )
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{server.keys.endpoint}/custom-models", timeout=30)
    server.kill_group()

    names = [event["eventName"] for event in events(server)]
    assert names == [
        "CreateBucket",
        "PutObject",
        "ListFoundationModels",
        "CreateModelCustomizationJob",
        "GET /custom-models",
    ]
    assert "nobody may read this" not in json.dumps(events(server))
    refused = events(server)[3]
    assert refused["errorCode"] == "ValidationException"
    assert refused["requestParameters"]["hyperParameters"] == {"epochCount": "0"}
    assert json.loads(verified(server).stdout) == {"records": 5, "calls": 5, "findings": [], "remarks": []}

    server.start()
    server.client("bedrock").list_custom_models()
    assert server.stop() == 0
    assert json.loads(verified(server).stdout)["records"] == 6
    (path,) = log_files(server.data_dir)
    path.write_text(path.read_text().replace('"PutObject"', '"GetObject"'))
    result = verified(server)
    assert result.exit_code == 1
    assert [(each["what"], each["line"]) for each in json.loads(result.stdout)["findings"]] == [("edited", 2)]


def test_invocations_arrive_in_the_bucket_though_the_server_was_killed(server: Server):
    server.client("s3").create_bucket(Bucket="logs")
    config = {"s3Config": {"bucketName": "logs", "keyPrefix": "bedrock"}, "textDataDeliveryEnabled": True}
    server.client("bedrock").put_model_invocation_logging_configuration(loggingConfig=config)
    said = {"messages": [{"role": "user", "content": [{"text": "Which knife is the cheapest?"}]}]}

    def answered() -> Any:
        runtime = server.client("bedrock-runtime")
        try:
            return runtime.converse(modelId=BASE_MODEL, inferenceConfig={"maxTokens": 4}, **said)
        except (runtime.exceptions.ModelNotReadyException, runtime.exceptions.ThrottlingException):
            return None

    answer = wait_until(answered, seconds=240, what="an answer of the base model")
    server.kill_group()
    server.start()
    prefix = f"bedrock/AWSLogs/{server.keys.account_id}/BedrockModelInvocationLogs/"

    def delivered() -> list[str]:
        found = server.client("s3").list_objects_v2(Bucket="logs", Prefix=f"{prefix}{server.keys.region}/")
        return [each["Key"] for each in found.get("Contents", ())]

    keys = wait_until(delivered, seconds=60, what="the log in the bucket")
    lines = [
        json.loads(line)
        for key in keys
        for line in gzip.decompress(server.client("s3").get_object(Bucket="logs", Key=key)["Body"].read()).splitlines()
    ]
    record = next(line for line in lines if line["requestId"] == answer["ResponseMetadata"]["RequestId"])
    assert record["input"]["inputBodyJson"]["messages"] == said["messages"]
    assert record["output"]["outputBodyJson"]["output"] == answer["output"]
    assert record["output"]["outputTokenCount"] == answer["usage"]["outputTokens"]
