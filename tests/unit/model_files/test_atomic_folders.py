from pathlib import Path

import pytest

from tanren.model_files.atomic_folders import new_folder, replace_file


def test_a_folder_that_is_not_finished_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "x"
    with new_folder(target) as folder:
        (folder / "f").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        _interrupted(target)
    assert (target / "f").read_text() == "old"
    with new_folder(target) as folder:
        (folder / "g").write_text("new")
    assert [path.name for path in target.iterdir()] == ["g"]
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    replace_file(tmp_path / "f", "a")
    replace_file(tmp_path / "f", "b")
    assert (tmp_path / "f").read_text() == "b"
    assert len(list(tmp_path.iterdir())) == 1


def _interrupted(target: Path) -> None:
    with new_folder(target) as folder:
        (folder / "f").write_text("new")
        raise KeyboardInterrupt
