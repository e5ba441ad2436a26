"""A run hands out its newest weights when it is asked, and is changed by nothing of it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tanren.model_files.weight_snapshots import WeightSnapshots
from tanren.training import snapshots as module
from tanren.training.metrics import StepRecord
from tanren.training.run import TrainingOutcome, train
from tanren.weights.adapters import read_adapter
from tests.numerics.runs import SPEC, Remembering
from tests.numerics.tiny_models import pairs, save_base_model


class Asking(Remembering):
    """Somebody asks after these steps."""

    def __init__(self, work_folder: Path, *, after: tuple[int, ...]) -> None:
        super().__init__()
        self._snapshots = WeightSnapshots(work_folder)
        self._after = after

    def step(self, record: StepRecord) -> None:
        super().step(record)
        if record.step in self._after:
            self._snapshots.ask()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base_model(tmp_path_factory.mktemp("base"))


def run(base: Path, work: Path, reporter: Remembering, **changes: object) -> TrainingOutcome:
    return train(
        replace(SPEC, **changes),
        base_folder=base,
        training_records=pairs(10),
        validation_sets=[],
        work_folder=work,
        reporter=reporter,
        should_stop=lambda: None,
    )


def test_the_weights_of_the_step_that_was_asked_at_can_be_read_and_the_run_is_the_same(
    base: Path, tmp_path: Path
) -> None:
    plain = run(base, tmp_path / "plain", Remembering())
    last = plain.steps - 1
    asked = run(base, tmp_path / "asked", Asking(tmp_path / "asked", after=(0, last)))
    assert asked.sha256 == plain.sha256

    newest = WeightSnapshots(tmp_path / "asked").newest()
    assert newest is not None
    assert newest.step == plain.steps
    handed_out, published = read_adapter(newest.folder), read_adapter(asked.folder)
    assert newest.sha256 == handed_out.sha256
    assert handed_out.base_weights_sha256 == published.base_weights_sha256
    # Without validation the last weights are the published ones.
    for name, factors in handed_out.factors.items():
        assert torch.equal(factors.b_OR, published.factors[name].b_OR)
    first = read_adapter(WeightSnapshots(tmp_path / "asked").place(step=1, epoch=1))
    assert first.sha256 != handed_out.sha256


def test_weights_that_are_still_those_of_the_base_are_handed_out_a_step_later(base: Path, tmp_path: Path) -> None:
    run(base, tmp_path, Asking(tmp_path, after=(0,)), warmup_steps=3)
    newest = WeightSnapshots(tmp_path).newest()
    assert newest is not None
    assert newest.step > 0
    read_adapter(newest.folder)


def test_a_full_disk_ends_no_run(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_adapter", full)
    reporter = Asking(tmp_path, after=(0,))
    outcome = run(base, tmp_path, reporter)
    assert outcome.steps > 1
    assert any("could not be handed out" in detail for _, detail in reporter.phases)


def test_full_fine_tuning_hands_out_nothing(base: Path, tmp_path: Path) -> None:
    run(base, tmp_path, Asking(tmp_path, after=(0,)), method="full")
    assert WeightSnapshots(tmp_path).newest() is None
