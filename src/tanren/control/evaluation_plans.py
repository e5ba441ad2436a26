"""Which evaluation jobs can be carried out: the rules over a plan, from data sets to judges.

A request is refused when it is made for all that its text alone shows; what is in the data sets is the job's own first
phase, as on AWS.
"""

import math
import re
from collections.abc import Sequence
from typing import Final

from tanren.domain.errors import NotImplementedHere, ValidationFailed
from tanren.domain.evaluation_metrics import BUILTIN, RIGHT, TANREN, Measure, Metric, is_known, task_type_of
from tanren.domain.evaluation_plans import GENERAL_DATASET, CustomMetric, DatasetPlan, EvaluationPlan
from tanren.domain.inference_params import converse_members

VARIABLES: Final = ("prompt", "prediction", "ground_truth")
"""What the instructions of a custom metric may have filled in, each in double braces."""
_VARIABLE: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def check_plan(plan: EvaluationPlan) -> None:
    """Raises   NotImplementedHere or ValidationFailed with the first thing that cannot be done."""
    for metric in plan.custom_metrics:
        _check_custom_metric(metric)
    _check_unique([metric.name for metric in plan.custom_metrics], "customMetrics: the metric")
    _check_unique(
        [f"{each.name}' for '{each.task_type}" for each in plan.datasets], "datasetMetricConfigs: the data set"
    )
    for dataset in plan.datasets:
        _check_dataset(dataset)
        _check_unique(dataset.metric_names, f"metricNames of '{dataset.name}': the metric")
        for metric in plan.metrics_of(dataset):
            _check_has_what_it_needs(metric, dataset)
    used = [metric for dataset in plan.datasets for metric in plan.metrics_of(dataset)]
    _check_judges(plan, used)
    for model in plan.models:
        if not model.is_precomputed:
            converse_members(model.inference_params)
    precomputed = [model.identifier for model in plan.models if model.is_precomputed]
    if precomputed and any(metric.measure is Measure.CHANGED for metric in used):
        raise ValidationFailed(
            f"{BUILTIN}Robustness puts changed prompts to the model, and the answers of '{precomputed[0]}' are brought "
            "along: leave the metric out, or give a bedrockModel."
        )
    likelihood = next((metric.name for metric in used if metric.measure is Measure.LIKELIHOOD), None)
    if precomputed and likelihood is not None:
        raise ValidationFailed(
            f"metricNames: {likelihood} is how probable a model finds the references, and of '{precomputed[0]}' there "
            "are answers alone: leave the metric out, or give a bedrockModel."
        )
    if precomputed and any(dataset.s3_uri is None for dataset in plan.datasets):
        raise ValidationFailed(
            f"The answers of '{precomputed[0]}' are in the modelResponses of a data set of your own; give it in "
            "dataset.datasetLocation.s3Uri."
        )
    _check_unique(
        [f"{m.identifier} {m.inference_params or ''}" for m in plan.models], "inferenceConfig.models: the model"
    )


def _check_unique(names: Sequence[str], what: str) -> None:
    twice = next((name for number, name in enumerate(names) if name in names[:number]), None)
    if twice is not None:
        raise ValidationFailed(f"{what} '{twice.strip()}' is given twice; give it once.")


def _check_dataset(dataset: DatasetPlan) -> None:
    task_type_of(dataset.task_type)
    if not dataset.name.strip("."):
        raise ValidationFailed(
            f"A data set may not be called '{dataset.name}': its name is a folder of the results. Use letters or "
            "digits."
        )
    if dataset.s3_uri is not None:
        if dataset.name.startswith((BUILTIN, TANREN)):
            raise ValidationFailed(
                f"The data set '{dataset.name}' has the name of a built-in one and a datasetLocation: leave the "
                "location out, or choose another name."
            )
        if dataset.s3_uri.count("/") < 3 or dataset.s3_uri.endswith("/"):
            raise ValidationFailed(
                f"datasetLocation s3Uri {dataset.s3_uri} is no object; give the S3 URI of a .jsonl file."
            )
        return
    if dataset.name.startswith(BUILTIN):
        raise NotImplementedHere(
            f"The data set '{dataset.name}' is AWS's, and is not here: nothing is downloaded. Put prompts into a "
            f".jsonl file and name it in dataset.datasetLocation.s3Uri, or take {GENERAL_DATASET}, a small one of "
            "tanren's own."
        )
    if dataset.name != GENERAL_DATASET:
        raise ValidationFailed(
            f"The data set '{dataset.name}' has no datasetLocation. Give the S3 URI of a .jsonl file, or take the "
            f"built-in {GENERAL_DATASET}."
        )


