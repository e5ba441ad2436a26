import pytest

from tanren.training.diagnosis import diagnose, few_steps_warning
from tanren.training.metrics import StepRecord, ValidationRecord
from tanren.training.spec import TrainingSpec


def steps(losses: list[float]) -> list[StepRecord]:
    return [
        StepRecord(
            step=n,
            epoch=n + 1,
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


@pytest.mark.parametrize(
    ("training", "validation", "beginning"),
    [
        ([2.0, 3.0], [], "Diverged"),
        ([2.0, 2.0], [], "Nothing learned"),
        ([2.0, 1.0], [1.0, 1.5], "Over-fitting since epoch 1"),
        ([2.0, 1.0], [2.0, 1.5], "Under-trained: validation loss was still falling at 1.500 in epoch 2; try 4 epochs"),
        ([2.0, 1.0], [1.5, 1.499], "Learning"),
        ([2.0, 1.0], [], "Under-trained: only 2 optimiser steps"),
    ],
)
def test_the_curves_are_put_into_one_sentence(training: list[float], validation: list[float], beginning: str) -> None:
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
