import gzip
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanren.data import json_lines
from tanren.data.containers import open_container, pieces_of
from tanren.data.json_lines import JsonRow, NotJsonLines

ROW = {"prompt": "Where is the forge?", "completion": "In Seki."}


def lines_in(content: bytes, size: int, file: str = "f.jsonl") -> list[bytes]:
    pieces = [content[a:b] for a, b in pairwise([*range(0, len(content), size), len(content)])]
    blocks = open_container(pieces, file=file).blocks
    assert blocks is not None
    return [line for block in blocks for line in block.lines]


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(st.binary(max_size=20).map(lambda raw: b"{" + raw.replace(b"\n", b"")), min_size=1, max_size=8),
    members=st.integers(1, 3),
    size=st.integers(1, 50),
)
def test_a_compressed_file_of_several_members_has_all_lines(lines: list[bytes], members: int, size: int) -> None:
    content = b"\n".join([b'{"prompt": 1}', *lines]) + b"\n"
    cut = [content[a:b] for a, b in pairwise([round(n * len(content) / members) for n in range(members + 1)])]
    packed = b"".join(gzip.compress(piece, mtime=0) for piece in cut)
    assert lines_in(packed + b"\0\0", size) == lines_in(content, size) == content[:-1].split(b"\n")


def test_a_small_file_that_unpacks_to_one_endless_line_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "LINE_BYTES_CAP", 1 << 20)
    bomb = gzip.compress(b'{"prompt": "' + b"a" * (8 << 20), mtime=0)
    with pytest.raises(NotJsonLines) as caught:
        lines_in(bomb, 1_000)
    assert caught.value.finding.rule == "line-too-long"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", json.dumps(ROW).encode()),
        ("rows.jsonl", b"  \n" + json.dumps([ROW]).encode()),
        ("rows.txt", b"completion;prompt\nIn Seki.;Where is the forge?\n"),
        ("rows.csv.gz", gzip.compress(b'"prompt","completion"\r\n"Where is the forge?","In Seki."\r\n', mtime=0)),
    ],
)
def test_the_content_tells_the_kind_of_file_before_its_name_does(name: str, content: bytes) -> None:
    opened = open_container([content], file=name)
    assert [row.value for row in opened.every_row(name) if isinstance(row, JsonRow)] == [ROW]


def test_a_file_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * 600_000)
    pieces = list(pieces_of(path))
    assert b"".join(pieces) == b"x" * 600_000
    assert len(pieces) == 3
