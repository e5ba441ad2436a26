"""Lengths as bars."""

from tanren.console.token_histogram import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, token_histogram

COUNTS = [
    {"fromTokens": 10, "belowTokens": 11, "recordCount": 0},
    {"fromTokens": 11, "belowTokens": 40, "recordCount": 3},
    {"fromTokens": 40, "belowTokens": 200, "recordCount": 12},
]


def test_every_bar_lies_in_the_picture_and_the_most_records_fill_it():
    bars = token_histogram(COUNTS)
    assert all(bar.x >= LEFT and bar.x + bar.width <= WIDTH - LEFT for bar in bars)
    assert all(bar.y >= TOP and bar.y + bar.height == HEIGHT - BOTTOM for bar in bars)
    assert max(bar.height for bar in bars) == HEIGHT - BOTTOM - TOP


def test_a_bar_names_the_lengths_that_it_stands_for():
    assert [bar.label for bar in token_histogram(COUNTS)] == ["10", "11–39", "40–199"]


def test_no_records_are_no_bars():
    assert token_histogram([]) == ()
