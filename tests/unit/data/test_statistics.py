from hypothesis import given
from hypothesis import strategies as st

from tanren.data.statistics import lengths


@given(values=st.lists(st.integers(0, 100_000), min_size=1, max_size=60))
def test_every_record_is_in_one_bar(values: list[int]) -> None:
    found = lengths(values)
    assert (found.count, found.total, found.least, found.largest) == (
        len(values),
        sum(values),
        min(values),
        max(values),
    )
    assert sum(number for _, _, number in found.histogram) == len(values)
    for low, high, number in found.histogram:
        assert number == sum(low <= value < high for value in values)
