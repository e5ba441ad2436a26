import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanren.training.schedule import learning_rate_at
from tanren.training.spec import TrainingSpec


def rates(total: int, schedule: str, warmup: int) -> list[float]:
    spec = TrainingSpec.from_json({"schedule": schedule, "warmup_steps": warmup, "learning_rate": 1.0})
    return [learning_rate_at(step, spec, total_steps=total) for step in range(total)]


@given(total=st.integers(1, 50), schedule=st.sampled_from(["linear", "cosine", "constant"]), warmup=st.integers(0, 60))
def test_the_rate_is_never_zero_and_never_above_the_given_one(total: int, schedule: str, warmup: int) -> None:
    values = rates(total, schedule, warmup)
    assert all(0 < value <= 1 for value in values)
    rising, falling = values[:warmup], values[warmup:]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)
    if falling:
        assert falling[0] == pytest.approx(1)


def test_the_shapes_are_the_known_ones() -> None:
    assert rates(4, "linear", 0) == [1, 0.75, 0.5, 0.25]
    assert rates(4, "constant", 1) == [0.5, 1, 1, 1]
    assert rates(4, "cosine", 0)[2] == pytest.approx(0.5)
