"""Golden curves: each is what such a run looks like, with the sentence that a person would say about it."""

import math
import random

import pytest

from tanren.training.diagnosis import diagnose, few_steps_warning
from tanren.training.metrics import StepRecord, ValidationRecord
from tanren.training.spec import TrainingSpec

HAIKU_VALIDATION = [2.5327, 1.7016, 1.5365, 1.5085, 1.4765, 1.4764, 1.4959]
"""AWS's published run."""


def steps(losses: list[float], *, per_epoch: int = 1) -> list[StepRecord]:
    return [
        StepRecord(
            step=n,
            epoch=n // per_epoch + 1,
            training_loss=loss,
            learning_rate=1,
            gradient_norm=1,
            tokens=1,
            trained_tokens=1,
            seconds=0,
        )
        for n, loss in enumerate(losses)
    ]


def validations(losses: list[float]) -> list[ValidationRecord]:
    return [
        ValidationRecord(step=n, epoch=n, validation_loss=loss, losses_by_set=(loss,))
        for n, loss in enumerate(losses, start=1)
    ]


def curve(count: int, start: float, end: float, *, noise: float, pace: float = 4.0, seed: int = 0) -> list[float]:
    """An exponential from `start` towards `end`, with Gaussian noise as batches of different records give it."""
    drawn = random.Random(seed)
    return [end + (start - end) * math.exp(-pace * n / count) + drawn.gauss(0, noise) for n in range(count)]


