"""A run hands out its newest weights to whoever has asked for them: `model_files/weight_snapshots.py`.

Why      nothing here may change or end the run: weights are only read, and what cannot be written is told and left.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError

from tanren.domain.sentences import sentence
from tanren.model_files.weight_snapshots import WeightSnapshots
from tanren.training.metrics import StepRecord, ValidationRecord
from tanren.training.reporting import Phase, TrainingReporter
from tanren.weights.adapters import write_adapter
from tanren.weights.lora import LoraLinear, LoraSettings, factors_of

logger = logging.getLogger(__name__)


class SnapshotReporter:
    """Passes on what it is told, and looks after each step whether the weights are wanted."""

    def __init__(
        self,
        told: TrainingReporter,
        work_folder: Path,
        layers: Mapping[str, LoraLinear],
        *,
        settings: LoraSettings,
        base_weights_sha256: str,
        base_name: str,
    ) -> None:
        self._told = told
        self._snapshots = WeightSnapshots(work_folder)
        self._layers = layers
        self._settings = settings
        self._base_weights_sha256 = base_weights_sha256
        self._base_name = base_name

    def phase(self, name: Phase, detail: str) -> None:
        self._told.phase(name, detail)

    def validation(self, record: ValidationRecord) -> None:
        self._told.validation(record)

    def step(self, record: StepRecord) -> None:
        self._told.step(record)
        if self._snapshots.are_wanted:
            self._hand_out(record)

    def _hand_out(self, record: StepRecord) -> None:
        factors = factors_of(self._layers)
        if not any(bool(each.b_OR.any()) for each in factors.values()):
            return  # A learning rate that begins at zero has changed nothing yet; after the next step it has.
        try:
            write_adapter(
                self._snapshots.place(step=record.step + 1, epoch=record.epoch),
                factors,
                settings=self._settings,
                base_weights_sha256=self._base_weights_sha256,
                base_name=self._base_name,
            )
            self._snapshots.handed_out()
        except (OSError, SafetensorError) as error:
            logger.exception("no snapshot")
            self._told.phase("training", sentence("The newest weights could not be handed out: {error}.", error=error))
