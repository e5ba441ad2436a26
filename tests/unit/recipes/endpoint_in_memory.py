"""A Bedrock with an S3 that trains nothing: a tuned model answers what its training file has, its base echoes."""

import json
from typing import Any

from tanren.recipes.running import Clients


class EndpointInMemory:
    """One endpoint's three clients in one; each look at a job, deployment or throughput brings it a step further."""

    def __init__(self, *, job_ends: str = "Completed") -> None:
        self.job_ends = job_ends
        self.objects: dict[str, bytes] = {}
        self.jobs: list[dict[str, Any]] = []
        self.in_service: dict[str, str] = {}
        """Model by ARN of what serves it."""
        self.ever_in_service: list[str] = []

    @property
    def clients(self) -> Clients:
        return Clients(bedrock=self, runtime=self, s3=self)

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:
        self.objects[f"s3://{Bucket}/{Key}"] = Body

    def create_model_customization_job(self, **request: Any) -> dict[str, str]:
        arn = f"arn:job/{len(self.jobs)}"
        self.jobs.append({**request, "jobArn": arn, "status": "InProgress", "outputModelArn": f"arn:model/{arn}"})
        return {"jobArn": arn}

    def get_model_customization_job(self, *, jobIdentifier: str) -> dict[str, Any]:
        job = next(job for job in self.jobs if job["jobArn"] == jobIdentifier)
        now = {**job, "statusDetails": {"trainingDetails": {"status": "InProgress"}}, "failureMessage": "row 1 is torn"}
        job["status"] = self.job_ends
        return {**now, "outputModelName": job["customModelName"], "trainingMetrics": {"trainingLoss": 0.5}}

    def create_custom_model_deployment(self, *, modelDeploymentName: str, modelArn: str) -> dict[str, str]:
        return {"customModelDeploymentArn": self._serve(f"arn:deployment/{modelDeploymentName}", modelArn)}

    def get_custom_model_deployment(self, *, customModelDeploymentIdentifier: str) -> dict[str, Any]:
        assert customModelDeploymentIdentifier in self.in_service
        return {"status": "Active"}

    def delete_custom_model_deployment(self, *, customModelDeploymentIdentifier: str) -> None:
        del self.in_service[customModelDeploymentIdentifier]

    def create_provisioned_model_throughput(
        self, *, provisionedModelName: str, modelId: str, modelUnits: int
    ) -> dict[str, str]:
        assert modelUnits == 1
        return {"provisionedModelArn": self._serve(f"arn:provisioned/{provisionedModelName}", modelId)}

    def get_provisioned_model_throughput(self, *, provisionedModelId: str) -> dict[str, Any]:
        assert provisionedModelId in self.in_service
        return {"status": "InService"}

    def delete_provisioned_model_throughput(self, *, provisionedModelId: str) -> None:
        del self.in_service[provisionedModelId]

    def converse(self, *, modelId: str, messages: list[Any], inferenceConfig: dict[str, Any]) -> dict[str, Any]:
        assert inferenceConfig["temperature"] == 0
        prompt = messages[0]["content"][0]["text"]
        text = f"{prompt}?"
        if modelId in self.in_service:
            job = next(job for job in self.jobs if job["outputModelArn"] == self.in_service[modelId])
            rows = self.objects[job["trainingDataConfig"]["s3Uri"]].decode().splitlines()
            learned = {row["prompt"]: row["completion"] for row in map(json.loads, rows)}
            text = learned.get(prompt, text)
        return {"output": {"message": {"content": [{"text": f" {text}\n"}]}}}

    def _serve(self, arn: str, model: str) -> str:
        self.in_service[arn] = model
        self.ever_in_service.append(arn)
        return arn
