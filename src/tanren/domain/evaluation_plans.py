"""What an evaluation job is to do, read from its request: data sets and metrics, models, judges, the place of results.

Which plans can be carried out is `control/evaluation_plans.py`'s to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tanren.domain.evaluation_metrics import TANREN, Measure, Metric, metric_for, task_type_of

GENERAL_DATASET: Final = f"{TANREN}General"
"""A small data set of our own, in English and Japanese: `evaluation/general/questions.jsonl`. Its questions have
several right answers, or take any JSON of a schema, and so no reference."""
MOST_PROMPTS: Final = 1000
"""Of one data set, as on AWS."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPlan:
    task_type: str
    name: str
    s3_uri: str | None
    """None: one of ours."""
    metric_names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPlan:
    identifier: str
    """As the request has it: a model, or the source of answers that are brought along."""
    is_precomputed: bool
    inference_params: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingStep:
    definition: str
    value: float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomMetric:
    name: str
    instructions: str
    scale: tuple[RatingStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationPlan:
    datasets: tuple[DatasetPlan, ...]
    models: tuple[ModelPlan, ...]
    judge: str | None
    """Of the built-in metrics."""
    custom_metrics: tuple[CustomMetric, ...]
    custom_judge: str | None
    output_s3_uri: str

    def metrics_of(self, dataset: DatasetPlan) -> list[Metric]:
        """Raises as `metric_for`."""
        custom = {metric.name for metric in self.custom_metrics}
        return [
            Metric(name=name, measure=Measure.JUDGED, is_higher_better=None)
            if name in custom
            else metric_for(name, task_type_of(dataset.task_type))
            for name in dataset.metric_names
        ]

    def judge_of(self, metric: Metric) -> str | None:
        is_custom = metric.name in {custom.name for custom in self.custom_metrics}
        return self.custom_judge if is_custom else self.judge

    def asked(self) -> list[str]:
        """Identifiers of all that a request is put to."""
        return [*self.evaluated(), *self.judges()]

    def evaluated(self) -> list[str]:
        return [model.identifier for model in self.models if not model.is_precomputed]

    def judges(self) -> list[str]:
        return list(dict.fromkeys(each for each in (self.judge, self.custom_judge) if each is not None))


def plan_of(request: Json) -> EvaluationPlan:
    """Takes a request whose unions are `automated` and `models`."""
    automated: Json = request["evaluationConfig"]["automated"]
    custom: Json = automated.get("customMetricConfig") or {}
    return EvaluationPlan(
        datasets=tuple(
            DatasetPlan(
                task_type=each["taskType"],
                name=each["dataset"]["name"],
                s3_uri=(each["dataset"].get("datasetLocation") or {}).get("s3Uri"),
                metric_names=tuple(each["metricNames"]),
            )
            for each in automated["datasetMetricConfigs"]
        ),
        models=tuple(_model_plan(each) for each in request["inferenceConfig"]["models"]),
        judge=_judge(automated.get("evaluatorModelConfig")),
        custom_metrics=tuple(
            _custom_metric(each["customMetricDefinition"]) for each in custom.get("customMetrics", ())
        ),
        custom_judge=_judge(custom.get("evaluatorModelConfig")),
        output_s3_uri=request["outputDataConfig"]["s3Uri"],
    )


def _model_plan(model: Json) -> ModelPlan:
    if "precomputedInferenceSource" in model:
        source = model["precomputedInferenceSource"]["inferenceSourceIdentifier"]
        return ModelPlan(identifier=source, is_precomputed=True)
    asked = model["bedrockModel"]
    return ModelPlan(
        identifier=asked["modelIdentifier"], is_precomputed=False, inference_params=asked.get("inferenceParams")
    )


def _judge(config: Json | None) -> str | None:
    return None if not config else config["bedrockEvaluatorModels"][0]["modelIdentifier"]


def _custom_metric(definition: Json) -> CustomMetric:
    def value(given: Json) -> float | str:
        return given["floatValue"] if "floatValue" in given else given["stringValue"]

    scale = [
        RatingStep(definition=step["definition"], value=value(step["value"]))
        for step in definition.get("ratingScale") or ()
    ]
    return CustomMetric(name=definition["name"], instructions=definition["instructions"], scale=tuple(scale))
