"""What Terraform's AWS provider and Airflow's Amazon provider call, of a whole server whose worker trains.

make proofs            the figures go to docs/proofs.md

tests/protocol/test_infrastructure_tools.py asks the same of the gateway alone, in a second.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from proofs.figures import keep
from tanren.model_files.store import NANO_FOLDER
from tests.protocol import airflow_sequences, terraform_sequences
from tests.protocol.infrastructure_cloud import Cloud
from tests.service.servers import FORGE_ROWS, Server, rows_as_jsonl

BUCKET = "infrastructure"
LOOK_SECONDS = 0.2
TRUST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"},
}
EVERYTHING = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
SEQUENCES = {**terraform_sequences.SEQUENCES, **airflow_sequences.SEQUENCES}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    server = Server(tmp_path_factory.mktemp("infrastructure") / "data", {"TANREN_READY_CHILDREN": "1"})
    server.start()
    s3, iam = server.client("s3"), server.client("iam")
    s3.create_bucket(Bucket=BUCKET)
    records = [
        {"recordId": f"{number:05}", "modelInput": {"inputText": row["prompt"]}}
        for number, row in enumerate(FORGE_ROWS * 25)
    ]
    for key, rows in (("train.jsonl", FORGE_ROWS), ("validation.jsonl", FORGE_ROWS[:4]), ("in.jsonl", records)):
        s3.put_object(Bucket=BUCKET, Key=key, Body=rows_as_jsonl(rows))
    for file in NANO_FOLDER.iterdir():
        if file.is_file():
            s3.put_object(Bucket=BUCKET, Key=f"model/{file.name}", Body=file.read_bytes())
    role = iam.create_role(RoleName="bedrock", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName="bedrock", PolicyName="s3", PolicyDocument=json.dumps(EVERYTHING))

    def client(service: str, region: str | None = None) -> Any:
        return server.client(service, **({} if region is None else {"region_name": region}))

    yield Cloud(client=client, role_arn=role, bucket=BUCKET, let_time_pass=lambda: time.sleep(LOOK_SECONDS))
    server.stop()


@pytest.fixture(scope="module")
def seconds() -> Iterator[dict[str, float]]:
    """Of every sequence that has gone through; kept when all have been asked."""
    found: dict[str, float] = {}
    yield found
    keep("infrastructure", {"sequences_passed": f"{len(found)} of {len(SEQUENCES)}", "seconds": found})


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", SEQUENCES)
def test_every_sequence_goes_through_and_reads_back_what_it_sent(name: str, cloud: Cloud, seconds: dict[str, float]):
    began = time.monotonic()
    SEQUENCES[name](cloud)
    seconds[name] = round(time.monotonic() - began, 1)
