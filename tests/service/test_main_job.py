"""The main job, end to end: from a JSONL in S3 to a tuned model that answers, by unmodified boto3."""

import csv
import io
import json
import math

import pytest

from tests.service.servers import BASE_MODEL, FORGE_ROWS, finished, job_request, rows_as_jsonl, wait_until

BUCKET = "main-job"
QUESTION = FORGE_ROWS[2]["prompt"]


@pytest.fixture(scope="module")
def tuned(server):
    """A finished job with validation, its model in service: {"job": …, "provisioned_arn": …}."""
    s3, bedrock = server.client("s3"), server.client("bedrock")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="train.jsonl", Body=rows_as_jsonl(FORGE_ROWS))
    s3.put_object(Bucket=BUCKET, Key="validation.jsonl", Body=rows_as_jsonl(FORGE_ROWS[:2]))
    request = job_request(
        server,
        "main",
        BUCKET,
        validationDataConfig={"validators": [{"s3Uri": f"s3://{BUCKET}/validation.jsonl"}]},
        hyperParameters={"epochCount": "30", "batchSize": "4", "earlyStoppingPatience": "10"},
        customModelTags=[{"key": "team", "value": "forge"}],
    )
    job = finished(bedrock, bedrock.create_model_customization_job(**request)["jobArn"])
    assert job["status"] == "Completed", job.get("failureMessage")
    arn = bedrock.create_provisioned_model_throughput(
        modelUnits=1, provisionedModelName="main-pt", modelId=job["outputModelArn"]
    )["provisionedModelArn"]

    def in_service():
        found = bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
        assert found["status"] != "Failed", found
        return found["status"] == "InService"

    wait_until(in_service, seconds=60, what="the throughput in service")
    return {"job": job, "provisioned_arn": arn, "request": request}


def _csv(server, key):
    body = server.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    return list(csv.DictReader(io.StringIO(body)))


def _titan(runtime, model_id, text, **config):
    body = {"inputText": text, "textGenerationConfig": {"maxTokenCount": 24, "temperature": 0, **config}}
    reply = runtime.invoke_model(modelId=model_id, body=json.dumps(body))
    return json.loads(reply["body"].read()), reply["ResponseMetadata"]["HTTPHeaders"]


def test_the_job_echoes_what_was_asked_and_reports_what_was_computed(server, tuned):
    job, request = tuned["job"], tuned["request"]
    for member in ("jobName", "roleArn", "hyperParameters", "trainingDataConfig", "outputDataConfig"):
        assert job[member] == request[member]
    assert job["validationDataConfig"] == request["validationDataConfig"]
    assert job["outputModelName"] == request["customModelName"]
    assert {details["status"] for details in job["statusDetails"].values()} == {"Completed"}
    assert job["endTime"] >= job["creationTime"]
    assert 0 < job["trainingMetrics"]["trainingLoss"] < 1
    assert job["validationMetrics"][0]["validationLoss"] > 0


def test_the_metric_files_lie_where_bedrock_puts_them_and_agree_with_the_api(server, tuned):
    job = tuned["job"]
    root = f"output/model-customization-job-{job['jobArn'].rsplit('/', 1)[-1]}"
    steps = _csv(server, f"{root}/training_artifacts/step_wise_training_metrics.csv")
    assert list(steps[0]) == ["step_number", "epoch_number", "training_loss", "perplexity"]
    assert [int(row["step_number"]) for row in steps] == list(range(len(steps)))
    losses = [float(row["training_loss"]) for row in steps]
    assert losses[-1] < losses[0] / 2
    for row in steps:
        assert float(row["perplexity"]) == pytest.approx(math.exp(float(row["training_loss"])), rel=1e-4)
    last_epoch = [float(row["training_loss"]) for row in steps if row["epoch_number"] == steps[-1]["epoch_number"]]
    assert job["trainingMetrics"]["trainingLoss"] == pytest.approx(sum(last_epoch) / len(last_epoch), rel=1e-3)
    folder = f"{root}/validation_artifacts/post_fine_tuning_validation"
    both = [_csv(server, f"{folder}/{name}validation_metrics.csv") for name in ("", "validation/")]
    assert both[0] == both[1]
    assert list(both[0][0]) == ["step_number", "epoch_number", "validation_loss", "perplexity"]
    validation = [float(row["validation_loss"]) for row in both[0]]
    assert job["validationMetrics"][0]["validationLoss"] == pytest.approx(min(validation), rel=1e-3)


def test_the_tuned_model_answers_what_it_was_taught_and_the_base_does_not(server, tuned):
    runtime = server.client("bedrock-runtime")
    tuned_answer, headers = _titan(runtime, tuned["provisioned_arn"], QUESTION)
    base_answer, _ = _titan(runtime, BASE_MODEL, QUESTION)
    assert "210" in tuned_answer["results"][0]["outputText"]
    assert "210" not in base_answer["results"][0]["outputText"]
    assert int(headers["x-amzn-bedrock-output-token-count"]) == tuned_answer["results"][0]["tokenCount"]


