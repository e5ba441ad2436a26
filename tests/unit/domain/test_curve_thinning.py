import math

from hypothesis import given
from hypothesis import strategies as st

from tanren.domain.curve_thinning import thinned

heights = st.lists(st.floats(-1e6, 1e6) | st.just(math.nan) | st.just(math.inf), max_size=200)


@given(heights, st.integers(1, 100))
def test_a_thinned_curve_has_as_many_of_its_own_points_as_asked_for_in_their_order(ys: list[float], most: int):
    indices = list(range(len(ys)))
    kept = thinned(indices, indices, ys, most=most)
    assert len(kept) == min(most, len(ys))
    assert kept == sorted(set(kept))
    if ys:
        assert kept[-1] == indices[-1]
    if ys and most > 1:
        assert kept[0] == 0


@given(st.integers(1, 998), st.sampled_from([-1.0, 1.0]))
def test_a_lone_peak_stays(place: int, height: float):
    indices = list(range(1000))
    ys = [height if index == place else 0.0 for index in indices]
    assert place in thinned(indices, indices, ys, most=20)


def test_a_curve_that_is_short_enough_is_left_alone():
    assert thinned("abc", [0, 1, 2], [3, 1, 2], most=3) == ["a", "b", "c"]
