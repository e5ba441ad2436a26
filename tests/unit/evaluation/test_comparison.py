"""Two arms over several metrics: what is called better, not shown, or beyond what so few questions can show."""

import numpy as np
import pytest

from tanren.evaluation.comparison import compare, compare_all
from tanren.evaluation.metrics.base import ItemScores


def scores(values, *, is_binary=False) -> ItemScores:
    return ItemScores.mean_of(np.asarray(values, dtype=float), is_binary=is_binary)


def names(count: int) -> list[str]:
    return [f"question {number}" for number in range(count)]


def test_an_unchanged_model_is_called_no_different_in_95_of_100_runs_and_more():
    """A/A: both arms draw their answers from the same model, at a temperature."""
    random = np.random.default_rng(7)
    called_different = 0
    for _ in range(100):
        easy = random.beta(1.5, 1.5, 32)
        base, tuned = (random.random((2, 32)) < easy).astype(float)
        noise = random.normal(0, 0.1, (2, 32))
        found = compare_all(
            {"contains": scores(base, is_binary=True), "rougeL": scores(0.3 + 0.4 * base + noise[0])},
            {"contains": scores(tuned, is_binary=True), "rougeL": scores(0.3 + 0.4 * tuned + noise[1])},
            names(32),
        )
        called_different += any(comparison.is_shown for comparison in found)
    assert called_different <= 5


def test_four_questions_cannot_show_anything_and_say_so():
    found = compare("contains", scores([0, 0, 0, 0], is_binary=True), scores([1, 1, 1, 1], is_binary=True), names(4))
    assert found.p_value == found.least_p == 0.125
    assert found.outcome == "cannot show"
    assert found.minimum_detectable is None


def test_thirty_two_questions_show_a_clear_improvement_with_its_interval():
    random = np.random.default_rng(1)
    base = random.normal(0.3, 0.1, 32)
    found = compare("rougeL", scores(base), scores(base + random.normal(0.2, 0.15, 32)), names(32))
    assert found.outcome == "better"
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.difference < found.high


def test_a_lower_loss_is_better():
    random = np.random.default_rng(2)
    base = random.normal(2.0, 0.1, 40)
    found = compare("loss", scores(base), scores(base - 0.3), names(40), is_higher_better=False)
    assert found.outcome == "better"
    assert found.difference == pytest.approx(-0.3)
    assert found.gain == pytest.approx(0.3)


def test_more_metrics_make_each_of_them_harder_to_show():
    base, tuned = scores(np.zeros(6)), scores(np.linspace(0.1, 0.6, 6))
    alone = compare_all({"f1": base}, {"f1": tuned}, names(6))
    among = compare_all(
        {f"metric {index}": base for index in range(4)}, {f"metric {index}": tuned for index in range(4)}, names(6)
    )
    assert alone[0].outcome == "better"
    assert {comparison.outcome for comparison in among} == {"cannot show"}


def test_questions_to_which_a_metric_does_not_apply_are_left_out():
    found = compare("json_valid", scores([1, np.nan, 0, 1]), scores([1, np.nan, 1, 1]), names(4))
    assert found.question_count == 3
    assert found.difference == pytest.approx(1 / 3)


def test_questions_of_one_document_are_tested_as_one():
    base, tuned = np.zeros(12), np.ones(12)
    clusters = [f"document {index // 3}" for index in range(12)]
    found = compare("exact", scores(base, is_binary=True), scores(tuned, is_binary=True), clusters)
    assert found.test == "sign-flip"
    assert found.cluster_count == 4
    assert found.p_value == 0.125


def test_the_figures_are_of_the_questions_that_both_have_a_score_of():
    """Worse by one wherever both are rated; the tuned model's bad half has no rating, and its own mean is higher."""
    base = scores([10.0] * 16 + [2.0] * 16)
    tuned = scores([9.0] * 16 + [np.nan] * 16)
    found = compare("correctness", base, tuned, names(32))
    assert (found.base, found.tuned, found.difference) == (10.0, 9.0, -1.0)
    assert found.low == found.high == -1.0
    assert found.outcome == "worse"


def test_a_metric_without_any_question_in_common_is_not_compared():
    half = scores([1.0] * 8 + [np.nan] * 8), scores([np.nan] * 8 + [1.0] * 8)
    found = compare_all({"correctness": half[0], "f1": half[0]}, {"correctness": half[1], "f1": half[0]}, names(16))
    assert [(each.metric, each.metric_count) for each in found] == [("f1", 1)]


def test_what_is_detectable_of_right_and_wrong_is_no_less_than_what_can_be_shown():
    """Six more right answers of forty are the least that is shown at all, however little two changed ones spread."""
    base = scores(np.zeros(40), is_binary=True)
    one = compare("exact", base, scores([1.0] + [0.0] * 39, is_binary=True), names(40))
    none = compare("exact", base, base, names(40))
    assert one.minimum_detectable == pytest.approx(6 / 40)
    assert none.minimum_detectable is None


def test_the_best_of_several_arms_has_as_many_throws_of_chance_to_outweigh():
    base, tuned = {"f1": scores(np.zeros(6))}, {"f1": scores(np.linspace(0.1, 0.6, 6))}
    alone, of_three = (compare_all(base, tuned, names(6), arm_count=count)[0] for count in (1, 3))
    assert alone.outcome == "better"
    assert of_three.adjusted_p == pytest.approx(3 * alone.p_value)
    assert of_three.outcome == "cannot show"