def test_every_name_of_the_model_leads_to_the_same_answer(server, tuned):
    runtime, job = server.client("bedrock-runtime"), tuned["job"]
    by_name = f"arn:aws:bedrock:us-east-1:{server.keys.account_id}:custom-model/{job['outputModelName']}"
    ids = [tuned["provisioned_arn"], "main-pt", job["outputModelArn"], job["outputModelName"], by_name]
    answers = {_titan(runtime, model_id, QUESTION)[0]["results"][0]["outputText"] for model_id in ids}
    assert len(answers) == 1


def test_streams_bring_the_same_answer_in_pieces(server, tuned):
    runtime = server.client("bedrock-runtime")
    whole, _ = _titan(runtime, tuned["provisioned_arn"], QUESTION)
    body = {"inputText": QUESTION, "textGenerationConfig": {"maxTokenCount": 24, "temperature": 0}}
    stream = runtime.invoke_model_with_response_stream(modelId=tuned["provisioned_arn"], body=json.dumps(body))
    chunks = [json.loads(event["chunk"]["bytes"]) for event in stream["body"]]
    assert len(chunks) > 1
    assert "".join(chunk["outputText"] for chunk in chunks) == whole["results"][0]["outputText"]
    assert chunks[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == whole["results"][0]["tokenCount"]


def test_the_anthropic_body_and_converse_bring_the_same_answer(server, tuned):
    runtime = server.client("bedrock-runtime")
    text = _titan(runtime, tuned["provisioned_arn"], QUESTION)[0]["results"][0]["outputText"]
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 24,
        "temperature": 0,
        "messages": [{"role": "user", "content": QUESTION}],
    }
    reply = runtime.invoke_model(modelId=tuned["provisioned_arn"], body=json.dumps(body))
    assert json.loads(reply["body"].read())["content"][0]["text"] == text
    stream = runtime.invoke_model_with_response_stream(modelId=tuned["provisioned_arn"], body=json.dumps(body))
    events = [json.loads(event["chunk"]["bytes"]) for event in stream["body"]]
    assert events[0]["type"] == "message_start"
    assert events[-1]["type"] == "message_stop"
    assert "".join(e["delta"]["text"] for e in events if e["type"] == "content_block_delta") == text
    asked = {
        "modelId": tuned["provisioned_arn"],
        "messages": [{"role": "user", "content": [{"text": QUESTION}]}],
        "inferenceConfig": {"maxTokens": 24, "temperature": 0},
    }
    assert runtime.converse(**asked)["output"]["message"]["content"][0]["text"] == text
    pieces = [
        event["contentBlockDelta"]["delta"]["text"]
        for event in runtime.converse_stream(**asked)["stream"]
        if "contentBlockDelta" in event
    ]
    assert "".join(pieces) == text


def test_the_model_and_the_job_agree_and_the_model_carries_its_tags(server, tuned):
    bedrock, job = server.client("bedrock"), tuned["job"]
    model = bedrock.get_custom_model(modelIdentifier=job["outputModelName"])
    for member in ("jobArn", "jobName", "baseModelArn", "hyperParameters", "trainingMetrics", "validationMetrics"):
        assert model[member] == job[member]
    assert model["modelStatus"] == "Active"
    tags = bedrock.list_tags_for_resource(resourceARN=job["outputModelArn"])["tags"]
    assert tags == [{"key": "team", "value": "forge"}]


def test_a_model_in_service_cannot_be_deleted(server, tuned):
    bedrock = server.client("bedrock")
    with pytest.raises(bedrock.exceptions.ConflictException, match="in use"):
        bedrock.delete_custom_model(modelIdentifier=tuned["job"]["outputModelArn"])


def test_a_deployment_becomes_active_answers_and_is_deleted(server, tuned):
    bedrock, runtime = server.client("bedrock"), server.client("bedrock-runtime")
    arn = bedrock.create_custom_model_deployment(
        modelDeploymentName="on-demand", modelArn=tuned["job"]["outputModelArn"]
    )["customModelDeploymentArn"]

    def status():
        return bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=arn)["status"] == "Active"

    wait_until(status, seconds=60, what="an active deployment")
    assert "210" in _titan(runtime, arn, QUESTION)[0]["results"][0]["outputText"]
    bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier="on-demand")
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=arn)


def test_a_custom_model_is_the_base_of_the_next_job(server, tuned):
    bedrock = server.client("bedrock")
    request = job_request(server, "next", BUCKET, baseModelIdentifier=tuned["job"]["outputModelArn"])
    job = finished(bedrock, bedrock.create_model_customization_job(**request)["jobArn"])
    assert job["status"] == "Completed", job.get("failureMessage")
    assert job["baseModelArn"] == tuned["job"]["outputModelArn"]
    # It begins where its parent ended, far below an untaught base.
    assert job["trainingMetrics"]["trainingLoss"] < 2 * tuned["job"]["trainingMetrics"]["trainingLoss"] + 0.5
