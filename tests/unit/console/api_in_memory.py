"""An API with jobs and models in a dictionary: it answers in AWS's shapes, and refuses as AWS does."""

from base64 import b64encode
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
        self.observations: list[dict[str, Any]] = []
        self.job_evaluations: dict[str, dict[str, Any]] = {}
        self.learned: list[dict[str, Any]] = []
        """Records, token by token."""
        self.evaluations: dict[str, dict[str, Any]] = {}
        """By ARN."""
        self.audit_events: list[dict[str, Any]] = []
        self.usage: list[dict[str, Any]] = []
        self.lineage: dict[str, Any] = {}
        self.accepted: set[str] = set()
        """Ids of base models whose terms the account has accepted."""
        self.use_case = b""
        self.engines: list[dict[str, Any]] = []
        self.waiting = 0
        self.memory: int | None = 8 * 10**9
        """Jobs that no worker has."""
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

    def put(self, key: str, content: bytes, *, bucket: str = "bucket") -> None:
        """An object of S3."""
        if key not in self.objects.setdefault(bucket, []):
            self.objects[bucket].append(key)
        self.contents[key] = content

    def add_evaluation(self, name: str, **values: Any) -> str:
        arn = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:evaluation-job/{name.ljust(12, '0')}"
        self.evaluations[arn] = {
            "jobArn": arn,
            "jobName": name,
            "status": "InProgress",
            "creationTime": AT,
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/evaluation",
            "evaluationConfig": {"automated": {"datasetMetricConfigs": []}},
            "inferenceConfig": {
                "models": [{"bedrockModel": {"modelIdentifier": each}} for each in (BASE_MODEL, "tuned-model")]
            },
            "outputDataConfig": {"s3Uri": "s3://bucket/evaluations/"},
            **values,
        }
        return arn

    def TryCheckpoint(self, *, jobIdentifier: str, prompt: str, **_: Any) -> dict[str, Any]:
        self._found(self.jobs, jobIdentifier, "TryCheckpoint")
        return {
            "step": 42,
            "epoch": 3,
            "answer": f"the tuned answer to {prompt}",
            "stopReason": "end_turn",
            "inputTokenCount": 9,
            "outputTokenCount": 5,
            "latencyMs": 7,
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

    def ListModelCustomizationJobs(self, *, nameContains: str = "", statusEquals: str = "", **_: Any) -> dict[str, Any]:
        found = [
            {**job, "customModelName": job["outputModelName"]}
            for name, job in self.jobs.items()
            if nameContains in name and statusEquals in ("", job["status"])
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

    def PutObject(self, *, Bucket: str, Key: str, Body: bytes, **_: Any) -> dict[str, Any]:
        self.put(Key, Body, bucket=Bucket)
        return {}

    def HeadObject(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.objects.get(Bucket, ()):
            raise ApiRefusal("Not Found", code="404", operation="HeadObject", status=404)
        return {"ContentLength": len(self.contents.get(Key, b"")), "LastModified": AT}

    def HeadBucket(self, *, Bucket: str) -> dict[str, Any]:
        if Bucket not in self.objects:
            raise ApiRefusal("Not Found", code="404", operation="HeadBucket", status=404)
        return {}

    def GetServiceStatus(self) -> dict[str, Any]:
        weights = {"name": "nano-v1", "parameterCount": 19_000_000, "contextLength": 1024, "sizeBytes": 38_000_000}
        needs = {"servingBytes": 443_000_000, "trainingBytes": 514_000_000}
        return {
            "baseModels": [{**weights, **needs, "licence": "Apache-2.0"}],
            "memoryBytes": self.memory,
            "engines": self.engines,
            "queues": [{"kind": "ModelCustomization", "waiting": self.waiting, "running": 0}],
            "workers": [],
            "processes": [{"name": "worker", "status": "Running", "startedAt": AT, "restartCount": 3}],
            "version": "0.1",
            "region": "us-east-1",
        }

    def GetUsage(self, **_: Any) -> dict[str, Any]:
        return {"startTime": AT, "endTime": AT, "usage": self.usage, "currency": "USD", "source": "prices.toml"}

    def ListAuditEvents(self, **_: Any) -> dict[str, Any]:
        return {"events": self.audit_events, "searchedBackTo": AT}

    def GetModelLineage(self, *, modelIdentifier: str) -> dict[str, Any]:
        return self.lineage or {"ancestors": [self.models[modelIdentifier]], "descendants": []}

    def ListModelInvocationJobs(self, **_: Any) -> dict[str, Any]:
        return {"invocationJobSummaries": []}

    def ListEvaluationJobs(self, *, nameContains: str = "", statusEquals: str = "", **_: Any) -> dict[str, Any]:
        found = [
            {**job, "modelIdentifiers": [each["bedrockModel"]["modelIdentifier"] for each in _models(job)]}
            for job in self.evaluations.values()
            if nameContains in job["jobName"] and statusEquals in ("", job["status"])
        ]
        return {"jobSummaries": found}

    def CreateEvaluationJob(self, **params: Any) -> dict[str, Any]:
        return {"jobArn": self.add_evaluation(params["jobName"], **params)}

    def GetEvaluationJob(self, *, jobIdentifier: str) -> dict[str, Any]:
        return self._found(self.evaluations, jobIdentifier, "GetEvaluationJob")

    def StopEvaluationJob(self, *, jobIdentifier: str) -> dict[str, Any]:
        self.evaluations[jobIdentifier]["status"] = "Stopping"
        return {}

    def BatchDeleteEvaluationJob(self, *, jobIdentifiers: list[str]) -> dict[str, Any]:
        for arn in jobIdentifiers:
            del self.evaluations[arn]
        return {"errors": [], "evaluationJobs": []}

    def TagResource(self, *, resourceARN: str, tags: list[dict[str, str]]) -> dict[str, Any]:
        self.tags.setdefault(resourceARN, {}).update({tag["key"]: tag["value"] for tag in tags})
        return {}

    def UntagResource(self, *, resourceARN: str, tagKeys: list[str]) -> dict[str, Any]:
        for key in tagKeys:
            self.tags.get(resourceARN, {}).pop(key, None)
        return {}

    def GetFoundationModel(self, *, modelIdentifier: str) -> dict[str, Any]:
        return {"modelDetails": self.ListFoundationModels()["modelSummaries"][0]}

    def GetFoundationModelAvailability(self, *, modelId: str) -> dict[str, Any]:
        return {"agreementAvailability": {"status": "AVAILABLE" if modelId in self.accepted else "NOT_AVAILABLE"}}

    def ListFoundationModelAgreementOffers(self, *, modelId: str) -> dict[str, Any]:
        licence = b64encode(b"Licence: <script>alert(1)</script>").decode()
        terms = {"legalTerm": {"url": f"data:text/plain;charset=utf-8;base64,{licence}"}}
        return {"modelId": modelId, "offers": [{"offerToken": "offered", "termDetails": terms}]}

    def CreateFoundationModelAgreement(self, *, modelId: str, offerToken: str) -> dict[str, Any]:
        self.accepted.add(modelId)
        return {"modelId": modelId}

    def DeleteFoundationModelAgreement(self, *, modelId: str) -> dict[str, Any]:
        self.accepted.discard(modelId)
        return {}

    def PutUseCaseForModelAccess(self, *, formData: bytes) -> dict[str, Any]:
        self.use_case = formData
        return {}

    def GetUseCaseForModelAccess(self) -> dict[str, Any]:
        return {"formData": self.use_case}

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

    def ListObjectsV2(self, *, Bucket: str, Prefix: str = "", **_: Any) -> dict[str, Any]:
        keys = [key for key in self.objects[Bucket] if key.startswith(Prefix)]
        sizes = {key: len(self.contents.get(key, b"")) or 120 for key in keys}
        return {"Contents": [{"Key": key, "Size": sizes[key], "LastModified": AT} for key in keys]}

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

    def ExamineTrainingData(self, *, firstRecord: int, recordCount: int, **request: Any) -> dict[str, Any]:
        shown = self.learned[firstRecord : firstRecord + recordCount]
        return {
            **self.ValidateTrainingData(**request),
            "examinedRecordCount": max(1, len(self.learned)),
            "score": 87,
            "parts": [{"name": "said once", "share": 0.6, "weight": 3}],
            "observations": self.observations,
            "languages": [{"name": "ja", "recordCount": 85}],
            "labels": [],
            "tokens": {
                "totalTokenCount": 51_000,
                "trainedTokenCount": 20_400,
                "medianTokenCount": 600,
                "longestRecordTokenCount": 1_100,
                "maxSequenceLength": 1_024,
                "tooLongRecordCount": 1,
                "tooLongLines": [7],
                "refusedRecordCount": 0,
                "histogram": [
                    {"fromTokens": 100, "belowTokens": 500, "recordCount": 40},
                    {"fromTokens": 500, "belowTokens": 1_101, "recordCount": 45},
                ],
            },
            "records": shown,
        }

    def EstimateProvisionedThroughput(self, **_: Any) -> dict[str, Any]:
        return {
            "baseModel": "nano-v1",
            "isLoaded": False,
            "neededBytes": 420_000_000,
            "availableBytes": 8_000_000_000,
            "fits": True,
            "cost": {"amountPerHour": 41.0, "currency": "USD", "source": "prices.toml"},
        }

    def GetProvisionedCapacity(self, *, provisionedModelId: str) -> dict[str, Any]:
        return {"provisionedModelArn": provisionedModelId, "modelUnits": 1, "tokensPerMinute": 21_500}

    def CreateBucket(self, *, Bucket: str, **_: Any) -> dict[str, Any]:
        self.objects[Bucket] = []
        return {}

    def Converse(
        self, *, messages: list[dict[str, Any]], toolConfig: dict[str, Any] | None = None, **_: Any
    ) -> dict[str, Any]:
        """Asks about the sentences of the document that comes with the message, one call after the other; without a
        tool it answers."""
        if toolConfig is None:
            text = f"the answer to {messages[0]['content'][0]['text']}"
            return {"output": {"message": {"content": [{"text": text}]}}, "stopReason": "max_tokens"}
        schema = toolConfig["tools"][0]["toolSpec"]["inputSchema"]["json"]["properties"]["dataset"]
        lines = messages[0]["content"][0]["document"]["source"]["bytes"].decode().splitlines()
        first = sum(operation == "Converse" for _, operation, _ in self.asked) - 1
        lines = lines[first : first + schema["maxItems"]]
        pairs = [{"question": f"What of {line[:12]}?", "answer": line} for line in lines]
        return {"output": {"message": {"content": [{"toolUse": {"input": {"dataset": pairs}}}]}}}

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

    def GetJobEvaluation(self, *, jobIdentifier: str) -> dict[str, Any]:
        return self._found(self.job_evaluations, jobIdentifier, "GetJobEvaluation")

    def WatchJob(self, **_: Any) -> dict[str, Any]:
        return {"updates": []}

    def _found(self, rows: dict[str, dict[str, Any]], name: str, operation: str) -> dict[str, Any]:
        if name not in rows:
            raise ApiRefusal(
                f"{name} does not exist.", code="ResourceNotFoundException", operation=operation, status=404
            )
        return rows[name]


def _models(job: dict[str, Any]) -> list[dict[str, Any]]:
    return job["inferenceConfig"]["models"]
