from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanren.data.records import RecordSource
from tanren.training.token_sets import TokenSet, TokenSetDamaged, TokenSetWriter
from tanren.training.tokenization import TokenSequence

LIMITS = [300, 1 << 15, (1 << 15) + 1, 1 << 20]


def sequence(ids: list[int], mask: list[int], *, file: str = "f", line: int = 1) -> TokenSequence:
    return TokenSequence(ids=array("i", ids), loss_mask=bytes(mask), source=RecordSource(file=file, line=line))


def written(path: Path, rows: list[TokenSequence], *, id_limit: int = 300) -> Path:
    writer = TokenSetWriter(path, id_limit=id_limit)
    for index, row in enumerate(rows):
        writer.add(row, content=index)
    writer.finish()
    return path


ROWS = [sequence([7, 1, 299], [0, 1, 1]), sequence([2], [0], file="g", line=2), sequence([3, 4], [1, 1], line=9)]


@given(data=st.data(), id_limit=st.sampled_from(LIMITS))
def test_what_is_read_is_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, id_limit: int
) -> None:
    tokens = st.tuples(st.integers(0, id_limit - 1), st.integers(0, 1))
    rows = [
        sequence([id for id, _ in row], [is_target for _, is_target in row], file=file, line=line)
        for line, (row, file) in enumerate(
            data.draw(st.lists(st.tuples(st.lists(tokens, max_size=9), st.sampled_from("fgh")), max_size=6))
        )
    ]
    path = tmp_path_factory.mktemp("set") / "tokens"
    read = TokenSet(written(path, rows, id_limit=id_limit))
    assert list(read) == rows
    assert read[:] == rows
    assert read[::-2] == rows[::-2]
    assert [read[-1 - i] for i in range(len(rows))] == rows[::-1]
    assert [read.source(i) for i in range(len(rows))] == [row.source for row in rows]
    assert read.token_count == sum(len(row.ids) for row in rows)
    assert read.target_count == sum(row.target_count for row in rows)
    assert read.longest == max((len(row.ids) for row in rows), default=0)
    assert [int(content) for block in read.contents() for content in block] == list(range(len(rows)))


def test_rows_beyond_one_buffer_are_read_as_they_were_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tanren.training.token_sets._BUFFERED_TOKENS", 2)
    monkeypatch.setattr("tanren.training.token_sets._BLOCK_ROWS", 2)
    read = TokenSet(written(tmp_path / "tokens", ROWS))
    assert list(read) == ROWS
    assert [block.tolist() for block in read.contents()] == [[0, 1], [2]]


def test_an_index_outside_is_refused(tmp_path: Path) -> None:
    read = TokenSet(written(tmp_path / "tokens", ROWS))
    for index in (3, -4):
        with pytest.raises(IndexError):
            read[index]


def test_a_file_that_is_torn_anywhere_or_edited_anywhere_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "tokens", ROWS)
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        with pytest.raises(TokenSetDamaged):
            TokenSet(path)
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(TokenSetDamaged):
            TokenSet(path)
    path.write_bytes(whole)
    assert list(TokenSet(path)) == ROWS


def test_the_digest_is_of_ids_masks_lengths_and_places(tmp_path: Path) -> None:
    others = [
        [sequence([7, 1, 298], [0, 1, 1])],
        [sequence([7, 1, 299], [0, 0, 1])],
        [sequence([7, 1, 299], [0, 1, 1], line=2)],
        [sequence([7, 1], [0, 1]), sequence([299], [1])],
        [ROWS[0], ROWS[0]],
        [],
    ]
    digests = [TokenSet(written(tmp_path / "tokens", rows)).digest for rows in [ROWS[:1], *others, ROWS[:1]]]
    assert digests[0] == digests[-1]
    assert len(set(digests)) == len(digests) - 1


def test_a_set_is_readable_after_its_file_is_gone(tmp_path: Path) -> None:
    path = written(tmp_path / "tokens", ROWS)
    read = TokenSet(path)
    path.unlink()
    assert list(read) == ROWS


def test_an_id_outside_the_vocabulary_is_no_token(tmp_path: Path) -> None:
    writer = TokenSetWriter(tmp_path / "tokens", id_limit=300)
    writer.add(sequence([300], [1]), content=0)
    with pytest.raises(AssertionError, match="vocabulary"):
        writer.finish()
    writer.close()
