"""Curves as drawings, and where the early stop stands."""

import math

import pytest

from tanren.console.loss_chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, early_stop, loss_chart, smoothed
from tanren.training.early_stopping import EarlyStopping

GOLDEN = (2.5327, 1.7016, 1.5365, 1.5085, 1.4765, 1.4764, 1.4959)
"""The validation losses of the run in seed 002, which stopped after epoch 7."""


def validations(losses: tuple[float, ...]) -> list[dict[str, float]]:
    return [{"step": 3 * epoch, "epoch": epoch, "validationLoss": loss} for epoch, loss in enumerate(losses, 1)]


def test_the_golden_run_stands_at_its_stop_after_epoch_7_and_not_sooner():
    states = [early_stop(validations(GOLDEN[:n]), threshold=0.001, patience=2) for n in range(1, 8)]
    assert [state.without_progress for state in states if state] == [0, 0, 0, 0, 0, 1, 2]


@pytest.mark.parametrize("losses", [GOLDEN, (1.0, 1.0, 0.999, 0.9985, 2.0), (3.0,), (2.0, math.nan, 1.0)])
def test_the_counter_is_the_trainers_own(losses: tuple[float, ...]):
    trained = EarlyStopping(threshold=0.001, patience=9)
    for epoch, loss in enumerate(losses, 1):
        trained = trained.after(loss, step=epoch, epoch=epoch)
        shown = early_stop(validations(losses[:epoch]), threshold=0.001, patience=9)
        assert shown is not None
        assert shown.without_progress == trained.stalled_epochs


def test_every_point_lies_in_the_box():
    steps = [{"step": step, "trainingLoss": 5 * math.exp(-step / 100)} for step in range(1000)]
    chart = loss_chart(steps, validations(GOLDEN), None)
    assert chart is not None
    points = [tuple(map(float, point.split(","))) for point in f"{chart.training_raw} {chart.validation}".split()]
    assert all(LEFT <= x <= WIDTH - RIGHT and TOP <= y <= HEIGHT - BOTTOM for x, y in points)


def test_a_loss_that_is_no_number_leaves_a_gap_and_no_error():
    steps = [{"step": 0, "trainingLoss": 1.0}, {"step": 1, "trainingLoss": math.nan}, {"step": 2, "trainingLoss": 0.5}]
    chart = loss_chart(steps, [], None)
    assert chart is not None
    assert len(chart.training_raw.split()) == 2
    assert "nan" not in chart.training_smoothed


def test_nothing_is_drawn_before_the_first_step():
    assert loss_chart([], [], None) is None


def test_smoothing_begins_at_the_first_value_and_follows_a_level_line():
    assert smoothed([2.0, 2.0, 2.0]) == pytest.approx([2.0, 2.0, 2.0])
    assert smoothed([4.0])[0] == pytest.approx(4.0)
