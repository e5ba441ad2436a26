"""Blocks that are computed again in the backward pass give the bits of blocks that were kept."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tanren.training.run import TrainingOutcome
from tanren.training.run_record import read_run_record
from tests.numerics.runs import Killed, Remembering, small_run
from tests.numerics.tiny_models import ARCHITECTURES, pairs, save_architecture

RECORDS = pairs(10)
VALIDATION = pairs(4, file="validation.jsonl", start=100)


@pytest.fixture(scope="module")
def base_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def base(name: str) -> Path:
        if name not in made:
            made[name] = save_architecture(tmp_path_factory.mktemp(name), name)
        return made[name]

    return base


@pytest.fixture(autouse=True)
def threads(request: pytest.FixtureRequest) -> Iterator[None]:
    torch.set_num_threads(2 if "two lanes" in request.node.name else 1)
    yield
    torch.set_num_threads(1)


def _both(base: Path, folder: Path, **knobs: Any) -> tuple[TrainingOutcome, TrainingOutcome]:
    """Of a run that keeps its blocks' activations, and of one that does not."""
    outcomes: list[TrainingOutcome] = []
    for choice in ("off", "on"):
        work = folder / choice
        outcomes.append(small_run(base, work, RECORDS, validation=[VALIDATION], gradient_checkpointing=choice, **knobs))
        assert read_run_record(work)["arithmetic"]["recomputes_blocks"] is (choice == "on")
    return outcomes[0], outcomes[1]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_ends_in_the_same_adapter(base_of: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    kept, recomputed = _both(base_of(name), tmp_path, epochs=1)
    assert recomputed.sha256 == kept.sha256
    assert recomputed.step_records == kept.step_records
    assert recomputed.validation_records == kept.validation_records


@pytest.mark.parametrize(
    "knobs",
    [
        pytest.param({"lora_dropout": 0.2}, id="dropout is drawn again"),
        pytest.param({"dtype": "bfloat16", "batch_size": 5}, id="two lanes"),
        pytest.param({"method": "full", "learning_rate": 1e-3}, id="all weights"),
        pytest.param({"method": "full", "dtype": "bfloat16", "learning_rate": 1e-3}, id="all weights, under autocast"),
        pytest.param({"method": "full", "learning_rate": 1e-3, "batch_size": 5}, id="all weights in two lanes"),
    ],
)
def test_whatever_is_trained_and_however_the_bits_are_the_same(
    base_of: Callable[[str], Path], tmp_path: Path, knobs: dict[str, Any]
) -> None:
    kept, recomputed = _both(base_of("llama-3"), tmp_path, **knobs)
    assert recomputed.sha256 == kept.sha256
    assert recomputed.step_records == kept.step_records


def test_a_run_goes_on_exactly_whether_or_not_it_kept_its_blocks_before(
    base_of: Callable[[str], Path], tmp_path: Path
) -> None:
    """The choice is no part of what a checkpoint belongs to: it decides no bit."""
    base = base_of("llama-3")
    knobs: dict[str, Any] = {"lora_dropout": 0.1, "checkpoint_interval_seconds": 0.0}
    plain = small_run(base, tmp_path / "plain", RECORDS, gradient_checkpointing="off", **knobs)
    killing = Remembering(lambda record: record.step == 3)
    with pytest.raises(Killed):
        small_run(base, tmp_path / "w", RECORDS, reporter=killing, gradient_checkpointing="on", **knobs)
    reporter = Remembering()
    resumed = small_run(base, tmp_path / "w", RECORDS, reporter=reporter, gradient_checkpointing="on", **knobs)
    assert reporter.steps[0].step == 3
    assert resumed.sha256 == plain.sha256
