"""`python -m proofs.learning_rates`: at which rates the embedded base learns, so that its reference rates are measured.

Trains the invented FAQ of demonstration (a), or a prompt/completion file that is named, at every rate of a grid with
LoRA and with full fine-tuning, from nano alone. What is looked for is the highest rate that still learns as well as
the one below it: a family's default rate is mapped to it (`catalog/weights.py`), and a customer may double that.
Prints a Markdown table and writes build/proofs/learning_rates.json. About ten minutes on two cores.
"""

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from proofs.demonstrations import tuning
from proofs.demonstrations.data_faq import faq_data
from proofs.demonstrations.rows import write_pairs
from proofs.demonstrations.running import BASE, FIGURES
from proofs.demonstrations.teaching import teach
from tanren.domain.errors import TanrenError
from tanren.training.spec import TrainingSpec

TARGET = FIGURES.with_name("learning_rates.json")
BATCH_SIZES = (32, 8)
EPOCHS = 10
RATES: dict[str, tuple[float, ...]] = {"lora": (0.0035, 0.005, 0.007, 0.01), "full": (0.001, 0.002, 0.003)}
HEAD = "| method | learning rate | batch | training | validation: before, best (epoch), last |\n|---|---|---|---|---|"


@dataclass(frozen=True, slots=True)
class Learnt:
    """Nats a token; what ended the run where it did not come to its end."""

    method: str
    learning_rate: float
    batch_size: int
    training: tuple[float, float] | None
    """Mean of the first epoch's steps and of the last's."""
    validation: tuple[float, ...]
    """Before the first step and after each epoch."""
    failure: str = ""

    def row(self) -> str:
        given = f"| {self.method} | {self.learning_rate:g} | {self.batch_size} |"
        if self.training is None:
            return f"{given} – | {self.failure} |"
        before, *after = self.validation
        best = min(after)
        first, last = self.training
        return (
            f"{given} {first:.2f} → {last:.2f} | {before:.2f}, {best:.2f} ({after.index(best) + 1}), {after[-1]:.2f} |"
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m proofs.learning_rates", description=__doc__)
    parser.add_argument("--base", type=Path, default=BASE, help="folder of the base model")
    parser.add_argument("--training", type=Path, help="JSONL of prompts and completions (default: demonstration (a)'s)")
    parser.add_argument("--validation", type=Path, help="the same, held out")
    options = parser.parse_args()
    if (options.training is None) != (options.validation is None):
        parser.error("--training and --validation come together")
    print(HEAD, flush=True)
    with TemporaryDirectory() as folder:
        work = Path(folder)
        training, validation = options.training, options.validation
        if training is None:
            data = faq_data()
            training = write_pairs(work / "training.jsonl", data.training)
            validation = write_pairs(work / "validation.jsonl", [*data.same_facts, *data.other_facts])
        found: list[Learnt] = []
        for method, rates in RATES.items():
            for batch_size in BATCH_SIZES:
                for rate in rates:
                    spec = replace(
                        tuning.FAQ,
                        method=method,
                        learning_rate=rate,
                        batch_size=batch_size,
                        epochs=EPOCHS,
                        schedule="constant",
                    )
                    found.append(learn(spec, options.base, training, validation, work / str(len(found))))
                    print(found[-1].row(), flush=True)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps([_to_json(each) for each in found], indent=1) + "\n", encoding="utf-8")
    print(f"\nfigures: {TARGET}")
    return 0


def learn(spec: TrainingSpec, base: Path, training: Path, validation: Path, work: Path) -> Learnt:
    try:
        taught = teach(spec, base_folder=base, training=training, validation=[validation], work_folder=work)
    except TanrenError as error:
        return Learnt(spec.method, spec.learning_rate, spec.batch_size, None, (), str(error))
    records = taught.outcome.step_records
    epochs = [[each.training_loss for each in records if each.epoch == epoch] for epoch in (1, spec.epochs)]
    first, last = (sum(losses) / len(losses) for losses in epochs)
    return Learnt(spec.method, spec.learning_rate, spec.batch_size, (first, last), tuple(taught.curve()))


def _to_json(learnt: Learnt) -> dict[str, Any]:
    return {
        "method": learnt.method,
        "learning_rate": learnt.learning_rate,
        "batch_size": learnt.batch_size,
        "training": learnt.training,
        "validation": learnt.validation,
        "failure": learnt.failure,
    }


if __name__ == "__main__":
    sys.exit(main())
