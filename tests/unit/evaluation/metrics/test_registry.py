"""Metrics by name."""

import pytest

from tanren.domain.errors import ValidationFailed
from tanren.evaluation.metrics.registry import METRICS, check_applies, default_metrics, metric_named
from tanren.evaluation.questions import Question

QUESTIONS = [
    Question(number=n, prompt="?", reference=f"the reference of question number {n}", source=f"t:{n}")
    for n in range(1, 5)
]


def test_an_unknown_metric_is_refused_with_those_that_there_are():
    with pytest.raises(ValidationFailed, match="rougeL"):
        metric_named("rouge-l")


def test_the_default_metrics_apply_to_their_questions():
    for name in default_metrics(QUESTIONS):
        check_applies(name, QUESTIONS)


@pytest.mark.parametrize("name", [name for name in METRICS if name not in ("accuracy", "macro_f1", "json_valid")])
def test_a_perfect_answer_has_the_greatest_score_and_each_answer_a_value(name):
    references = [question.reference for question in QUESTIONS]
    found = metric_named(name).score(QUESTIONS, references)
    greatest = float(METRICS[name].span.split("–")[1])
    assert found.value == pytest.approx(greatest)
    assert len(found.values) == len(QUESTIONS)
