"""What an evaluation job found, in one file: each metric's figure, and two models held against each other.

AWS shows such figures in its console alone; here they lie beside the results, as `summary.json`.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tanren.domain.evaluation_jobs import EvaluationJob
from tanren.evaluation.comparison import Comparison, compare_all
from tanren.evaluation.metrics.base import ItemScores
from tanren.evaluation.questions import digest_of
from tanren.workflows.evaluation_files import CheckedDataset, Results
from tanren.workflows.evaluation_scores import MetricScores, ScoredArm


def summary_of(
    job: EvaluationJob,
    datasets: Sequence[CheckedDataset],
    arms: Sequence[Sequence[ScoredArm]],
    results: Results,
    *,
    judges: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """`arms` for each data set: one for each model, in the request's order. `judges`: each with the models that are of
    its line, whose answers it may favour."""
    return {
        "jobArn": job.job_arn,
        "jobName": job.job_name,
        "modelArns": dict(job.model_arns),
        "judges": [{"modelIdentifier": judge, "kinOf": list(kin)} for judge, kin in judges.items()],
        "datasets": [
            {
                "name": dataset.plan.name,
                "taskType": dataset.plan.task_type,
                "promptCount": len(dataset.questions),
                "sha256": digest_of(dataset.questions),
                "models": [_arm(arm, results.lines_at(place, number).uri) for place, arm in enumerate(of_dataset)],
                "comparisons": _comparisons(dataset, of_dataset),
            }
            for number, (dataset, of_dataset) in enumerate(zip(datasets, arms, strict=True))
        ],
    }


def _arm(arm: ScoredArm, results_uri: str) -> dict[str, Any]:
    answered = len(arm.replies.answered)
    return {
        "modelIdentifier": arm.identifier,
        "answeredCount": answered,
        "unansweredCount": len(arm.replies.replies) - answered,
        "inputTokenCount": sum(reply.input_token_count for reply in arm.replies.replies),
        "changedPromptCount": sum(len(replies) for replies in arm.replies.changed),
        "outputTokenCount": sum(reply.output_token_count for reply in arm.replies.replies),
        "results": results_uri,
        "metrics": [_metric(scores) for scores in arm.scores],
    }


def _metric(found: MetricScores) -> dict[str, Any]:
    results = [result for result in found.results if result is not None]
    figure: dict[str, Any] = {"metricName": found.metric.name, "count": len(results)}
    if found.scores is None:
        return {**figure, "distribution": dict(Counter(str(result) for result in results))}
    return {
        **figure,
        "value": _finite(found.scores.value) if results else None,
        "isHigherBetter": found.metric.is_higher_better,
        "computedWith": found.scores.signature,
    }


def _comparisons(dataset: CheckedDataset, arms: Sequence[ScoredArm]) -> list[dict[str, Any]]:
    """The second model beside the first, over every metric that both have figures of."""
    if len(arms) != 2:
        return []
    first, second = ({each.metric.name: each.scores for each in arm.scores if each.scores is not None} for arm in arms)
    both = {
        name: np.isfinite(first[name].values) & np.isfinite(second[name].values) for name in first if name in second
    }
    shared = [name for name, applies in both.items() if applies.any()]
    worse = [metric.name for metric in dataset.metrics if metric.is_higher_better is False]
    undirected = [metric.name for metric in dataset.metrics if metric.is_higher_better is None]
    clusters = [question.cluster for question in dataset.questions]
    found = compare_all(
        {name: _over(first[name], both[name]) for name in shared},
        {name: _over(second[name], both[name]) for name in shared},
        clusters,
        lower_is_better=worse,
    )
    return [_comparison(each, has_direction=each.metric not in undirected) for each in found]


def _over(scores: ItemScores, applies_N: NDArray[np.bool_]) -> ItemScores:
    """Of these questions alone: a difference is one over the questions that both models have a figure of."""
    return replace(
        scores,
        values=np.where(applies_N, scores.values, np.nan),
        statistics_NK=np.where(applies_N[:, None], scores.statistics_NK, 0.0),
    )


def _comparison(found: Comparison, *, has_direction: bool) -> dict[str, Any]:
    outcome = found.outcome
    if not has_direction:
        outcome = {"better": "higher", "worse": "lower"}.get(outcome, outcome)
    return {
        "metricName": found.metric,
        "first": _finite(found.base),
        "second": _finite(found.tuned),
        "difference": _finite(found.difference),
        "interval95": None if found.low is None or found.high is None else [_finite(found.low), _finite(found.high)],
        "test": found.test,
        "pValue": _finite(found.p_value),
        "pValueAdjusted": _finite(found.adjusted_p),
        "smallestPossiblePValue": _finite(found.least_p),
        "outcome": outcome,
        "minimumDetectableDifference": _finite(found.minimum_detectable),
        "neededQuestions": found.needed_clusters,
        "questionCount": found.question_count,
    }


def _finite(value: float | None) -> float | None:
    """JSON has no infinity, and none of what is unknown."""
    return float(value) if value is not None and math.isfinite(value) else None
