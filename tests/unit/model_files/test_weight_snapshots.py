"""Weights are handed out when they are asked for, whole, and do not gather."""

import json
import os
from pathlib import Path

import pytest

from tanren.model_files.adapter_inspection import ORIGIN_FILE
from tanren.model_files.weight_snapshots import KEPT, WeightSnapshots


def hand_out(snapshots: WeightSnapshots, step: int, *, seconds: int) -> None:
    folder = snapshots.place(step=step, epoch=1)
    folder.mkdir(parents=True)
    (folder / ORIGIN_FILE).write_text(json.dumps({"sha256": f"of step {step}"}))
    os.utime(folder, (seconds, seconds))
    snapshots.handed_out()


def test_who_asks_is_answered_once(tmp_path: Path) -> None:
    snapshots = WeightSnapshots(tmp_path)
    assert (snapshots.are_wanted, snapshots.newest()) == (False, None)
    snapshots.ask()
    assert snapshots.are_wanted
    hand_out(snapshots, 42, seconds=1)
    newest = snapshots.newest()
    assert newest is not None
    assert (newest.step, newest.epoch, newest.sha256) == (42, 1, "of step 42")
    assert not snapshots.are_wanted


def test_the_newest_is_the_one_written_last_and_older_ones_go(tmp_path: Path) -> None:
    snapshots = WeightSnapshots(tmp_path)
    # An attempt goes on from a checkpoint before the step of the last snapshot.
    for seconds, step in enumerate((10, 50, 20)):
        hand_out(snapshots, step, seconds=seconds)
    newest = snapshots.newest()
    assert newest is not None
    assert newest.step == 20
    assert len(list((tmp_path / "snapshots").iterdir())) == KEPT


def test_a_folder_that_is_being_written_is_none(tmp_path: Path) -> None:
    snapshots = WeightSnapshots(tmp_path)
    (tmp_path / "snapshots" / ".step-00000001-epoch-0001.writing").mkdir(parents=True)
    snapshots.place(step=2, epoch=1).mkdir()
    assert snapshots.newest() is None


def test_nobody_can_ask_where_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        WeightSnapshots(tmp_path / "gone").ask()
