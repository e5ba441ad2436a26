"""Intervals, tests and what few questions can show; the planted cases are simulated with fixed seeds."""

import itertools
import math

import numpy as np
import pytest

from tanren.evaluation.metrics.base import ItemScores
from tanren.evaluation.statistics import (
    PairedStatistics,
    bootstrap_interval,
    holm,
    least_p_value,
    mcnemar_test,
    minimum_detectable_effect,
    needed_clusters,
    sign_flip_test,
    student_t_quantile,
    summed_by_cluster,
)


def paired(base, tuned) -> PairedStatistics:
    scores = ItemScores.mean_of(base), ItemScores.mean_of(tuned)
    return PairedStatistics(base_UK=scores[0].statistics_NK, tuned_UK=scores[1].statistics_NK, total=scores[0].total)


def test_four_questions_that_all_speak_for_one_model_have_a_p_of_an_eighth():
    test = sign_flip_test(paired([0, 0, 0, 0], [1, 1, 1, 1]))
    assert test.p_value == test.least_p == least_p_value(4) == 0.125


def test_the_exact_sign_flip_test_counts_every_exchange():
    base, tuned = [0.1, 0.5, 0.3, 0.9, 0.2], [0.4, 0.4, 0.8, 1.0, 0.7]
    gaps = np.subtract(tuned, base)
    flips = [abs(np.dot(signs, gaps)) for signs in itertools.product((1, -1), repeat=5)]
    expected = np.mean(np.array(flips) >= abs(gaps.sum()) - 1e-12)
    assert sign_flip_test(paired(base, tuned)).p_value == pytest.approx(expected)


def test_answers_of_right_and_wrong_have_the_same_p_by_both_tests():
    random = np.random.default_rng(3)
    for _ in range(20):
        base, tuned = random.integers(0, 2, (2, 12)).astype(float)
        assert mcnemar_test(base, tuned).p_value == pytest.approx(sign_flip_test(paired(base, tuned)).p_value)


def test_many_clusters_are_exchanged_by_chance_and_come_near_the_exact_p():
    gaps = np.array([0.3, -0.1, 0.2, 0.4, -0.2, 0.1, 0.3, 0.2, -0.1, 0.25, 0.15, 0.05, 0.1, -0.3, 0.2])
    exact = np.mean(
        [
            abs(np.dot(signs, gaps)) >= abs(gaps.sum()) - 1e-12
            for signs in itertools.product((1.0, -1.0), repeat=len(gaps))
        ]
    )
    assert sign_flip_test(paired(np.zeros(15), gaps)).p_value == pytest.approx(exact, abs=0.01)


def test_equal_answers_are_no_difference():
    test = sign_flip_test(paired([0.2, 0.9, 0.4], [0.2, 0.9, 0.4]))
    interval = bootstrap_interval(paired([0.2, 0.9, 0.4], [0.2, 0.9, 0.4]))
    assert test.p_value == 1.0
    assert interval is not None
    assert (interval.low, interval.high, interval.standard_error) == (0, 0, 0)


def test_one_cluster_has_no_interval():
    assert bootstrap_interval(paired([0.2], [0.9])) is None


@pytest.mark.parametrize("count", [8, 30])
def test_an_interval_of_95_percent_holds_the_truth_about_that_often_also_of_few_questions(count):
    random = np.random.default_rng(count)
    covered = 0
    for _ in range(200):
        gaps = random.normal(0.2, 0.5, count)
        interval = bootstrap_interval(paired(np.zeros(count), gaps), resamples=1_000)
        assert interval is not None
        covered += interval.low <= 0.2 <= interval.high
    assert 0.90 <= covered / 200 <= 0.99


def test_questions_of_one_document_count_as_one():
    gaps = np.repeat([0.5, -0.4, 0.6, -0.3], 10)
    clusters = [f"document {index // 10}" for index in range(40)]
    scores = ItemScores.mean_of(np.zeros(40)), ItemScores.mean_of(gaps)
    together = PairedStatistics(
        base_UK=summed_by_cluster(scores[0].statistics_NK, clusters),
        tuned_UK=summed_by_cluster(scores[1].statistics_NK, clusters),
        total=scores[0].total,
    )
    apart = bootstrap_interval(paired(np.zeros(40), gaps))
    joined = bootstrap_interval(together)
    assert apart is not None
    assert joined is not None
    assert together.cluster_count == 4
    assert together.difference == pytest.approx(gaps.mean())
    assert joined.high - joined.low > 2 * (apart.high - apart.low)


def test_holm_multiplies_the_least_by_their_number_and_never_lets_a_later_one_be_smaller():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([0.5, 0.9]) == (1.0, 1.0)


def test_a_known_improvement_is_found_at_the_stated_power():
    """An improvement as large as the minimum detectable effect is found four times in five."""
    random = np.random.default_rng(20)
    count, spread = 40, 0.3
    effect = minimum_detectable_effect(spread / math.sqrt(count), count, alpha=0.05)
    assert effect is not None
    found = sum(
        sign_flip_test(paired(np.zeros(count), random.normal(effect, spread, count)), resamples=1_000).p_value < 0.05
        for _ in range(200)
    )
    assert 0.74 <= found / 200 <= 0.88


def test_the_needed_number_of_questions_has_that_power():
    random = np.random.default_rng(21)
    needed = needed_clusters(0.1, 0.3 / math.sqrt(30), 30, alpha=0.05)
    assert needed is not None
    assert 65 <= needed <= 80
    found = sum(
        sign_flip_test(paired(np.zeros(needed), random.normal(0.1, 0.3, needed)), resamples=1_000).p_value < 0.05
        for _ in range(200)
    )
    assert 0.72 <= found / 200 <= 0.88


def test_four_questions_detect_nothing_however_clear():
    assert minimum_detectable_effect(0.001, 4, alpha=0.05) is None
    assert needed_clusters(0.5, 0.0, 4, alpha=0.05) == 6


@pytest.mark.parametrize(
    ("freedom", "expected"), [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (500, 1.965)]
)
def test_students_t_is_within_one_percent_of_its_table(freedom, expected):
    assert student_t_quantile(0.975, freedom) == pytest.approx(expected, rel=0.01)
