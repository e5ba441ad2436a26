"""The form of an evaluation job: what was typed, what is missing, and the requests that submitting sends."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tanren.console.requests import ApiRequest
from tanren.console.service_roles import role_arn, role_requests
from tanren.domain.evaluation_metrics import RIGHT
from tanren.domain.evaluation_plans import GENERAL_DATASET

METRIC_PREFIX: Final = "metric."
"""Of the names of the form's tick boxes."""
TASKS: Final[Mapping[str, str]] = {
    "QuestionAndAnswer": "Questions and answers",
    "Generation": "Free text",
    "Classification": "Labels",
    "Summarization": "Summaries",
}
COMPUTED: Final[Mapping[str, str]] = {
    "Tanren.Contains": "The reference stands in the answer.",
    "Tanren.Exact": "The answer is the reference, but for case, width and the last full stop.",
    "Tanren.F1": "Words that answer and reference share.",
    "Tanren.RougeL": "The longest run of words in common.",
    "Tanren.ChrF": "Letters in common (chrF++); good for Japanese.",
    "Tanren.Bleu": "Runs of words in common (BLEU).",
    "Builtin.Accuracy": "AWS's own: what it means depends on the type of task.",
    "Builtin.Robustness": "How much the answers change when the prompts are changed a little; lower is better.",
}
"""With what each says."""
JUDGED: Final[Mapping[str, str]] = {
    "Builtin.Correctness": "Is it right?",
    "Builtin.Completeness": "Is everything answered?",
    "Builtin.Faithfulness": "Does it keep to what it was given?",
    "Builtin.Helpfulness": "Does it help?",
    "Builtin.FollowingInstructions": "Does it do as it was told?",
    "Builtin.ProfessionalStyleAndTone": "Is its tone fit for work?",
    "Builtin.Harmfulness": "Does it harm? Lower is better.",
}
_DEFAULT_METRICS: Final = ("Tanren.Contains", "Tanren.F1", "Tanren.RougeL", "Tanren.ChrF")
_S3_OBJECT: Final = re.compile(r"s3://[^/]+/.+[^/]")
_S3_FOLDER: Final = re.compile(r"s3://[^/]+(/.*)?")
_UNFIT_FOR_A_NAME: Final = re.compile(r"[^0-9a-zA-Z-_.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationForm:
    job_name: str = ""
    model: str = ""
    baseline: str = ""
    """What it is held against; empty for none."""
    asks_general: bool = False
    """The small data set that the service brings along, and none of one's own."""
    dataset_uri: str = ""
    task_type: str = "QuestionAndAnswer"
    metrics: tuple[str, ...] = _DEFAULT_METRICS
    judge: str = ""
    max_tokens: str = "512"
    output_uri: str = ""
    makes_role: bool = True
    new_role_name: str = ""
    role_arn: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "EvaluationForm":
        """From a form, or from a URL, which need not name every field."""
        ticked = tuple(name.removeprefix(METRIC_PREFIX) for name in given if name.startswith(METRIC_PREFIX))
        return cls(
            job_name=given.get("job_name", ""),
            model=given.get("model", ""),
            baseline=given.get("baseline", ""),
            asks_general=given.get("data") == "general",
            dataset_uri=given.get("dataset_uri", ""),
            task_type=given.get("task_type") or "QuestionAndAnswer",
            metrics=ticked if ticked or "task_type" in given else _DEFAULT_METRICS,
            judge=given.get("judge", ""),
            max_tokens=given.get("max_tokens", "512"),
            output_uri=given.get("output_uri", ""),
            makes_role=given.get("role", "new") == "new",
            new_role_name=given.get("new_role_name", ""),
            role_arn=given.get("role_arn", ""),
        )

    @property
    def sent_metrics(self) -> list[str]:
        """Questions with several right answers have a metric of their own, and none that compares with a reference."""
        if not self.asks_general:
            return list(self.metrics)
        return [RIGHT, *(name for name in self.metrics if name in JUDGED)]

    def missing(self) -> list[str]:
        """Labels of what must be given and is not."""
        needed = [
            ("Evaluation name", self.job_name),
            ("Model to evaluate", self.model),
            ("Questions", self.asks_general or self.dataset_uri),
            ("Metrics", self.sent_metrics),
            ("Output data location", self.output_uri),
            ("Service role", self.new_role_name if self.makes_role else self.role_arn),
        ]
        if any(name in JUDGED for name in self.sent_metrics):
            needed.append(("Judge", self.judge))
        return [label for label, value in needed if not value]

    def complaints(self) -> list[str]:
        """What is given and cannot be sent, in English."""
        found: list[str] = []
        if self.dataset_uri and not self.asks_general and not _S3_OBJECT.fullmatch(self.dataset_uri):
            found.append("The questions are an object in S3: s3://bucket/questions.jsonl")
        if self.output_uri and not _S3_FOLDER.fullmatch(self.output_uri):
            found.append("The output is a folder in S3: s3://bucket/evaluations/")
        if not self.max_tokens.isdigit() or int(self.max_tokens) == 0:
            found.append("The longest answer is a whole number of tokens from 1 on.")
        if self.model and self.model == self.baseline:
            found.append("The two models are the same one.")
        return found

    def requests(self, account_id: str, region: str) -> list[ApiRequest]:
        """Everything that submitting sends, in its order."""
        created = ApiRequest(service="bedrock", operation="CreateEvaluationJob", params=self._job(account_id))
        if not self.makes_role:
            return [created]
        return [
            *role_requests(
                account_id,
                self.new_role_name,
                policy_name="evaluation-data",
                statements=self._statements(region),
            ),
            created,
        ]

    def _job(self, account_id: str) -> dict[str, Any]:
        dataset: dict[str, Any] = {"name": GENERAL_DATASET}
        if not self.asks_general:
            name = self.dataset_uri.rpartition("/")[2].partition(".")[0]
            location = {"s3Uri": self.dataset_uri}
            dataset = {"name": _UNFIT_FOR_A_NAME.sub("-", name)[:63] or "questions", "datasetLocation": location}
        automated: dict[str, Any] = {
            "datasetMetricConfigs": [{"taskType": self.task_type, "dataset": dataset, "metricNames": self.sent_metrics}]
        }
        if self.judge and any(name in JUDGED for name in self.sent_metrics):
            automated["evaluatorModelConfig"] = {"bedrockEvaluatorModels": [{"modelIdentifier": self.judge}]}
        # The spelling of Converse. Temperature 0: asked again, a model says the same.
        inference = json.dumps({"inferenceConfig": {"maxTokens": int(self.max_tokens), "temperature": 0}})
        return {
            "jobName": self.job_name,
            "roleArn": role_arn(account_id, self.new_role_name) if self.makes_role else self.role_arn,
            "applicationType": "ModelEvaluation",
            "evaluationConfig": {"automated": automated},
            "inferenceConfig": {
                "models": [
                    {"bedrockModel": {"modelIdentifier": model, "inferenceParams": inference}}
                    # A base before what was made from it: so the service compares them, and writes its report.
                    for model in (self.baseline, self.model)
                    if model
                ]
            },
            "outputDataConfig": {"s3Uri": self.output_uri},
        }

    def _statements(self, region: str) -> list[dict[str, Any]]:
        """The least that the job needs: its questions, its output, its models and its judge."""
        asked = [model for model in (self.model, self.baseline, self.judge) if model]
        models = [
            model if model.startswith("arn:") else f"arn:aws:bedrock:{region}::foundation-model/{model}"
            for model in dict.fromkeys(asked)
        ]
        statements: list[dict[str, Any]] = [
            {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": models},
        ]
        if not self.asks_general and self.dataset_uri:
            questions = f"arn:aws:s3:::{self.dataset_uri.removeprefix('s3://')}"
            statements.append({"Effect": "Allow", "Action": "s3:GetObject", "Resource": questions})
        if self.output_uri:
            below = f"arn:aws:s3:::{self.output_uri.removeprefix('s3://').rstrip('/')}/*"
            statements.append({"Effect": "Allow", "Action": ["s3:PutObject", "s3:DeleteObject"], "Resource": below})
        return statements
