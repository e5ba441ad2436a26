import errno
import logging
from pathlib import Path
from typing import Any

import pytest
import torch

from tanren.training import checkpoints as module
from tanren.training.checkpoints import KEPT, Checkpoints
from tanren.training.early_stopping import EarlyStopping
from tanren.training.reporting import TrainingYielded
from tanren.training.run_state import RunState


def state(step: int) -> RunState:
    return RunState(early_stopping=EarlyStopping(threshold=None, patience=None), step=step)


def write(checkpoints: Checkpoints, step: int) -> None:
    value = torch.full((3,), float(step))
    checkpoints.write(state(step), trainable={"w": value}, optimizer={"w/exp_avg": value * 2}, thread_count=2)


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path, run_digest="d")


def newest_step(folder: Path, run_digest: str = "d") -> int | None:
    found = Checkpoints(folder, run_digest=run_digest).newest()
    return None if found is None else found.state.step


def test_what_is_written_is_read(checkpoints: Checkpoints, tmp_path: Path) -> None:
    assert checkpoints.newest() is None
    write(checkpoints, 7)
    found = Checkpoints(tmp_path, run_digest="d").newest()
    assert found is not None
    assert found.state == state(7)
    assert found.thread_count == 2
    assert torch.equal(found.trainable["w"], torch.full((3,), 7.0))
    assert torch.equal(found.optimizer["w/exp_avg"], torch.full((3,), 14.0))


def test_the_last_ones_are_kept(checkpoints: Checkpoints, tmp_path: Path) -> None:
    for step in range(6):
        write(checkpoints, step)
    assert len(list((tmp_path / "checkpoints").iterdir())) == KEPT
    assert newest_step(tmp_path) == 5


def test_later_checkpoints_of_another_run_do_not_take_the_place_of_those_that_this_one_writes(
    checkpoints: Checkpoints, tmp_path: Path
) -> None:
    for step in range(50, 50 + KEPT):
        write(checkpoints, step)
    another = Checkpoints(tmp_path, run_digest="another")
    assert another.newest() is None
    write(another, 1)
    assert newest_step(tmp_path, run_digest="another") == 1
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1


@pytest.mark.parametrize("name", ["state.json", "trainable.safetensors", "optimizer.safetensors"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    checkpoints: Checkpoints, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, damage: str
) -> None:
    write(checkpoints, 1)
    write(checkpoints, 2)
    file = sorted((tmp_path / "checkpoints").iterdir())[-1] / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "flip":
        file.write_bytes(content)
    elif damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    else:
        file.unlink()
    with caplog.at_level(logging.WARNING):
        assert newest_step(tmp_path) == 1
    assert "step-00000002-epoch-0001 is passed over" in caplog.text


def test_a_checkpoint_of_another_run_is_passed_over(checkpoints: Checkpoints, tmp_path: Path) -> None:
    write(checkpoints, 1)
    assert newest_step(tmp_path, run_digest="other") is None


def test_a_half_written_checkpoint_is_not_seen(
    checkpoints: Checkpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(checkpoints, 1)
    monkeypatch.setattr(module, "_sum_of", lambda body: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write(checkpoints, 2)
    monkeypatch.undo()
    assert newest_step(tmp_path) == 1


def test_the_best_weights_belong_to_the_checkpoint_that_names_them(checkpoints: Checkpoints, tmp_path: Path) -> None:
    checkpoints.write_best(state(1), {"w": torch.tensor([1.0])})
    write(checkpoints, 1)
    checkpoints.write_best(state(2), {"w": torch.tensor([2.0])})
    # Killed here: the checkpoint of step 1 still names the best of step 1.
    again = Checkpoints(tmp_path, run_digest="d")
    assert again.newest() is not None
    best = again.read_best()
    assert best is not None
    assert best["w"].item() == 1.0
    for step in range(3, 3 + KEPT):
        write(checkpoints, step)
    assert [path.name for path in (tmp_path / "best").iterdir()] == ["step-00000002-epoch-0001"]


def test_a_checkpoint_whose_best_weights_are_damaged_is_passed_over(checkpoints: Checkpoints, tmp_path: Path) -> None:
    write(checkpoints, 1)
    checkpoints.write_best(state(2), {"w": torch.tensor([1.0])})
    write(checkpoints, 2)
    file = next((tmp_path / "best").rglob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert newest_step(tmp_path) == 1


def test_a_full_disk_yields_and_leaves_the_older_checkpoint(
    checkpoints: Checkpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(checkpoints, 1)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "save_file", full)
    with pytest.raises(TrainingYielded, match="disk is full"):
        write(checkpoints, 2)
    assert newest_step(tmp_path) == 1
