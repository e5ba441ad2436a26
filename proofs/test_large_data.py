"""A gigabyte of records trains in the memory that ten megabytes take.

make proofs            the figures go to build/proofs/large_data.json

Two children prepare and train for some steps, one on a small file and one on a large one, each with a hard limit on
the memory that it may ask for. What is compared is the peak of what they had in memory (`VmHWM`), torch included.
"""

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.numerics.tiny_models import save_base_model

REPOSITORY = Path(__file__).resolve().parents[1]
FIGURES = REPOSITORY / "build" / "proofs" / "large_data.json"
SMALL_BYTES, LARGE_BYTES, VALIDATION_BYTES = 10_000_000, 1_000_000_000, 2_000_000
STEPS = 20
CAP_BYTES = 1_500_000_000
GROWTH_CAP_BYTES = 200_000_000

CHILD = """
import json, resource, sys, time
from pathlib import Path

base, folder, cache, steps, cap = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), *map(int, sys.argv[4:])
resource.setrlimit(resource.RLIMIT_DATA, (cap, cap))

import torch
from tanren.data.reading import validate_file
from tanren.domain.customization_jobs import CustomizationType
from tanren.training.preparation import RecordStream
from tanren.training.reporting import TrainingStopped
from tanren.training.run import train
from tanren.training.spec import TrainingSpec
from tanren.training.token_cache import TokenCache
from tanren.workflows.data_files import DataFile

torch.set_num_threads(1)
times, losses = {"start": time.monotonic()}, []

def stream(name):
    path = folder / name
    with path.open("rb") as lines:
        summary = validate_file(lines, file=name, customization_type=CustomizationType.FINE_TUNING)
    summary.raise_if_invalid()
    file = DataFile(uri=name, path=path, customization_type=CustomizationType.FINE_TUNING, summary=summary)
    return RecordStream(read=file.records, digest=file.digest, count=summary.rows)

class Reporter:
    def phase(self, name, detail):
        times.setdefault(name, time.monotonic())
        print(f"  {time.monotonic() - times['start']:.0f} s: {detail}", file=sys.stderr, flush=True)
    def step(self, record):
        losses.append(record.training_loss)
    def validation(self, record):
        pass

training, validation = stream("training.jsonl"), stream("validation.jsonl")
try:
    train(
        TrainingSpec(epochs=1, batch_size=8, learning_rate=1e-3, max_sequence_length=4096, lora_rank=4),
        base_folder=base, training_records=training, validation_sets=[validation], work_folder=folder / "work",
        reporter=Reporter(), should_stop=lambda: "stop" if len(losses) >= steps else None,
        token_cache=TokenCache(cache),
    )
except TrainingStopped:
    pass
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
print(json.dumps({
    "rows": training.count,
    "steps": len(losses),
    "losses": losses,
    "validated_seconds": times["data_processing"] - times["start"],
    "prepared_seconds": times["loading"] - times["data_processing"],
    "trained_seconds": time.monotonic() - times["training"],
    "peak_bytes": int(status["VmHWM"].split()[0]) * 1024,
}))
"""


def write_rows(path: Path, size_bytes: int, *, seed: int) -> None:
    """Prompts and completions of made-up sentences, no two rows alike, until the file has the size."""
    draw = random.Random(seed)
    words = ["".join(draw.choices("etaoinshrdlucm", k=draw.randint(2, 9))) for _ in range(3000)]
    # Some words are used far more often than others, as in any language.
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    sentences = [" ".join(draw.choices(words, weights, k=draw.randint(6, 20))) + "." for _ in range(5000)]
    written = row = 0
    with path.open("wb") as file:
        while written < size_bytes:
            prompt = f"{row}: " + " ".join(draw.choices(sentences, k=draw.randint(1, 12)))
            completion = " ".join(draw.choices(sentences, k=draw.randint(1, 18)))
            written += file.write((json.dumps({"prompt": prompt, "completion": completion}) + "\n").encode())
            row += 1


def trained(base: Path, folder: Path) -> dict[str, Any]:
    """What a child on the folder's files found. It fails where it asks for more memory than `CAP_BYTES`."""
    command = [sys.executable, "-c", CHILD, str(base), str(folder), str(folder / "tokens"), str(STEPS), str(CAP_BYTES)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=REPOSITORY)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.timeout(3600)
def test_a_gigabyte_trains_in_the_memory_of_ten_megabytes(tmp_path: Path) -> None:
    base = save_base_model(tmp_path / "base", context=4096)
    found: dict[str, dict[str, Any]] = {}
    for name, size_bytes in (("small", SMALL_BYTES), ("large", LARGE_BYTES)):
        folder = tmp_path / name
        folder.mkdir()
        began = time.monotonic()
        write_rows(folder / "training.jsonl", size_bytes, seed=1)
        write_rows(folder / "validation.jsonl", VALIDATION_BYTES, seed=2)
        print(f"\n{name}: {size_bytes / 1e6:g} MB written in {time.monotonic() - began:.0f} s")
        found[name] = trained(base, folder)
    found["again"] = trained(base, tmp_path / "large")
    for name, figures in found.items():
        print(
            f"{name}: {figures['rows']:,} rows; checked in {figures['validated_seconds']:.0f} s, tokens in "
            f"{figures['prepared_seconds']:.0f} s, {figures['steps']} steps in {figures['trained_seconds']:.1f} s; "
            f"peak {figures['peak_bytes'] / 1e6:.0f} MB"
        )
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_text(json.dumps(found, indent=1) + "\n")
    peaks = {name: figures["peak_bytes"] for name, figures in found.items()}
    assert max(peaks.values()) < CAP_BYTES
    assert max(peaks["large"], peaks["again"]) - peaks["small"] < GROWTH_CAP_BYTES
    assert found["large"]["losses"] == found["again"]["losses"]
    assert found["large"]["steps"] == STEPS
