"""The rules over a plan, each broken once in a request that is otherwise right."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tanren.control.evaluation_plans import check_plan
from tanren.domain.errors import NotImplementedHere, TanrenError, ValidationFailed
from tanren.domain.evaluation_metrics import Measure
from tanren.domain.evaluation_plans import plan_of

JUDGE = {"bedrockEvaluatorModels": [{"modelIdentifier": "amazon.nova-pro-v1:0"}]}
METRIC = {
    "name": "Politeness",
    "instructions": "Is {{prediction}} polite?",
    "ratingScale": [
        {"definition": "rude", "value": {"floatValue": 0.0}},
        {"definition": "polite", "value": {"floatValue": 1.0}},
    ],
}
CUSTOM = {"customMetrics": [{"customMetricDefinition": METRIC}], "evaluatorModelConfig": JUDGE}
BROUGHT = {"precomputedInferenceSource": {"inferenceSourceIdentifier": "my-app"}}


@pytest.fixture
def request_with(new_evaluation) -> Callable[..., dict[str, Any]]:
    """The request, with members of its data set, of `automated` or its models changed."""

    def changed(automated: dict | None = None, models: list | None = None, **dataset: Any) -> dict[str, Any]:
        request = copy.deepcopy(dict(new_evaluation().request))
        own = request["evaluationConfig"]["automated"]
        own["datasetMetricConfigs"][0] |= dataset
        own |= automated or {}
        if models is not None:
            request["inferenceConfig"]["models"] = models
        return request

    return changed


def _metrics(*names: str) -> dict[str, Any]:
    return {"metricNames": list(names)}


def test_a_plan_says_what_is_asked_and_by_which_measure(request_with):
    request = request_with(
        automated={"evaluatorModelConfig": JUDGE, "customMetricConfig": CUSTOM},
        **_metrics("Builtin.Accuracy", "Builtin.Robustness", "Builtin.Coherence", "Politeness"),
    )
    plan = plan_of(request)
    check_plan(plan)
    metrics = plan.metrics_of(plan.datasets[0])
    assert [metric.measure for metric in metrics] == [
        Measure.COMPUTED,
        Measure.CHANGED,
        Measure.JUDGED,
        Measure.JUDGED,
    ]
    assert plan.asked() == ["amazon.titan-text-express-v1", "amazon.nova-pro-v1:0"]
    assert plan.custom_metrics[0].scale[1].value == 1.0


def test_answers_that_are_brought_along_are_asked_of_nobody(request_with):
    plan = plan_of(request_with(models=[BROUGHT]))
    check_plan(plan)
    assert plan.asked() == []


def _custom(**changes: Any) -> dict[str, Any]:
    definition = {**METRIC, **changes}
    return {"customMetricConfig": {**CUSTOM, "customMetrics": [{"customMetricDefinition": definition}]}}


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"dataset": {"name": "Builtin.BoolQ"}}, NotImplementedHere, "Tanren.General"),
        ({"dataset": {"name": "mine"}}, ValidationFailed, "has no datasetLocation"),
        (
            {"dataset": {"name": "..", "datasetLocation": {"s3Uri": "s3://bucket/key.jsonl"}}},
            ValidationFailed,
            "may not be called '..'",
        ),
        (
            {"automated": _custom(ratingScale=[{"definition": "a", "value": {"floatValue": float("nan")}}])},
            ValidationFailed,
            "no number",
        ),
        (
            {"dataset": {"name": "Tanren.General", "datasetLocation": {"s3Uri": "s3://b/k.jsonl"}}},
            ValidationFailed,
            "leave the location out",
        ),
        ({"dataset": {"name": "d", "datasetLocation": {"s3Uri": "s3://bucket"}}}, ValidationFailed, "no object"),
        ({"dataset": {"name": "d", "datasetLocation": {"s3Uri": "s3://bucket/f/"}}}, ValidationFailed, "no object"),
        (
            {"dataset": {"name": "Tanren.General"}, **_metrics("Tanren.Contains")},
            ValidationFailed,
            "Take Tanren.Right",
        ),
        (_metrics("Tanren.Right"), ValidationFailed, "is for the data set Tanren.General"),
        ({"taskType": "Poetry"}, ValidationFailed, "no taskType"),
        (_metrics("Builtin.Toxicity"), NotImplementedHere, "classifier"),
        (_metrics("Tanren.F1", "Tanren.F1"), ValidationFailed, "given twice"),
        (_metrics("Builtin.Correctness"), ValidationFailed, "name one in evaluatorModelConfig"),
        ({"automated": {"evaluatorModelConfig": JUDGE}}, ValidationFailed, "none of the metricNames asks it"),
        ({"automated": {"customMetricConfig": CUSTOM}}, ValidationFailed, "no metricNames ask for it"),
        (
            {"automated": _custom(ratingScale=None), **_metrics("Politeness")},
            NotImplementedHere,
            "has no ratingScale",
        ),
        ({"automated": _custom(name="Tanren.Mine")}, ValidationFailed, "built in"),
        ({"automated": _custom(instructions="Is it polite?")}, ValidationFailed, "{{prediction}}"),
        ({"automated": _custom(instructions="{{prediction}} {{context}}")}, ValidationFailed, "variable {{context}}"),
        (
            {
                "automated": _custom(
                    ratingScale=[
                        {"definition": "a", "value": {"floatValue": 1.0}},
                        {"definition": "b", "value": {"stringValue": "good"}},
                    ]
                )
            },
            ValidationFailed,
            "mixes",
        ),
        (
            {"automated": _custom(ratingScale=[METRIC["ratingScale"][0], METRIC["ratingScale"][0]])},
            ValidationFailed,
            "given twice",
        ),
        ({"models": [BROUGHT], **_metrics("Builtin.Robustness")}, ValidationFailed, "brought along"),
        ({"models": [BROUGHT], **_metrics("Tanren.Loss")}, ValidationFailed, "there are answers alone"),
        (
            {"models": [BROUGHT], "dataset": {"name": "Tanren.General"}, **_metrics("Tanren.Right")},
            ValidationFailed,
            "modelResponses",
        ),
        ({"models": [BROUGHT, BROUGHT]}, ValidationFailed, "given twice"),
        (
            {"models": [{"bedrockModel": {"modelIdentifier": "amazon.nova-lite-v1:0", "inferenceParams": "{"}}]},
            ValidationFailed,
            "no JSON",
        ),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused_with_the_way_out(
    request_with, changes: dict, error: type[TanrenError], text: str
):
    with pytest.raises(error, match=text):
        check_plan(plan_of(request_with(**changes)))


def test_the_same_data_set_is_named_once_for_a_task(request_with):
    request = request_with()
    own = request["evaluationConfig"]["automated"]["datasetMetricConfigs"]
    own.append({**own[0], "taskType": "Generation"})
    check_plan(plan_of(request))
    own.append(own[0])
    with pytest.raises(ValidationFailed, match="data set 'questions' for 'QuestionAndAnswer' is given twice"):
        check_plan(plan_of(request))
