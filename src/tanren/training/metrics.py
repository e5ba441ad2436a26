"""What a run measures: one record a step, one a validation, and the CSV files that Bedrock makes of them.

Source   user guide, "Analyze the results": step_wise_training_metrics.csv and validation_metrics.csv; the number form
         and the counting (steps from 0, epochs from 1, a validation at the number of steps done) of a real run.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """Equal to the record of the same step in an undisturbed run; only `seconds` is not compared."""

    step: int
    """From 0."""
    epoch: int
    """From 1."""
    training_loss: float
    """Nats a target token: the sum over the step's targets, divided by their number."""
    learning_rate: float
    gradient_norm: float
    """Before clipping."""
    tokens: int
    """That went through the model."""
    trained_tokens: int
    """Targets of the loss."""
    seconds: float = field(compare=False)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationRecord:
    step: int
    """Optimiser steps done: 3 after the first epoch of three steps."""
    epoch: int
    """The epoch that has just ended, from 1."""
    validation_loss: float
    """Over all validation sets as one: what early stopping and the best checkpoint go by."""
    losses_by_set: tuple[float, ...]
    """One a validation set, in the order in which they were given."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: dict[str, Any]) -> "ValidationRecord":
        return ValidationRecord(
            step=value["step"],
            epoch=value["epoch"],
            validation_loss=value["validation_loss"],
            losses_by_set=tuple(value["losses_by_set"]),
        )


def perplexity(loss: float) -> float:
    """exp(loss); infinite where that is too large for a float."""
    return math.exp(loss) if loss < 709 else math.inf


def training_csv(records: Iterable[StepRecord]) -> str:
    """The text of step_wise_training_metrics.csv."""
    return _csv("step_number,epoch_number,training_loss,perplexity", _rows(records))


def validation_csv(records: Iterable[ValidationRecord], *, set_index: int | None = None) -> str:
    """The text of validation_metrics.csv: of one validation set, or of all as one."""
    return _csv(
        "step_number,epoch_number,validation_loss,perplexity",
        (
            (
                record.step,
                record.epoch,
                record.validation_loss if set_index is None else record.losses_by_set[set_index],
            )
            for record in records
        ),
    )


def mean_loss_of_last_epoch(records: Sequence[StepRecord]) -> float:
    """The mean of the last epoch's steps: what GetModelCustomizationJob shows as `trainingLoss`."""
    losses = [record.training_loss for record in records if record.epoch == records[-1].epoch]
    return math.fsum(losses) / len(losses)


def _rows(records: Iterable[StepRecord]) -> Iterable[tuple[int, int, float]]:
    return ((record.step, record.epoch, record.training_loss) for record in records)


def _csv(header: str, rows: Iterable[tuple[int, int, float]]) -> str:
    lines = [f"{step},{epoch},{loss!r},{perplexity(loss)!r}" for step, epoch, loss in rows]
    return "\n".join([header, *lines]) + "\n"
