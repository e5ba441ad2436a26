"""How many prompt rows a tick takes, on machines that are simulated: seconds of a tick are `weights + rows · row`."""

from hypothesis import given
from hypothesis import strategies as st

from tanren.serving.engines.prompt_pace import LEAST_ROWS, TICK_SECONDS, PromptPace
from tanren.serving.engines.stepper import BLOCK_TOKENS

MOST = 256


def ticked(pace: PromptPace, *, weights: float, row: float, times: int = 20) -> int:
    """The rows that it comes to, many prompts waiting."""
    for _ in range(times):
        rows = pace.rows(beside_answers=True)
        pace.took(rows, weights + rows * row)
    return pace.rows(beside_answers=True)


@given(weights=st.floats(0.001, 0.5), row=st.floats(0.00001, 0.02))
def test_beside_answers_a_tick_lasts_as_long_as_it_may_or_has_the_least_or_the_most_rows(weights: float, row: float):
    rows = ticked(PromptPace(MOST), weights=weights, row=row)
    assert LEAST_ROWS <= rows <= MOST
    assert rows % BLOCK_TOKENS == 0
    assert rows == LEAST_ROWS or weights + rows * row <= TICK_SECONDS * 1.001
    # Nor is there room for two blocks more: of one, rounding may have taken the most part.
    assert rows == MOST or weights + (rows + 2 * BLOCK_TOKENS) * row > TICK_SECONDS * 0.7


def test_with_nobody_to_keep_waiting_a_tick_has_the_most_rows():
    pace = PromptPace(MOST)
    assert pace.rows(beside_answers=False) == MOST
    ticked(pace, weights=0.5, row=0.02)
    assert pace.rows(beside_answers=False) == MOST


def test_a_tick_that_was_held_up_once_is_made_good_by_the_next_ones():
    pace = PromptPace(MOST)
    before = ticked(pace, weights=0.02, row=0.0004)
    pace.took(before, 30.0)
    assert pace.rows(beside_answers=True) >= before // 2 - BLOCK_TOKENS
    assert ticked(pace, weights=0.02, row=0.0004, times=3) == before


@given(rows=st.integers(0, MOST))
def test_a_tick_with_fewer_rows_than_it_might_have_had_slows_nothing_down_if_it_was_in_time(rows: int):
    pace = PromptPace(MOST)
    before = ticked(pace, weights=0.03, row=0.0005)
    pace.took(rows, min(TICK_SECONDS, 0.03 + rows * 0.0005))
    assert pace.rows(beside_answers=True) >= before


@given(most=st.integers(32, 300))
def test_never_more_than_the_limit_however_fast_or_slow_the_ticks(most: int):
    pace = PromptPace(most)
    for row in (0.00001, 0.02):
        assert ticked(pace, weights=0.001, row=row) <= most
    assert pace.rows(beside_answers=False) == most
