"""Whenever a run is killed, its continuation ends in the bytes of the run that was not."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tanren.data.records import Document, RecordSource, TrainingRecord
from tanren.training.run import TrainingOutcome
from tanren.training.run_record import read_run_record
from tests.numerics.runs import Killed, Remembering, small_run
from tests.numerics.tiny_models import pairs, save_base_model

RECORDS = pairs(10)
VALIDATION = pairs(4, file="validation.jsonl", start=100)
KNOBS = {"epochs": 2, "lora_dropout": 0.1, "checkpoint_interval_seconds": 0.0}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return save_base_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def undisturbed(base: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingOutcome:
    return small_run(base, tmp_path_factory.mktemp("plain"), RECORDS, validation=[VALIDATION], **KNOBS)


@pytest.mark.parametrize("place", range(8))
def test_a_run_killed_anywhere_ends_in_the_same_bytes(
    base: Path, undisturbed: TrainingOutcome, tmp_path: Path, place: int
) -> None:
    """Six steps and two validations; killed behind each, before its checkpoint is written."""
    count = iter(range(100))
    killing = Remembering(break_at=lambda record: next(count) == place)
    with pytest.raises(Killed):
        small_run(base, tmp_path, RECORDS, validation=[VALIDATION], reporter=killing, **KNOBS)
    torch.manual_seed(torch.seed())
    resumed = small_run(base, tmp_path, RECORDS, validation=[VALIDATION], **KNOBS)
    assert resumed.sha256 == undisturbed.sha256
    assert resumed.step_records == undisturbed.step_records
    assert resumed.validation_records == undisturbed.validation_records


def test_a_full_fine_tuning_resumes_exactly(base: Path, tmp_path: Path) -> None:
    knobs = {**KNOBS, "method": "full", "learning_rate": 1e-3}
    plain = small_run(base, tmp_path / "plain", RECORDS, **knobs)
    with pytest.raises(Killed):
        small_run(base, tmp_path / "w", RECORDS, reporter=Remembering(lambda record: record.step == 4), **knobs)
    assert small_run(base, tmp_path / "w", RECORDS, **knobs).sha256 == plain.sha256


def killing_at(step: int) -> Remembering:
    return Remembering(lambda record: record.step == step)


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor", "sgd"])
@pytest.mark.parametrize("method", ["lora", "full"])
def test_every_optimizer_resumes_exactly(base: Path, tmp_path: Path, optimizer: str, method: str) -> None:
    knobs = {**KNOBS, "optimizer": optimizer, "method": method, "weight_decay": 0.1, "learning_rate": 2e-3}
    plain = small_run(base, tmp_path / "plain", RECORDS, **knobs)
    for place in (1, 4):
        with pytest.raises(Killed):
            small_run(base, tmp_path / "w", RECORDS, reporter=killing_at(place), **knobs)
    resumed = small_run(base, tmp_path / "w", RECORDS, **knobs)
    assert resumed.sha256 == plain.sha256
    assert resumed.step_records == plain.step_records


def test_a_run_with_replay_resumes_exactly(base: Path, tmp_path: Path) -> None:
    documents = [
        TrainingRecord(source=RecordSource(file="d", line=n), content=Document(text=f"hello {n}")) for n in range(1, 8)
    ]
    knobs = {**KNOBS, "objective": "continued_pre_training", "replay_percentage": 30, "max_sequence_length": 256}
    plain = small_run(base, tmp_path / "plain", documents, **knobs)
    for place in (0, 2):
        with pytest.raises(Killed):
            small_run(base, tmp_path / "w", documents, reporter=killing_at(place), **knobs)
    resumed = small_run(base, tmp_path / "w", documents, **knobs)
    assert resumed.sha256 == plain.sha256
    assert resumed.step_records == plain.step_records


def test_a_damaged_newest_checkpoint_costs_steps_and_changes_nothing(
    base: Path, undisturbed: TrainingOutcome, tmp_path: Path
) -> None:
    with pytest.raises(Killed):
        small_run(
            base,
            tmp_path,
            RECORDS,
            validation=[VALIDATION],
            reporter=Remembering(lambda record: record.step == 5),
            **KNOBS,
        )
    newest = sorted((tmp_path / "checkpoints").iterdir())[-1]
    (newest / "optimizer.safetensors").write_bytes(b"torn")
    reporter = Remembering()
    resumed = small_run(base, tmp_path, RECORDS, validation=[VALIDATION], reporter=reporter, **KNOBS)
    assert resumed.sha256 == undisturbed.sha256
    assert reporter.steps[0].step == 4


def test_a_work_folder_of_other_data_is_not_continued(base: Path, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        small_run(base, tmp_path, pairs(9), reporter=Remembering(lambda record: record.step == 2), **KNOBS)
    reporter = Remembering()
    small_run(base, tmp_path, RECORDS, reporter=reporter, **KNOBS)
    assert reporter.steps[0].step == 0


@pytest.fixture
def two_threads() -> Iterator[None]:
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


LANES = {"epochs": 2, "checkpoint_interval_seconds": 0.0, "batch_size": 5}


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_run_in_two_lanes_resumes_exactly_wherever_it_goes_on(base: Path, tmp_path: Path, method: str) -> None:
    """Whichever lane is done first; and also where the continuation begins with another number of threads."""
    knobs = {**LANES, "method": method, "dtype": "bfloat16"}
    plain = small_run(base, tmp_path / "plain", RECORDS, validation=[VALIDATION], **knobs)
    assert read_run_record(tmp_path / "plain")["arithmetic"]["lanes"] == 2
    for place in (1, 3):
        with pytest.raises(Killed):
            small_run(base, tmp_path / "w", RECORDS, validation=[VALIDATION], reporter=killing_at(place), **knobs)
        torch.set_num_threads(1)
    resumed = small_run(base, tmp_path / "w", RECORDS, validation=[VALIDATION], **knobs)
    assert resumed.sha256 == plain.sha256
    assert resumed.step_records == plain.step_records
    assert resumed.validation_records == plain.validation_records
    assert read_run_record(tmp_path / "w")["arithmetic"]["lanes"] == 2


@pytest.mark.usefixtures("two_threads")
def test_two_lanes_learn_what_one_learns(base: Path, tmp_path: Path) -> None:
    two = small_run(base, tmp_path / "2", RECORDS, validation=[VALIDATION], **LANES)
    torch.set_num_threads(1)
    one = small_run(base, tmp_path / "1", RECORDS, validation=[VALIDATION], **LANES)
    assert read_run_record(tmp_path / "1")["arithmetic"]["lanes"] == 1
    for ours, theirs in zip(two.step_records, one.step_records, strict=True):
        assert ours.training_loss == pytest.approx(theirs.training_loss, abs=1e-5)
        assert ours.gradient_norm == pytest.approx(theirs.gradient_norm, rel=1e-4)
    assert two.validation_losses == pytest.approx(one.validation_losses, abs=1e-5)


CHILD = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from tests.numerics.runs import Remembering, small_run
from tests.numerics.test_resume import KNOBS, RECORDS, VALIDATION

class Telling(Remembering):
    def step(self, record):
        print(record.step, flush=True)

base, work = map(Path, sys.argv[1:])
small_run(base, work, RECORDS, validation=[VALIDATION], reporter=Telling(), **KNOBS)
"""


def test_a_process_killed_with_sigkill_is_continued_exactly(
    base: Path, undisturbed: TrainingOutcome, tmp_path: Path
) -> None:
    root = Path(__file__).resolve().parents[2]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(base), str(tmp_path)], cwd=root, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    for line in child.stdout:
        if line.strip() == "3":
            # Step 3 is told of before its checkpoint is written: the kill may land in the middle of the writing.
            time.sleep(0.003)
            os.kill(child.pid, signal.SIGKILL)
            break
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    reporter = Remembering()
    resumed = small_run(base, tmp_path, RECORDS, validation=[VALIDATION], reporter=reporter, **KNOBS)
    assert reporter.steps[0].step >= 3
    assert resumed.sha256 == undisturbed.sha256
    assert resumed.step_records == undisturbed.step_records
