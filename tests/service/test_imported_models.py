"""A folder in S3 becomes a model that answers under an ARN of its own, also when everything is killed meanwhile."""

import json
from pathlib import Path
from typing import Any

from tanren.model_files.store import NANO_FOLDER
from tests.service.servers import Server, wait_until

BUCKET = "imports"
IMPORT_SECONDS = 240
PROMPT = "What is iron?"


def _upload(server: Server, folder: Path, prefix: str) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for file in sorted(folder.iterdir()):
        if file.is_file():
            s3.upload_file(str(file), BUCKET, f"{prefix}{file.name}")


def _request(server: Server, prefix: str, name: str) -> dict[str, Any]:
    return {
        "jobName": f"bring-{name}",
        "importedModelName": name,
        "roleArn": f"arn:aws:iam::{server.keys.account_id}:role/import",
        "modelDataSource": {"s3DataSource": {"s3Uri": f"s3://{BUCKET}/{prefix}"}},
    }


def _finished(server: Server, arn: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        job = server.client("bedrock").get_model_import_job(jobIdentifier=arn)
        return None if job["status"] == "InProgress" else job

    return wait_until(ended, seconds=IMPORT_SECONDS, what=f"the end of {arn}")


def _converse(server: Server, model_id: str, *, region: str | None = None) -> str:
    messages = [{"role": "user", "content": [{"text": PROMPT}]}]
    settings = {"maxTokens": 8, "temperature": 0.0}
    runtime = server.client("bedrock-runtime", **({"region_name": region} if region else {}))
    answer = runtime.converse(modelId=model_id, messages=messages, inferenceConfig=settings)
    return answer["output"]["message"]["content"][0]["text"]


def _invoke(server: Server, model_id: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = server.client("bedrock-runtime").invoke_model(modelId=model_id, body=json.dumps(body))
    return json.loads(answer["body"].read())


def test_an_import_outlives_kill_9_and_its_model_answers_as_the_same_weights_do(own_server: Server):
    own_server.start()
    _upload(own_server, NANO_FOLDER, "nano/")
    arn = own_server.client("bedrock").create_model_import_job(**_request(own_server, "nano/", "my-nano"))["jobArn"]
    own_server.kill_group()
    own_server.start()
    job = _finished(own_server, arn)
    assert (job["status"], job.get("failureMessage")) == ("Completed", None)
    model_arn = job["importedModelArn"]
    bedrock = own_server.client("bedrock")
    assert bedrock.get_imported_model(modelIdentifier=model_arn)["instructSupported"] is True

    # The same weights behind a Bedrock id, in an engine of their own.
    said = _converse(own_server, "tanren.nano-v1:0")
    assert _converse(own_server, model_arn) == said
    chat = {"messages": [{"role": "user", "content": PROMPT}], "max_tokens": 8, "temperature": 0}
    assert _invoke(own_server, model_arn, chat)["choices"][0]["message"]["content"] == said
    written = {"prompt": "Iron is", "max_gen_len": 4, "temperature": 0}
    completed = _invoke(own_server, model_arn, written)
    assert completed["generation_token_count"] >= 1
    assert (
        _invoke(own_server, model_arn, {"prompt": "Iron is", "max_tokens": 4, "temperature": 0})["choices"][0]["text"]
        == completed["generation"]
    )

    bedrock.delete_imported_model(modelIdentifier=model_arn)
    assert not list((own_server.data_dir / "artifacts" / "imported-models").rglob("*.safetensors"))
    assert bedrock.list_imported_models()["modelSummaries"] == []


def test_a_custom_model_from_a_folder_is_deployed_and_its_copy_answers_in_another_region(own_server: Server):
    own_server.start()
    _upload(own_server, NANO_FOLDER, "whole/")
    here, there = own_server.client("bedrock"), own_server.client("bedrock", region_name="eu-west-1")
    source = {"s3DataSource": {"s3Uri": f"s3://{BUCKET}/whole"}}
    arn = here.create_custom_model(modelName="brought", modelSourceConfig=source)["modelArn"]

    def settled() -> dict[str, Any] | None:
        model = here.get_custom_model(modelIdentifier=arn)
        return None if model["modelStatus"] == "Creating" else model

    model = wait_until(settled, seconds=IMPORT_SECONDS, what="the custom model")
    assert (model["modelStatus"], model.get("failureMessage")) == ("Active", None)

    job_arn = there.create_model_copy_job(sourceModelArn=arn, targetModelName="copied")["jobArn"]

    def copied() -> dict[str, Any] | None:
        job = there.get_model_copy_job(jobArn=job_arn)
        return None if job["status"] == "InProgress" else job

    job = wait_until(copied, seconds=IMPORT_SECONDS, what="the copy")
    assert (job["status"], job.get("failureMessage")) == ("Completed", None)
    here.delete_custom_model(modelIdentifier=arn)

    deployment = there.create_custom_model_deployment(modelDeploymentName="d", modelArn=job["targetModelArn"])
    identifier = deployment["customModelDeploymentArn"]

    def active() -> bool:
        found = there.get_custom_model_deployment(customModelDeploymentIdentifier=identifier)
        assert found["status"] != "Failed", found
        return found["status"] == "Active"

    wait_until(active, seconds=IMPORT_SECONDS, what="the deployment of the copy")
    assert _converse(own_server, identifier, region="eu-west-1") == _converse(own_server, "tanren.nano-v1:0")
