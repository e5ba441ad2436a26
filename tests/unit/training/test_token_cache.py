import errno
import multiprocessing
import os
from array import array
from pathlib import Path

import pytest

from tanren.data.records import RecordSource
from tanren.training.reporting import TrainingYielded
from tanren.training.token_cache import TokenCache
from tanren.training.token_sets import TokenSetWriter
from tanren.training.tokenization import TokenSequence


def rows(first: int, count: int = 2) -> list[TokenSequence]:
    source = RecordSource(file="f", line=1)
    return [TokenSequence(ids=array("i", [first, 2, 3]), loss_mask=b"\0\1\1", source=source)] * count


def fill(cache: TokenCache, key: str, *, first: int = 1, count: int = 2) -> list[TokenSequence]:
    def write(writer: TokenSetWriter) -> None:
        for row in rows(first, count):
            writer.add(row, content=0)

    return list(cache.make(key, id_limit=300, write=write))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_made_is_found_by_its_key_in_another_process_too(tmp_path: Path) -> None:
    made = fill(TokenCache(tmp_path), "a")
    found = TokenCache(tmp_path).get("a")
    assert found is not None
    assert list(found) == made
    assert TokenCache(tmp_path).get("b") is None


@pytest.mark.parametrize("damage", ["torn", "edited", "empty"])
def test_a_damaged_set_is_not_found_and_makes_room(tmp_path: Path, damage: str) -> None:
    fill(TokenCache(tmp_path), "a")
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes({"torn": whole[:-3], "edited": b"\xff" + whole[1:], "empty": b""}[damage])
    assert TokenCache(tmp_path).get("a") is None
    assert names(tmp_path) == []


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def write(writer: TokenSetWriter) -> None:
        writer.add(rows(1)[0], content=0)
        raise KeyError("a fault of the data")

    with pytest.raises(KeyError):
        TokenCache(tmp_path).make("a", id_limit=300, write=write)
    assert names(tmp_path) == []


def test_a_full_disk_lets_the_run_go_and_leaves_nothing(tmp_path: Path) -> None:
    def write(writer: TokenSetWriter) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(TrainingYielded, match="disk is full"):
        TokenCache(tmp_path).make("a", id_limit=300, write=write)
    assert names(tmp_path) == []


def test_of_two_who_write_the_same_set_each_reads_his_own_and_the_last_stays(tmp_path: Path) -> None:
    def write(writer: TokenSetWriter) -> None:
        writer.add(rows(1)[0], content=0)
        assert fill(TokenCache(tmp_path), "a", first=9) == rows(9)

    made = TokenCache(tmp_path).make("a", id_limit=300, write=write)
    assert list(made) == rows(1, 1)
    found = TokenCache(tmp_path).get("a")
    assert found is not None
    assert list(found) == rows(1, 1)
    assert names(tmp_path) == ["a.tokens"]


def test_what_is_unused_for_the_longest_goes_first_and_what_is_in_use_stays(tmp_path: Path) -> None:
    for age, key in ((50, "oldest"), (40, "used"), (30, "newest")):
        fill(TokenCache(tmp_path), key, count=100)
        os.utime(tmp_path / f"{key}.tokens", (1_000_000 - age, 1_000_000 - age))
    size = (tmp_path / "oldest.tokens").stat().st_size
    cache = TokenCache(tmp_path, max_bytes=3 * size)
    assert cache.get("used") is not None
    fill(cache, "made", count=100)
    assert names(tmp_path) == ["made.tokens", "newest.tokens", "used.tokens"]
    narrow = TokenCache(tmp_path, max_bytes=1)
    in_use = narrow.get("newest")
    fill(narrow, "made too", count=100)
    assert names(tmp_path) == ["made too.tokens", "newest.tokens"]
    fill(TokenCache(tmp_path, max_bytes=1), "last")
    assert in_use is not None
    assert len(list(in_use)) == 100


def _die_writing(folder: Path) -> None:
    TokenCache(folder).make("a", id_limit=300, write=lambda writer: os._exit(1))


def test_what_a_dead_writer_left_is_removed_and_what_a_living_one_writes_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = multiprocessing.get_context("spawn").Process(target=_die_writing, args=(tmp_path,))
    child.start()
    child.join()
    (left,) = names(tmp_path)
    assert left.endswith(".writing")
    fill(TokenCache(tmp_path), "b")
    assert left in names(tmp_path)  # it might be so new that it has no lock yet
    monkeypatch.setattr("tanren.training.token_cache._JUST_MADE_SECONDS", 0.0)

    def write(writer: TokenSetWriter) -> None:
        writer.add(rows(1)[0], content=0)
        fill(TokenCache(tmp_path), "b")

    TokenCache(tmp_path).make("a", id_limit=300, write=write)
    assert names(tmp_path) == ["a.tokens", "b.tokens"]
