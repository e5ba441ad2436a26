"""The calls that the operators, waiters and sensors of Airflow's Amazon provider make for Bedrock.

Source   which calls, in which order, and what they look at: apache/airflow, providers/amazon, operators/bedrock.py,
         sensors/bedrock.py and waiters/bedrock.json, in November 2026. Nothing of its code is here.

    customize model    create; HTTP status 201 or failure; a job name that is taken is known by its message, word for
                       word, and gets a time behind it; then GetModelCustomizationJob by the job's name
    throughput         create, then GetProvisionedModelThroughput by its ARN, which a sensor does too
    batch inference    create, then GetModelInvocationJob by its ARN
    invoke model       InvokeModel, whose body is JSON
"""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from botocore.waiter import WaiterModel, create_waiter_with_client

from tests.protocol.infrastructure_cloud import Cloud

JOB_NAME_IS_TAKEN = "The provided job name is currently in use."
TITAN = "amazon.titan-text-lite-v1"


def customize_model(cloud: Cloud) -> None:
    """BedrockCustomizeModelOperator, its sensor, and both again under a job name that is taken."""
    bedrock = cloud.client("bedrock")
    first = _create_job(cloud, "airflow", "airflow-model")
    _wait_for_job(cloud, first)
    second = _create_job(cloud, "airflow", "airflow-model-2")
    assert second != first
    _wait_for_job(cloud, second)
    names = {each["jobName"] for each in bedrock.list_model_customization_jobs(nameContains="airflow")[_JOBS]}
    assert {first, second} <= names


def provisioned_throughput_and_invocation(cloud: Cloud) -> None:
    """BedrockCreateProvisionedModelThroughputOperator, its sensor, and BedrockInvokeModelOperator."""
    bedrock, runtime = cloud.client("bedrock"), cloud.client("bedrock-runtime")
    job = _create_job(cloud, "airflow-provisioned", "airflow-provisioned-model")
    _wait_for_job(cloud, job)
    model = bedrock.get_model_customization_job(jobIdentifier=job)["outputModelArn"]
    arn = bedrock.create_provisioned_model_throughput(
        modelUnits=1, provisionedModelName="airflow-throughput", modelId=model
    )["provisionedModelArn"]
    _wait(
        cloud,
        "GetProvisionedModelThroughput",
        {"provisionedModelId": arn},
        success=("InService",),
        retry=("Creating", "Updating"),
        failure=("Failed",),
    )
    assert bedrock.get_provisioned_model_throughput(provisionedModelId=arn)["status"] == "InService"
    body = {"inputText": "What does the Akane knife cost?", "textGenerationConfig": {"maxTokenCount": 5}}
    response = runtime.invoke_model(
        body=json.dumps(body), modelId=arn, contentType="application/json", accept="application/json"
    )
    assert json.loads(response["body"].read())["results"]
    bedrock.delete_provisioned_model_throughput(provisionedModelId=arn)


def batch_inference(cloud: Cloud) -> None:
    """BedrockBatchInferenceOperator, which waits for Scheduled or for the end, and its sensor."""
    bedrock = cloud.client("bedrock")
    response = bedrock.create_model_invocation_job(
        jobName="airflow-batch",
        roleArn=cloud.role_arn,
        modelId=TITAN,
        inputDataConfig={"s3InputDataConfig": {"s3InputFormat": "JSONL", "s3Uri": f"s3://{cloud.bucket}/in.jsonl"}},
        outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{cloud.bucket}/airflow/"}},
    )
    _wait(
        cloud,
        "GetModelInvocationJob",
        {"jobIdentifier": response["jobArn"]},
        success=("Completed",),
        retry=("Submitted", "Validating", "Scheduled", "InProgress"),
        failure=("Failed", "Stopped", "PartiallyCompleted", "Expired", "Stopping"),
    )


def _create_job(cloud: Cloud, name: str, model_name: str) -> str:
    """The name of the job: that which was asked for, or with a number behind it where that was taken."""
    bedrock = cloud.client("bedrock")
    for number in range(3):
        try:
            response = bedrock.create_model_customization_job(
                jobName=name,
                customModelName=model_name,
                roleArn=cloud.role_arn,
                baseModelIdentifier=TITAN,
                trainingDataConfig={"s3Uri": f"s3://{cloud.bucket}/train.jsonl"},
                outputDataConfig={"s3Uri": f"s3://{cloud.bucket}/output/"},
                hyperParameters={"epochCount": "1", "batchSize": "1", "learningRate": "0.00001"},
            )
        except ClientError as error:
            if error.response["Error"]["Message"] != JOB_NAME_IS_TAKEN:
                raise
            name = f"{name}-{number}"
            continue
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 201
        assert response["jobArn"] == bedrock.get_model_customization_job(jobIdentifier=name)["jobArn"]
        return name
    raise AssertionError("every name was taken")


def _wait_for_job(cloud: Cloud, name: str) -> None:
    _wait(
        cloud,
        "GetModelCustomizationJob",
        {"jobIdentifier": name},
        success=("Completed",),
        retry=("InProgress",),
        failure=("Failed", "Stopping", "Stopped"),
    )


def _wait(
    cloud: Cloud,
    operation: str,
    params: dict[str, Any],
    *,
    success: tuple[str, ...],
    retry: tuple[str, ...],
    failure: tuple[str, ...],
) -> None:
    """One look of botocore's own waiter at a time: whatever status it does not know ends it with an error."""
    states = {**dict.fromkeys(success, "success"), **dict.fromkeys(retry, "retry"), **dict.fromkeys(failure, "failure")}
    bedrock = cloud.client("bedrock")
    acceptors = [
        {"matcher": "path", "argument": "status", "expected": status, "state": state}
        for status, state in states.items()
    ]
    config = {"operation": operation, "delay": 0, "maxAttempts": 3_000, "acceptors": acceptors}
    waiter = create_waiter_with_client("Done", WaiterModel({"version": 2, "waiters": {"Done": config}}), bedrock)
    bedrock.meta.events.register(f"after-call.bedrock.{operation}", lambda **_: cloud.let_time_pass())
    waiter.wait(**params)
    read = bedrock.get_model_customization_job if operation == "GetModelCustomizationJob" else None
    assert read is None or read(**params)["status"] in success


_JOBS = "modelCustomizationJobSummaries"

SEQUENCES: dict[str, Callable[[Cloud], None]] = {
    each.__name__: each for each in (customize_model, provisioned_throughput_and_invocation, batch_inference)
}
