from array import array
from pathlib import Path

import pytest

from tanren.data.records import RecordSource
from tanren.training.overlap import overlap
from tanren.training.token_sets import TokenSet, TokenSetWriter
from tanren.training.tokenization import TokenSequence


def token_set(path: Path, contents: list[int]) -> TokenSet:
    writer = TokenSetWriter(path, id_limit=300)
    for line, content in enumerate(contents, start=1):
        source = RecordSource(file=path.name, line=line)
        writer.add(TokenSequence(ids=array("i", [1, 2]), loss_mask=b"\0\1", source=source), content=content)
    writer.finish()
    return TokenSet(path)


@pytest.mark.parametrize("block_rows", [2, 1000])
def test_validation_rows_that_are_trained_on_are_counted_and_the_first_is_placed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_rows: int
) -> None:
    monkeypatch.setattr("tanren.training.token_sets._BLOCK_ROWS", block_rows)
    most = 2**64 - 1
    training = token_set(tmp_path / "train", [5, most, 8, 5, 0, 8])
    found = overlap(training, token_set(tmp_path / "validation", [7, 8, 9, 8, most, 0]))
    assert found is not None
    assert (found.count, found.place.line, found.trained_place.line) == (4, 2, 3)
    assert (found.place.file, found.trained_place.file) == ("validation", "train")


@pytest.mark.parametrize(("training", "validation"), [([], [1]), ([1], []), ([1, 2], [3, 0, 2**64 - 1])])
def test_sets_without_a_row_in_common_overlap_nowhere(
    tmp_path: Path, training: list[int], validation: list[int]
) -> None:
    assert overlap(token_set(tmp_path / "t", training), token_set(tmp_path / "v", validation)) is None
