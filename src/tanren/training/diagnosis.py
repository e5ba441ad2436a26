"""A finished run in one plain sentence. Pure."""

from collections.abc import Sequence

from tanren.training.batches import steps_per_epoch
from tanren.training.metrics import StepRecord, ValidationRecord
from tanren.training.spec import TrainingSpec

FEW_STEPS = 10
"""Optimiser steps below which hardly anything can be learned, whatever the data."""
_STILL_FALLING = 0.01
"""Share of the loss by which the last epoch must have lowered it for another epoch to be advised."""
_OVER_FITTED = 0.02
"""Share above the lowest validation loss that is more than noise."""
_LEARNED = 0.02
"""Share of the first loss by which it must have fallen to count as learning."""


def few_steps_warning(spec: TrainingSpec, record_count: int) -> str | None:
    """What to say before a run that is too short to learn, with the number of epochs that would do."""
    per_epoch = steps_per_epoch(record_count, spec.batch_size)
    if per_epoch * spec.epochs >= FEW_STEPS:
        return None
    return (
        f"only {per_epoch * spec.epochs} optimiser steps are planned ({record_count} records, batch size "
        f"{spec.batch_size}, {spec.epochs} epochs); {-(-FEW_STEPS // per_epoch)} epochs, or a smaller batch, "
        f"would make the {FEW_STEPS} that a model needs to learn anything"
    )


def diagnose(
    spec: TrainingSpec, steps: Sequence[StepRecord], validations: Sequence[ValidationRecord], *, record_count: int
) -> str:
    """What the curves say, and what to try."""
    first, last = steps[0].training_loss, _mean_of_epoch(steps, steps[-1].epoch)
    if last > first * 1.2:
        return (
            f"Diverged: training loss rose from {first:.3f} to {last:.3f}; try a learning rate below "
            f"{spec.learning_rate:g}."
        )
    if len(steps) > 1 and last > first * (1 - _LEARNED):
        return (
            f"Nothing learned: training loss went from {first:.3f} to {last:.3f} in {len(steps)} steps; "
            "try more epochs or a higher learning rate."
        )
    if validations:
        losses = [record.validation_loss for record in validations]
        best = min(validations, key=lambda record: record.validation_loss)
        if losses[-1] > best.validation_loss * (1 + _OVER_FITTED):
            published = f"the weights of epoch {best.epoch} were published" if spec.publish == "best" else "try fewer"
            return (
                f"Over-fitting since epoch {best.epoch}: validation loss rose from {best.validation_loss:.3f} to "
                f"{losses[-1]:.3f} by epoch {validations[-1].epoch}; {published}."
            )
        if len(losses) > 1 and losses[-1] < losses[-2] * (1 - _STILL_FALLING):
            return (
                f"Under-trained: validation loss was still falling at {losses[-1]:.3f} in epoch "
                f"{validations[-1].epoch}; try {2 * validations[-1].epoch} epochs."
            )
        return (
            f"Learning: validation loss went to {best.validation_loss:.3f} (best in epoch {best.epoch}), "
            f"training loss from {first:.3f} to {last:.3f}."
        )
    warning = few_steps_warning(spec, record_count)
    if warning is not None:
        return f"Under-trained: {warning}."
    return f"Learning: training loss went from {first:.3f} to {last:.3f} in {len(steps)} steps."


def _mean_of_epoch(steps: Sequence[StepRecord], epoch: int) -> float:
    losses = [record.training_loss for record in steps if record.epoch == epoch]
    return sum(losses) / len(losses)