FALLING = curve(60, 2.6, 1.1, noise=0.08)
PLATEAU = curve(60, 2.6, 2.6, noise=0.15)
NOISY_PLATEAU = curve(100, 3.0, 3.0, noise=0.6, seed=3)
EXPLODING = [2.6, 2.5, 2.4, 2.5, 3.4, 5.8, 7.9, 7.4, 7.7, 7.6]
RECOVERED_TOO_HIGH = [2.6, 1.9, 1.5, 1.3, 1.2, 1.9, 2.3, 2.2]
GOLDEN = {
    "learning": (FALLING, 10, [1.9, 1.5, 1.35, 1.30, 1.29, 1.288], 6, "Learning: validation loss went from 1.900 to "),
    "golden": (
        curve(21, 2.5, 0.9, noise=0.02),
        3,
        HAIKU_VALIDATION,
        10,
        "Learning: validation loss went from 2.533 to 1.476 (best in epoch 6), training loss from 2.231 to 0.931, "
        "stopped early after epoch 7 of 10; the model has the weights of epoch 6, the best.",
    ),
    "under-trained": (
        FALLING[:30],
        10,
        [2.2, 1.9, 1.7],
        3,
        "Under-trained: validation loss was still falling at 1.700 in epoch 3; try 6 epochs; the model has the weights "
        "of epoch 3, the best.",
    ),
    "nearly there": (
        FALLING,
        15,
        [2.0, 1.6, 1.45, 1.40],
        4,
        "Under-trained: validation loss was still falling at 1.400 in epoch 4; try 6 epochs; ",
    ),
    "nothing left to learn": (
        curve(80, 2.6, 0.005, noise=0.001),
        20,
        [0.5, 0.05, 0.02, 0.011],
        4,
        "Learning: validation loss went from 0.500 to 0.011 (best in epoch 4)",
    ),
    "over-fitting": (
        curve(60, 2.6, 0.1, noise=0.03),
        10,
        [1.9, 1.6, 1.55, 1.7, 1.9, 2.2],
        6,
        "Over-fitting since epoch 3: validation loss rose from 1.550 to 2.200 by epoch 6; the model has the weights of "
        "epoch 3, the best.",
    ),
    "over-fitting from the start": (FALLING, 20, [1.5, 1.7, 1.9], 3, "Over-fitting since epoch 1: "),
    "diverged": (EXPLODING, 5, [], 2, "Diverged: training loss rose from "),
    "diverged in one epoch": (EXPLODING, 10, [], 1, "Diverged: training loss rose from 2.600 to "),
    "diverged at once": (
        [5.1, 6.2, 6.8, 7.1, 7.3, 7.0, 7.2, 7.1, 7.3, 7.2, 7.1, 7.0],
        4,
        [],
        3,
        "Diverged: training loss rose from 5.100 to 7.150",
    ),
    "an odd first row": (
        [0.2, *curve(39, 1.9, 0.9, noise=0.25, seed=5)],
        10,
        [],
        4,
        "Learning: training loss went from 1.",
    ),
    "diverged late": (RECOVERED_TOO_HIGH, 2, [], 4, "Diverged since epoch 2: training loss rose from 1.400 to 2.250"),
    "nothing learned": (PLATEAU, 20, [2.6, 2.61, 2.6], 3, "Nothing learned: training loss went from 2."),
    "nothing learned in one epoch": (PLATEAU, 60, [], 1, "Nothing learned: training loss went from 2."),
    "nothing learned, noisy": (NOISY_PLATEAU, 100, [], 1, "Nothing learned: training loss went from 3."),
    "one long epoch": (curve(200, 2.6, 1.8, noise=0.3), 200, [], 1, "Learning: training loss went from 2."),
    "one long epoch, validated": (curve(200, 2.6, 1.8, noise=0.3), 200, [1.9], 1, "Learning: validation loss is 1.900"),
    "all within the first of two": (curve(100, 3.0, 1.0, noise=0.1, pace=20), 50, [1.1, 1.095], 2, "Learning: "),
    "single records, no falling beginning": (curve(40, 2.0, 0.6, noise=0.4, seed=2), 10, [], 4, "Learning: training"),
    "learned by heart": ([2.0, 0.5, 0.01, 0.001, 0.001, 0.002] * 1, 1, [], 10, "Learning: training loss went from 2."),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_curve_is_put_into_the_sentence_that_a_person_would_say(name: str) -> None:
    training, per_epoch, validation, epochs, beginning = GOLDEN[name]
    spec = TrainingSpec(epochs=epochs, batch_size=1)
    text = diagnose(spec, steps(training, per_epoch=per_epoch), validations(validation), record_count=per_epoch)
    assert text.startswith(beginning)
    assert text.endswith(".")
    assert ". " not in text


def test_noise_is_called_learning_in_hardly_any_run() -> None:
    texts = [
        diagnose(
            TrainingSpec(epochs=1, batch_size=1),
            steps(curve(100, 3.0, 3.0, noise=0.4, seed=seed), per_epoch=100),
            [],
            record_count=100,
        )
        for seed in range(200)
    ]
    assert sum(text.startswith("Nothing learned") for text in texts) >= 190


def test_the_model_is_said_to_be_of_the_last_epoch_where_that_was_asked_for() -> None:
    spec = TrainingSpec(epochs=3, batch_size=1, publish="last")
    text = diagnose(spec, steps([2.0, 1.0, 0.5]), validations([1.0, 1.5, 2.0]), record_count=10)
    assert text.endswith("; as asked, the model has the weights of the last epoch, 3.")


@pytest.mark.parametrize(
    ("training", "validation", "beginning"),
    [
        ([2.0, 3.0], [], "Diverged"),
        ([2.0, 2.0], [], "Nothing learned"),
        ([2.0, 1.0], [1.0, 1.5], "Over-fitting since epoch 1"),
        ([2.0, 1.0], [2.0, 1.5], "Under-trained: validation loss was still falling at 1.500 in epoch 2; try 4 epochs"),
        ([2.0, 1.0], [1.5, 1.499], "Learning"),
        ([2.0, 1.0], [], "Under-trained: only 2 optimiser steps"),
        ([2.0], [], "Under-trained: only 2 optimiser steps"),
    ],
)
def test_the_shortest_runs_get_a_sentence_too(training: list[float], validation: list[float], beginning: str) -> None:
    spec = TrainingSpec(epochs=2, batch_size=8)
    text = diagnose(spec, steps(training), validations(validation), record_count=8)
    assert text.startswith(beginning)
    assert text.endswith(".")


def test_too_few_steps_are_flagged_with_the_epochs_that_would_do() -> None:
    warning = few_steps_warning(TrainingSpec(epochs=2, batch_size=32), 85)
    assert warning is not None
    assert "only 6 optimiser steps" in warning
    assert "4 epochs" in warning
    assert few_steps_warning(TrainingSpec(epochs=4, batch_size=32), 85) is None
