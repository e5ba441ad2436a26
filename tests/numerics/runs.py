"""Small training runs for the tests: a spec, a reporter that remembers, and `train` with the rest filled in."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tanren.data.records import TrainingRecord
from tanren.training.metrics import StepRecord, ValidationRecord
from tanren.training.reporting import StopRequest
from tanren.training.run import TrainingOutcome, train
from tanren.training.spec import TrainingSpec

SPEC = TrainingSpec(
    epochs=2,
    batch_size=4,
    learning_rate=5e-3,
    lora_rank=4,
    lora_alpha=8,
    max_sequence_length=128,
    checkpoint_interval_seconds=1e9,
)


class Remembering:
    """A reporter that keeps what it is told, and can break the run at one place."""

    def __init__(self, break_at: Callable[[StepRecord | ValidationRecord], bool] = lambda record: False) -> None:
        self.phases: list[tuple[str, str]] = []
        self.steps: list[StepRecord] = []
        self.validations: list[ValidationRecord] = []
        self._break_at = break_at

    def phase(self, name: str, detail: str) -> None:
        self.phases.append((name, detail))

    def step(self, record: StepRecord) -> None:
        self.steps.append(record)
        self._maybe_break(record)

    def validation(self, record: ValidationRecord) -> None:
        self.validations.append(record)
        self._maybe_break(record)

    def _maybe_break(self, record: StepRecord | ValidationRecord) -> None:
        if self._break_at(record):
            raise Killed


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


def small_run(
    base_folder: Path,
    work_folder: Path,
    records: Sequence[TrainingRecord],
    *,
    validation: Sequence[Sequence[TrainingRecord]] = (),
    reporter: Remembering | None = None,
    should_stop: Callable[[], StopRequest | None] = lambda: None,
    base_adapter: Path | None = None,
    **changes: Any,
) -> TrainingOutcome:
    return train(
        replace(SPEC, **changes),
        base_folder=base_folder,
        training_records=records,
        validation_sets=validation,
        work_folder=work_folder,
        reporter=reporter or Remembering(),
        should_stop=should_stop,
        base_adapter=base_adapter,
    )
