"""The application behind a real server: streaming, HTTP/2 with prior knowledge, disconnects, a graceful stop."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from tests.protocol.loopback import KEY
from tests.unit.aws.conftest import ROOT, Served
from tests.unit.aws.served_app import WORDS

JAVASCRIPT = ROOT / "tests" / "clients" / "javascript"


_clients: list[Any] = []


@pytest.fixture(autouse=True, scope="module")
def _close_clients() -> Iterator[None]:
    yield
    for made in _clients:
        made.close()


def runtime(served: Served) -> Any:
    made = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=served.url,
        aws_access_key_id=KEY.access_key_id,
        aws_secret_access_key=KEY.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}),
    )
    _clients.append(made)
    return made


def test_an_arn_with_encoded_slashes_and_its_body_arrive_as_sent(served: Served) -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdef123456"
    response = runtime(served).invoke_model(modelId=arn, body=b'{"inputText": "x"}')
    seen = json.loads(response["body"].read())
    assert (seen["modelId"], seen["body"], seen["source_ip"]) == (arn, '{"inputText": "x"}', "127.0.0.1")
    assert response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-bedrock-input-token-count"] == "3"
    assert response["contentType"] == "application/json"


def test_the_first_chunk_arrives_while_the_stream_goes_on_and_closing_it_closes_the_iterator(served: Served) -> None:
    client = runtime(served)
    response = client.invoke_model_with_response_stream(modelId="m", body=b'{"inputText": "forever"}')
    assert response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-bedrock-content-type"] == "application/json"
    request_id = response["ResponseMetadata"]["RequestId"]
    first = next(iter(response["body"]))
    assert json.loads(first["chunk"]["bytes"])["outputText"] == WORDS[0]
    response["body"].close()

    def closed() -> list[str]:
        return json.loads(client.invoke_model(modelId="m", body=b"{}")["body"].read())["closed"]

    assert any(request_id in closed() for _ in range(200))


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_http2_with_prior_knowledge_is_served_on_the_same_port(served: Served) -> None:
    command = ["curl", "-s", "--http2-prior-knowledge", "-w", " %{http_version}", f"{served.url}/health"]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == '{"status":"ok"} 2'


@pytest.mark.skipif(not (JAVASCRIPT / "node_modules").is_dir(), reason="needs npm ci in tests/clients/javascript")
@pytest.mark.parametrize(
    "model_id", ["amazon.titan-text-express-v1", "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2"]
)
def test_the_javascript_sdk_streams_over_its_default_http2_handler(served: Served, model_id: str) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": served.url,
        "AWS_ACCESS_KEY_ID": KEY.access_key_id,
        "AWS_SECRET_ACCESS_KEY": KEY.secret_access_key,
        "MODEL_ID": model_id,
    }
    done = subprocess.run(["node", "stream.mjs"], cwd=JAVASCRIPT, env=environment, capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line.get("outputText") for line in lines[:-1]] == list(WORDS), done.stderr
    assert lines[-1] == {"done": True, "chunks": len(WORDS)}


def test_what_is_not_signed_gets_403_and_only_the_health_check_is_open(served: Served) -> None:
    assert httpx.get(f"{served.url}/health").json() == {"status": "ok"}
    refused = httpx.get(f"{served.url}/foundation-models")
    assert refused.status_code == 403
    assert refused.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert refused.headers["date"]


def test_a_stop_waits_for_the_stream_under_way(tmp_path: Path) -> None:
    served = Served()
    response = runtime(served).invoke_model_with_response_stream(modelId="m", body=b'{"inputText": ""}')
    stopper = threading.Thread(target=served.stop)
    events = iter(response["body"])
    received = [next(events)]
    stopper.start()
    received += list(events)
    stopper.join()
    assert len(received) == len(WORDS)
    assert served.process.returncode == 0
