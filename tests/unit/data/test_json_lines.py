from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanren.data import json_lines
from tanren.data.json_lines import lines_of
from tanren.domain.errors import JobFailed


@given(content=st.binary(max_size=60), cuts=st.lists(st.integers(0, 60)))
def test_lines_are_the_same_however_the_stream_is_cut(content: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    chunks = [content[a:b] for a, b in pairwise(edges)]
    lines = list(lines_of(chunks, file="f"))
    assert b"".join(lines) == content
    assert all(line.endswith(b"\n") for line in lines[:-1])
    assert all(b"\n" not in line[:-1] for line in lines)


def test_a_line_without_end_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "LINE_BYTES_CAP", 100)
    with pytest.raises(JobFailed, match=r"f line 2 is longer"):
        list(lines_of([b"x\n", *[b"y" * 60] * 10], file="f"))
