import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanren.data.findings import Finding
from tanren.data.json_documents import json_documents
from tanren.data.json_lines import JsonRow, NotJsonLines

rows = st.lists(
    st.dictionaries(
        st.text(max_size=6),
        st.text(max_size=12) | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
        max_size=4,
    ),
    max_size=8,
)


def cut(content: bytes, size: int) -> list[bytes]:
    return [content[a:b] for a, b in pairwise([*range(0, len(content), size), len(content)])]


@settings(max_examples=150, deadline=None)
@given(values=rows, indent=st.sampled_from([None, 0, 2]), ascii_only=st.booleans(), size=st.integers(1, 40))
def test_every_record_of_an_array_comes_with_its_place(
    values: list[Any], indent: int | None, ascii_only: bool, size: int
) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_only)
    lines = text.split("\n")
    read = list(json_documents(cut(text.encode("utf-8", "replace"), size), file="f", is_array=True))
    assert len(read) == len(values)
    for row, value in zip(read, values, strict=True):
        assert isinstance(row, JsonRow)
        assert row.value == value or not text.isascii()
        assert lines[row.line - 1][row.first_column - 1] == "{"
        for key in value:
            line, column = row.place((key,))
            assert column is not None
            found, _ = json.JSONDecoder().raw_decode(lines[line - 1][column - 1 :])
            assert found == row.value[key]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('[{"a": 1},\n {"a": }]', 2, 8),
        ('[{"a": 1}\n {"a": 2}]', 2, 2),
        ('[{"a": 1},\n', 2, 1),
        ('[{"a": 1}] x', 1, 12),
        ('[{"a": "b', 1, 8),
        ('[{"a": NaN}]', 1, 2),
    ],
)
def test_a_fault_ends_the_array_at_its_place(text: str, line: int, column: int) -> None:
    with pytest.raises(NotJsonLines) as caught:
        list(json_documents([text.encode()], file="f", is_array=True))
    assert (caught.value.finding.rule, caught.value.finding.line) == ("invalid-json", line)
    assert caught.value.finding.column == column


def test_bytes_that_are_no_text_end_the_array_at_their_line() -> None:
    with pytest.raises(NotJsonLines) as caught:
        list(json_documents([b'[{"a": "b"},\n{"a": "\xff"}]'], file="f", is_array=True))
    assert (caught.value.finding.rule, caught.value.finding.line) == ("invalid-utf-8", 2)


def test_a_key_that_stands_twice_is_found_where_it_does() -> None:
    (found,) = json_documents([b'[{"a": 1,\n  "a": 2}]'], file="f", is_array=True)
    assert isinstance(found, Finding)
    assert (found.rule, found.line, found.column) == ("duplicate-key", 2, 3)
