"""An API with jobs and models in a dictionary: it answers in AWS's shapes, and refuses as AWS does."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tanren.console.api import ApiRefusal, Credentials

ACCOUNT = "123456789012"
BASE_MODEL = "tanren.nano-v1:0"
AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


class ApiInMemory:
    def __init__(self) -> None:
        self.secret = "secret"
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.jobs: dict[str, dict[str, Any]] = {}
        self.models: dict[str, dict[str, Any]] = {}
        self.objects: dict[str, list[str]] = {"bucket": ["train.jsonl", "notes.md"]}
        self.contents: dict[str, bytes] = {}
        """Of objects, by key."""
        self.throughputs: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.stream: list[dict[str, Any]] = []
        """The events of every answer."""
        self.metrics: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.samples: list[dict[str, Any]] = []
        self.findings: list[dict[str, Any]] = []
        self.refusals: dict[str, ApiRefusal] = {}
        """By operation: what is refused, whatever is asked."""
        self._credentials: Credentials | None = None

    def signed(self, credentials: Credentials) -> "ApiInMemory":
        self._credentials = credentials
        return self

    async def ask(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        if self._credentials is None or self._credentials.secret_access_key != self.secret:
            raise ApiRefusal("The signature does not match.", code="SignatureDoesNotMatch", operation=operation)
        if operation in self.refusals:
            raise self.refusals[operation]
        self.asked.append((service, operation, params))
        return getattr(self, operation)(**params)

    async def open_stream(self, service: str, operation: str, member: str, /, **params: Any) -> Iterator[Any]:
        answer = await self.ask(service, operation, **params)
        return iter(answer[member])

    async def presigned(self, operation: str, /, *, seconds: int, **params: Any) -> str:
        return f"http://testserver/{params['Bucket']}/{params['Key']}?X-Amz-Signature=0"

    async def beginning_of(self, bucket: str, key: str, /, *, size_bytes: int) -> bytes:
        return self.contents.get(key, b"")[:size_bytes]

    def sent(self, operation: str) -> dict[str, Any]:
        """What the last request for the operation carried."""
        return next(params for _, name, params in reversed(self.asked) if name == operation)

    def add_job(self, name: str, **values: Any) -> None:
        self.jobs[name] = {
            "jobArn": f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-customization-job/{BASE_MODEL}/abcdefghijkl",
            "jobName": name,
            "outputModelName": f"{name}-model",
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/tuning",
            "status": "InProgress",
            "creationTime": AT,
            "baseModelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{BASE_MODEL}",
            "customizationType": "FINE_TUNING",
            "hyperParameters": {"epochCount": "3", "earlyStoppingThreshold": "0.001", "earlyStoppingPatience": "2"},
            "trainingDataConfig": {"s3Uri": "s3://bucket/train.jsonl"},
            "validationDataConfig": {"validators": [{"s3Uri": "s3://bucket/validation.jsonl"}]},
            "outputDataConfig": {"s3Uri": "s3://bucket/output/"},
            **values,
        }

    def add_model(self, name: str, **values: Any) -> None:
        self.models[name] = {
            "modelArn": f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model/{BASE_MODEL}/abcdefghijkl",
            "modelName": name,
            "jobName": "tuning",
            "jobArn": f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-customization-job/{BASE_MODEL}/abcdefghijkl",
            "baseModelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{BASE_MODEL}",
            "customizationType": "FINE_TUNING",
            "modelStatus": "Active",
            "creationTime": AT,
            "trainingMetrics": {"trainingLoss": 0.41},
            "validationMetrics": [{"validationLoss": 1.4764}],
            **values,
        }

    def GetCallerIdentity(self) -> dict[str, Any]:
        return {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/hanako", "UserId": "AIDA"}

    def ListFoundationModels(self, **_: Any) -> dict[str, Any]:
        summary = {
            "modelId": BASE_MODEL,
            "modelName": "nano-v1",
            "providerName": "tanren",
            "customizationsSupported": ["FINE_TUNING", "CONTINUED_PRE_TRAINING"],
            "inferenceTypesSupported": ["ON_DEMAND", "PROVISIONED"],
            "modelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{BASE_MODEL}",
            "modelLifecycle": {"status": "ACTIVE"},
        }
        return {"modelSummaries": [summary]}

    def ListCustomModels(self, *, nameContains: str = "", **_: Any) -> dict[str, Any]:
        return {"modelSummaries": [m for name, m in self.models.items() if nameContains in name]}

    def ListModelCustomizationJobs(self, *, nameContains: str = "", **_: Any) -> dict[str, Any]:
        found = [
            {**job, "customModelName": job["outputModelName"]}
            for name, job in self.jobs.items()
            if nameContains in name
        ]
        return {"modelCustomizationJobSummaries": found}

    def GetCustomModel(self, *, modelIdentifier: str) -> dict[str, Any]:
        by_arn = [name for name, model in self.models.items() if model["modelArn"] == modelIdentifier]
        return self._found(self.models, next(iter(by_arn), modelIdentifier), "GetCustomModel")

    def DeleteCustomModel(self, *, modelIdentifier: str) -> dict[str, Any]:
        del self.models[modelIdentifier]
        return {}

    def ListProvisionedModelThroughputs(self, *, modelArnEquals: str = "", **_: Any) -> dict[str, Any]:
        rows = list(self.throughputs.values())
        return {"provisionedModelSummaries": [r for r in rows if modelArnEquals in ("", r["modelArn"])]}

    def CreateProvisionedModelThroughput(self, **params: Any) -> dict[str, Any]:
        arn = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:provisioned-model/abcdefghijkl"
        self.throughputs[params["provisionedModelName"]] = {
            "provisionedModelName": params["provisionedModelName"],
            "provisionedModelArn": arn,
            "modelArn": params["modelId"],
            "foundationModelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{BASE_MODEL}",
            "modelUnits": params["modelUnits"],
            "status": "InService",
            "creationTime": AT,
        }
        self.tags[arn] = {tag["key"]: tag["value"] for tag in params.get("tags", [])}
        return {"provisionedModelArn": arn}

    def GetProvisionedModelThroughput(self, *, provisionedModelId: str) -> dict[str, Any]:
        return self._found(self.throughputs, provisionedModelId, "GetProvisionedModelThroughput")

    def DeleteProvisionedModelThroughput(self, *, provisionedModelId: str) -> dict[str, Any]:
        del self.throughputs[provisionedModelId]
        return {}

    def ListTagsForResource(self, *, resourceARN: str) -> dict[str, Any]:
        tags = self.tags.get(resourceARN, {})
        return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}

    def ListCustomModelDeployments(self, **_: Any) -> dict[str, Any]:
        return {"modelDeploymentSummaries": []}

    def HeadObject(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.objects[Bucket]:
            raise ApiRefusal("Not Found", code="404", operation="HeadObject", status=404)
        return {"ContentLength": len(self.contents.get(Key, b"")), "LastModified": AT}

    def GetServiceStatus(self) -> dict[str, Any]:
        weights = {"name": "nano-v1", "parameterCount": 19_000_000, "contextLength": 1024, "sizeBytes": 38_000_000}
        return {"baseModels": [{**weights, "licence": "Apache-2.0"}]}

    def ConverseStream(self, **_: Any) -> dict[str, Any]:
        return {"stream": self.stream}

    def CreateModelCustomizationJob(self, **params: Any) -> dict[str, Any]:
        self.add_job(params["jobName"], outputModelName=params["customModelName"])
        return {"jobArn": self.jobs[params["jobName"]]["jobArn"]}

    def GetModelCustomizationJob(self, *, jobIdentifier: str) -> dict[str, Any]:
        return self._found(self.jobs, jobIdentifier, "GetModelCustomizationJob")

    def StopModelCustomizationJob(self, *, jobIdentifier: str) -> dict[str, Any]:
        self.jobs[jobIdentifier]["status"] = "Stopping"
        return {}

    def CreateRole(self, **_: Any) -> dict[str, Any]:
        return {}

    def PutRolePolicy(self, **_: Any) -> dict[str, Any]:
        return {}

    def ListBuckets(self) -> dict[str, Any]:
        return {"Buckets": [{"Name": name} for name in self.objects]}

    def ListObjectsV2(self, *, Bucket: str, **_: Any) -> dict[str, Any]:
        return {"Contents": [{"Key": key, "Size": 120, "LastModified": AT} for key in self.objects[Bucket]]}

    def ValidateTrainingData(self, *, trainingDataConfig: dict[str, str], **_: Any) -> dict[str, Any]:
        report = {
            "s3Uri": trainingDataConfig["s3Uri"],
            "isValid": not self.findings,
            "format": "prompt-completion",
            "recordCount": 85,
            "lineCount": 85,
            "sizeBytes": 41_000,
            "sha256": "0" * 64,
            "errorCount": len(self.findings),
            "findings": self.findings,
        }
        return {"isValid": not self.findings, "files": [report]}

    def EstimateCustomizationJob(self, **_: Any) -> dict[str, Any]:
        return {
            "tokens": {"totalTokenCount": 51_000, "stepCount": 110, "epochs": 10, "recordCount": 85},
            "memory": {"neededBytes": 310_000_000, "availableBytes": 8_000_000_000, "fits": True, "explanation": ""},
            "time": {"seconds": 95.0, "tokensPerSecond": 540.0, "jobCount": 3},
            "notes": ["100 to 1,000 records are usual."],
        }

    def GetJobMetrics(self, *, jobIdentifier: str, **_: Any) -> dict[str, Any]:
        nothing = {"progress": {"stepsDone": 0}, "steps": [], "validations": []}
        return self.metrics.get(jobIdentifier, nothing)

    def ListJobEvents(self, **_: Any) -> dict[str, Any]:
        return {"events": self.events}

    def GetJobSamples(self, **_: Any) -> dict[str, Any]:
        return {"samples": self.samples}

    def WatchJob(self, **_: Any) -> dict[str, Any]:
        return {"updates": []}

    def _found(self, rows: dict[str, dict[str, Any]], name: str, operation: str) -> dict[str, Any]:
        if name not in rows:
            raise ApiRefusal(
                f"{name} does not exist.", code="ResourceNotFoundException", operation=operation, status=404
            )
        return rows[name]
