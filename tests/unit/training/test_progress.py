"""The time that is left, over simulated runs: no clock runs and nothing is trained."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanren.training.progress import RemainingTime, in_words


@given(
    seed=st.integers(0, 10**9),
    steps_per_epoch=st.integers(20, 300),
    epochs=st.integers(2, 6),
    warm_up=st.floats(1, 30),
    stall_share=st.floats(0, 0.03),
    validation_share=st.sampled_from([0.0, 0.1, 0.3]),
)
@settings(max_examples=200, deadline=None)
def test_after_five_percent_the_time_left_is_right_within_a_quarter(
    seed: int, steps_per_epoch: int, epochs: int, warm_up: float, stall_share: float, validation_share: float
) -> None:
    """Steps of other lengths and speeds, a slow first one, some that stand still for a while, validations; from the
    tenth step on, where five percent are fewer."""
    draw = random.Random(seed)
    tokens = [draw.randint(200, 2000) for _ in range(steps_per_epoch)]
    validation_tokens = int(validation_share * sum(tokens))
    rate = 10 ** draw.uniform(-6, -2)
    closing = sum(tokens) * rate * 0.05
    events: list[tuple[str, int, float]] = []
    for _ in range(epochs):
        for count in draw.sample(tokens, len(tokens)):
            seconds = count * rate * draw.uniform(0.8, 1.25)
            seconds *= warm_up if not events else 1
            events.append(("step", count, seconds * (2.5 if draw.random() < stall_share else 1)))
        if validation_tokens:
            events.append(("validation", 0, validation_tokens * rate * draw.uniform(0.28, 0.4)))
    whole = sum(seconds for _, _, seconds in events) + closing
    time = RemainingTime(
        total_tokens=epochs * sum(tokens),
        validation_tokens=validation_tokens,
        validation_count=epochs if validation_tokens else 0,
        closing_seconds=closing,
    )
    passed, done = 0.0, 0
    for kind, count, seconds in events:
        if kind == "step":
            time.after_step(tokens=count, seconds=seconds)
            done += 1
        else:
            time.after_validation(seconds)
        passed += seconds
        if passed >= 0.05 * whole and done >= 10 and kind == "step":
            left = time.remaining_seconds()
            assert left is not None
            assert abs(passed + left - whole) <= 0.25 * whole
    assert time.share == 1
    assert time.remaining_seconds() == pytest.approx(closing)


def test_nobody_can_say_before_the_first_step() -> None:
    time = RemainingTime(total_tokens=10, validation_tokens=0, validation_count=0, closing_seconds=1)
    assert time.remaining_seconds() is None


def test_a_resumed_run_has_less_left() -> None:
    knobs = {"total_tokens": 1000, "validation_tokens": 90, "validation_count": 2, "closing_seconds": 0.0}
    fresh = RemainingTime(**knobs)
    resumed = RemainingTime(**knobs, done_tokens=500, done_validations=1)
    for time in (fresh, resumed):
        time.after_step(tokens=100, seconds=1)
    assert fresh.remaining_seconds() == pytest.approx(9 + 2 * 0.3)
    assert resumed.remaining_seconds() == pytest.approx(4 + 0.3)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (1800, "30 min"), (7500, "2 h 5 min")]
)
def test_durations_read_well(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
