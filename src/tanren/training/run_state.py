"""Where a run stands between two steps: with the weights and the optimiser's moments, all that a resume needs.

Learning rate, order of records and dropout are pure functions of the spec and the step, so they are not in it.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from tanren.training.early_stopping import EarlyStopping
from tanren.training.metrics import StepRecord, ValidationRecord


@dataclass(slots=True, kw_only=True)
class RunState:
    """Changed by the loop alone, whole steps at a time."""

    early_stopping: EarlyStopping
    step: int = 0
    """Optimiser steps done."""
    epoch: int = 1
    """The epoch that is under way."""
    step_in_epoch: int = 0
    """Steps of it that are done; all of them: its validation comes next."""
    is_finished: bool = False
    has_stopped_early: bool = False
    step_records: list[StepRecord] = field(default_factory=list[StepRecord])
    validation_records: list[ValidationRecord] = field(default_factory=list[ValidationRecord])

    @property
    def name(self) -> str:
        """Unique and rising along a run; checkpoints are named by it."""
        return f"step-{self.step:08d}-epoch-{self.epoch:04d}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: dict[str, Any]) -> "RunState":
        fields: dict[str, Any] = {
            **value,
            "early_stopping": EarlyStopping(**value["early_stopping"]),
            "step_records": [StepRecord(**record) for record in value["step_records"]],
            "validation_records": [ValidationRecord.from_json(record) for record in value["validation_records"]],
        }
        return RunState(**fields)