def _check_has_what_it_needs(metric: Metric, dataset: DatasetPlan) -> None:
    if dataset.name == GENERAL_DATASET and metric.needs_reference:
        raise ValidationFailed(
            f"metricNames: {metric.name} compares answers with one reference, and the questions of {GENERAL_DATASET} "
            f"have several right answers. Take {RIGHT}, or a metric that asks a judge."
        )
    if dataset.name != GENERAL_DATASET and metric.computes == RIGHT:
        raise ValidationFailed(
            f"metricNames: {RIGHT} is for the data set {GENERAL_DATASET}, which says what is right. For "
            f"'{dataset.name}' take {TANREN}Contains or {TANREN}Exact."
        )


def _check_judges(plan: EvaluationPlan, used: Sequence[Metric]) -> None:
    judged = [metric for metric in used if metric.measure is Measure.JUDGED]
    alone = next((metric.name for metric in judged if plan.judge_of(metric) is None), None)
    if alone is not None:
        raise ValidationFailed(
            f"metricNames: {alone} is the opinion of a judge model; name one in evaluatorModelConfig."
            "bedrockEvaluatorModels."
        )
    custom = {metric.name for metric in plan.custom_metrics}
    if plan.judge is not None and all(metric.name in custom for metric in judged):
        raise ValidationFailed(
            "evaluatorModelConfig names a judge, and none of the metricNames asks it: leave it out, or add a metric "
            f"such as {BUILTIN}Correctness."
        )
    unused = custom - {metric.name for metric in judged}
    if unused:
        raise ValidationFailed(
            f"customMetricConfig defines '{min(unused)}', and no metricNames ask for it; add its name to those of a "
            "data set, or leave it out."
        )


def _check_custom_metric(metric: CustomMetric) -> None:
    if is_known(metric.name):
        raise ValidationFailed(
            f"customMetrics: a metric may not be called '{metric.name}'; names that begin with {BUILTIN} or {TANREN} "
            "are built in."
        )
    named = _VARIABLE.findall(metric.instructions)
    known = ", ".join(f"{{{{{variable}}}}}" for variable in VARIABLES)
    if not named:
        raise ValidationFailed(
            f"customMetrics: the instructions of '{metric.name}' show the judge nothing; write at least one of {known} "
            "where it is to be filled in."
        )
    unknown = next((name for name in named if name not in VARIABLES), None)
    if unknown is not None:
        raise ValidationFailed(
            f"customMetrics: the instructions of '{metric.name}' have the variable {{{{{unknown}}}}}; there are "
            f"{known}."
        )
    if not metric.scale:
        raise NotImplementedHere(
            f"customMetrics: '{metric.name}' has no ratingScale. Without one AWS returns the judge's free text as it "
            "is; tanren holds the judge to a scale, so that a figure comes out: give ratingScale."
        )
    values = [step.value for step in metric.scale]
    if any(isinstance(value, float) and not math.isfinite(value) for value in values):
        raise ValidationFailed(f"customMetrics: the ratingScale of '{metric.name}' has a floatValue that is no number.")
    if len({type(value) for value in values}) > 1:
        raise ValidationFailed(
            f"customMetrics: the ratingScale of '{metric.name}' mixes floatValue and stringValue; use one of them."
        )
    _check_unique([str(value) for value in values], f"customMetrics: in the ratingScale of '{metric.name}' the value")
