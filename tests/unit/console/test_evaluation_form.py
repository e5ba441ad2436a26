"""The form of an evaluation: what is missing, and what it sends."""

import json
from typing import Any

import pytest

from tanren.console.evaluation_form import COMPUTED, JUDGED, TASKS, EvaluationForm
from tanren.domain.evaluation_metrics import Measure, metric_for, task_type_of

FILLED = {
    "job_name": "quality",
    "model": "arn:tuned",
    "dataset_uri": "s3://bucket/folder/私の test.v2.jsonl",
    "output_uri": "s3://bucket/evaluations",
    "new_role_name": "evaluation",
}


def job(**changes: str) -> dict[str, Any]:
    return dict(EvaluationForm.read({**FILLED, **changes}).requests("123456789012", "us-east-1")[-1].params)


def test_every_metric_of_the_form_is_one_that_the_service_has():
    for task in TASKS:
        for name in [*COMPUTED, *JUDGED]:
            if not (name.startswith("Builtin.") and task == "Summarization" and name in COMPUTED):
                measured = metric_for(name, task_type_of(task)).measure
                assert (measured is Measure.JUDGED) == (name in JUDGED)


def test_a_filled_form_misses_nothing_and_an_empty_one_says_what():
    assert EvaluationForm.read(FILLED).missing() == []
    assert "Model to evaluate" in EvaluationForm.read({}).missing()


def test_a_judged_metric_needs_a_judge_and_brings_it_along():
    judged = {"task_type": "Generation", "metric.Builtin.Correctness": "on"}
    assert EvaluationForm.read({**FILLED, **judged}).missing() == ["Judge"]
    automated = job(**judged, judge="large")["evaluationConfig"]["automated"]
    assert automated["evaluatorModelConfig"]["bedrockEvaluatorModels"] == [{"modelIdentifier": "large"}]


def test_a_judge_that_nobody_asks_is_left_out():
    assert "evaluatorModelConfig" not in job(judge="large")["evaluationConfig"]["automated"]


def test_the_data_set_is_called_as_its_file_in_letters_that_may_stand_in_a_name():
    (config,) = job()["evaluationConfig"]["automated"]["datasetMetricConfigs"]
    assert config["dataset"]["name"] == "-test"


def test_the_general_questions_have_a_metric_of_their_own():
    (config,) = job(data="general")["evaluationConfig"]["automated"]["datasetMetricConfigs"]
    assert config["dataset"] == {"name": "Tanren.General"}
    assert config["metricNames"] == ["Tanren.Right"]


def test_answers_can_be_had_again():
    (model,) = job(max_tokens="99")["inferenceConfig"]["models"]
    assert json.loads(model["bedrockModel"]["inferenceParams"]) == {
        "inferenceConfig": {"maxTokens": 99, "temperature": 0}
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dataset_uri": "s3://bucket/"}, "object in S3"),
        ({"output_uri": "bucket"}, "folder in S3"),
        ({"max_tokens": "many"}, "whole number"),
        ({"max_tokens": "0"}, "whole number"),
        ({"baseline": "arn:tuned"}, "same one"),
    ],
)
def test_what_cannot_be_sent_is_said(changes: dict[str, str], words: str):
    (complaint,) = EvaluationForm.read({**FILLED, **changes}).complaints()
    assert words in complaint
