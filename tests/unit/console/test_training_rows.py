"""Rows of training data, as they were judged or edited in a page."""

import json

import pytest

from tanren.console.training_rows import TrainingRow, UnreadableRows, jsonl, read_rows, row_shape, split_rows

ROW = TrainingRow(question="Q", answer="A", system="S")


def test_a_system_prompt_is_kept_whatever_shape_was_wanted():
    assert row_shape([ROW], "prompt-completion") == "messages"
    assert json.loads(jsonl([ROW], "messages"))["system"] == "S"


def test_rows_without_a_system_prompt_are_pairs_where_that_was_wanted():
    plain = TrainingRow(question="Q", answer="A")
    assert row_shape([plain], "prompt-completion") == "prompt-completion"
    assert json.loads(jsonl([plain], "prompt-completion")) == {"prompt": "Q", "completion": "A"}


def test_emptied_rows_are_left_out():
    assert read_rows('[{"question": " ", "answer": "A"}, {"question": "Q", "answer": "A"}]') == (
        TrainingRow(question="Q", answer="A"),
    )


@pytest.mark.parametrize("text", ["", "x", "{}", "[1]", '[{"question": 1, "answer": "A"}]'])
def test_what_no_page_sends_is_refused(text: str):
    with pytest.raises(UnreadableRows):
        read_rows(text)


def test_half_a_character_becomes_a_question_mark_and_no_error():
    assert b"?" in jsonl([TrainingRow(question="\ud800", answer="A")], "messages")


@pytest.mark.parametrize("count", [1, 2, 5, 10, 99])
@pytest.mark.parametrize("percent", [0, 10, 50, 90])
def test_every_row_is_in_one_part_and_at_least_one_is_trained_on(count: int, percent: int):
    rows = [TrainingRow(question=str(number), answer="A") for number in range(count)]
    training, validation = split_rows(rows, percent=percent)
    assert sorted([*training, *validation], key=lambda row: int(row.question)) == rows
    assert training
    assert len(validation) <= count / 2
