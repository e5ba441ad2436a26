"""A job's training by the product's code: files as a customer uploads them, `tanren.training.run.train`, a folder.

`train` is what the workflow of a customization job calls, with the spec that the job's hyperparameters make; here the
spec is given. The losses before the first step are computed by the same objective over the same batches.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from tanren.data.reading import read_records
from tanren.data.records import TrainingRecord
from tanren.domain.customization_jobs import CustomizationType
from tanren.training.loop import TOKEN_BUDGET
from tanren.training.metrics import ValidationRecord
from tanren.training.objectives.registry import OBJECTIVES
from tanren.training.packing import micro_batches
from tanren.training.preparation import prepare
from tanren.training.run import TrainingOutcome, train
from tanren.training.spec import TrainingSpec
from tanren.training.token_cache import TokenCache
from tanren.weights.base_models import load_base_model
from tanren.weights.model_folders import write_model

CONTROL_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    base_folder: Path
    outcome: TrainingOutcome
    before: ValidationRecord
    """The validation of the bare base, step 0."""
    seconds: float
    """Of the whole run: reading, training, validating, writing."""

    def curve(self, index: int | None = None) -> list[float]:
        """Validation loss before training and after each epoch, of one set or of all as one."""
        records = [self.before, *self.outcome.validation_records]
        return [each.validation_loss if index is None else each.losses_by_set[index] for each in records]


def write_control(base_folder: Path, folder: Path) -> Path:
    """A base folder like the other one, with random weights: its architecture's initialisation, its tokenizer."""
    if not folder.exists():
        torch.manual_seed(CONTROL_SEED)
        model: Any = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(base_folder), dtype=torch.float32)
        write_model(folder, model, base_folder=base_folder)
    return folder


def teach(
    spec: TrainingSpec, *, base_folder: Path, training: Path, validation: Sequence[Path], work_folder: Path
) -> Taught:
    """Trains on the files in a fresh work folder."""
    started_at = time.monotonic()
    sets = [_records(path, spec) for path in validation]
    before = untaught(spec, base_folder, sets)
    outcome = train(
        spec,
        base_folder=base_folder,
        training_records=_records(training, spec),
        validation_sets=sets,
        work_folder=work_folder,
        reporter=_Silent(),
        should_stop=lambda: None,
    )
    return Taught(base_folder=base_folder, outcome=outcome, before=before, seconds=time.monotonic() - started_at)


@torch.no_grad()
def untaught(spec: TrainingSpec, base_folder: Path, sets: Sequence[Sequence[TrainingRecord]]) -> ValidationRecord:
    """Nats a token of the bare base."""
    model = load_base_model(base_folder, dtype=spec.dtype)
    objective = OBJECTIVES[spec.objective]
    sums: list[float] = []
    counts: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        data = prepare(spec, base_folder, sets[0], sets, cache=TokenCache(Path(folder)))
    for sequences in data.validation_sets:
        batches = micro_batches(sequences, token_budget=TOKEN_BUDGET)
        sums.append(sum(objective.loss_sum(model, batch).item() for batch in batches))
        counts.append(sum(batch.target_count for batch in batches))
    return ValidationRecord(
        step=0,
        epoch=0,
        validation_loss=sum(sums) / sum(counts),
        losses_by_set=tuple(total / count for total, count in zip(sums, counts, strict=True)),
    )


def _records(path: Path, spec: TrainingSpec) -> list[TrainingRecord]:
    supervised = spec.objective == "supervised"
    kind = CustomizationType.FINE_TUNING if supervised else CustomizationType.CONTINUED_PRE_TRAINING
    with path.open("rb") as lines:
        return list(read_records(lines, file=path.name, customization_type=kind))


class _Silent:
    """A `TrainingReporter` that keeps nothing: the outcome has all records."""

    def phase(self, name: str, detail: str) -> None: ...

    def step(self, record: object) -> None: ...

    def validation(self, record: object) -> None: ...
