"""The first rows of a file."""

import pytest

from tanren.console.data_preview import ROWS_SHOWN, customization_of, preview_of


def test_a_row_that_was_cut_is_not_shown():
    assert [row.text for row in preview_of(b'{"a": 1}\n{"b":', is_whole=False).rows] == ['{"a": 1}']
    assert [row.text for row in preview_of(b'{"a": 1}\n{"b": 2}', is_whole=True).rows] == ['{"a": 1}', '{"b": 2}']


def test_a_character_that_was_cut_does_not_make_a_file_binary():
    beginning = "鉄\n鍛".encode()[:-1]
    assert [row.text for row in preview_of(beginning, is_whole=False).rows] == ["鉄"]
    assert not preview_of(beginning, is_whole=True).is_text


def test_rows_keep_their_numbers_and_end_after_a_few():
    preview = preview_of(b"a\n\nb\n" * 100, is_whole=True)
    assert [row.line for row in preview.rows[:3]] == [1, 3, 4]
    assert preview.rows[-1].line <= ROWS_SHOWN


def test_an_empty_file_has_no_rows():
    assert preview_of(b"", is_whole=True).rows == ()


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (b'{"input": "text"}', "CONTINUED_PRE_TRAINING"),
        (b'{"input": "a", "output": "b"}', "FINE_TUNING"),
        (b'{"messages": []}', "FINE_TUNING"),
        (b"no JSON", "FINE_TUNING"),
        (b"[1]", "FINE_TUNING"),
        (b"", "FINE_TUNING"),
    ],
)
def test_rows_of_nothing_but_text_are_for_pre_training(row: bytes, kind: str):
    assert customization_of(preview_of(row, is_whole=True)) == kind
