"""What Terraform's AWS provider and Airflow's Amazon provider call, in their order: every field is read back as sent.

proofs/test_infrastructure.py asks the same of a whole server, whose worker trains.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tanren.storage.artifacts import ArtifactStore
from tanren.storage.database import Database
from tests.conformance.whole_gateway import HOME, OneAnswer, WholeGateway
from tests.protocol import airflow_sequences, terraform_sequences
from tests.protocol.airflow_sequences import JOB_NAME_IS_TAKEN
from tests.protocol.infrastructure_cloud import Cloud, PlayedWorker

TRUST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"},
}


@pytest.fixture
def cloud(database: Database, tmp_path: Path) -> Iterator[Cloud]:
    gateway = WholeGateway(database, tmp_path)
    engine = OneAnswer()
    gateway.has_engine(engine)
    worker = PlayedWorker(database, ArtifactStore(tmp_path / "artifacts"))
    iam = gateway.client("iam")
    role = iam.create_role(RoleName="bedrock", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]

    def client(service: str, region: str = HOME.region) -> Any:
        return gateway.client(service, type(HOME)(account_id=HOME.account_id, region=region))

    yield Cloud(client=client, role_arn=role, bucket="my-bucket", let_time_pass=worker.go_on)
    gateway.close()
    engine.close()


@pytest.mark.parametrize("sequence", terraform_sequences.SEQUENCES.values(), ids=terraform_sequences.SEQUENCES)
def test_a_resource_of_terraform_lives_as_its_provider_expects(sequence: Callable[[Cloud], None], cloud: Cloud):
    sequence(cloud)


@pytest.mark.parametrize("sequence", airflow_sequences.SEQUENCES.values(), ids=airflow_sequences.SEQUENCES)
def test_a_task_of_airflow_goes_as_its_operator_expects(sequence: Callable[[Cloud], None], cloud: Cloud):
    sequence(cloud)


def test_what_terraform_tries_again_is_told_in_the_words_that_it_looks_for(cloud: Cloud):
    """A role that was made a moment ago may be unknown to AWS still; here it is known, or wrong."""
    bedrock, iam = cloud.client("bedrock"), cloud.client("iam")
    trusting_nobody = {**TRUST, "Statement": {**TRUST["Statement"], "Principal": {"Service": "lambda.amazonaws.com"}}}
    role = iam.create_role(RoleName="other", AssumeRolePolicyDocument=json.dumps(trusting_nobody))["Role"]["Arn"]
    with pytest.raises(bedrock.exceptions.ValidationException, match="Could not assume provided IAM role"):
        bedrock.create_model_customization_job(
            jobName="job",
            customModelName="model",
            roleArn=role,
            baseModelIdentifier=airflow_sequences.TITAN,
            trainingDataConfig={"s3Uri": "s3://my-bucket/train.jsonl"},
            outputDataConfig={"s3Uri": "s3://my-bucket/output/"},
        )
    logs = {"logGroupName": "no-such-group", "roleArn": cloud.role_arn}
    words = "Failed to validate permissions for log group: no-such-group, with role: "
    with pytest.raises(bedrock.exceptions.ValidationException, match=words):
        bedrock.put_model_invocation_logging_configuration(loggingConfig={"cloudWatchConfig": logs})


def test_a_taken_job_name_is_told_in_the_words_that_airflow_waits_for(cloud: Cloud):
    bedrock = cloud.client("bedrock")
    request = {
        "jobName": "taken",
        "roleArn": cloud.role_arn,
        "baseModelIdentifier": airflow_sequences.TITAN,
        "trainingDataConfig": {"s3Uri": "s3://my-bucket/train.jsonl"},
        "outputDataConfig": {"s3Uri": "s3://my-bucket/output/"},
    }
    bedrock.create_model_customization_job(customModelName="first", **request)
    with pytest.raises(ClientError) as raised:
        bedrock.create_model_customization_job(customModelName="second", **request)
    assert raised.value.response["Error"]["Message"] == JOB_NAME_IS_TAKEN
    assert raised.value.response["Error"]["Code"] == "ConflictException"
