from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanren.training import batches
from tanren.training.batches import batch_indexes, epoch_order, shuffled, steps_per_epoch

sizes = {"count": st.integers(1, 60), "batch_size": st.integers(1, 20), "seed": st.integers(0, 9)}


@given(**sizes, epoch=st.integers(1, 5))
def test_an_epoch_takes_every_record_once(count: int, batch_size: int, seed: int, epoch: int) -> None:
    steps = range(steps_per_epoch(count, batch_size))
    batches = [
        batch_indexes(count, batch_size=batch_size, seed=seed, epoch=epoch, step_in_epoch=step) for step in steps
    ]
    assert sorted(index for batch in batches for index in batch) == list(range(count))
    assert all(len(batch) == batch_size for batch in batches[:-1])
    assert batches[-1]


@given(**sizes, asked=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 5)), min_size=1, max_size=6))
def test_a_batch_does_not_depend_on_what_was_asked_before(
    count: int, batch_size: int, seed: int, asked: list[tuple[int, int]]
) -> None:
    def batch(epoch: int, step: int) -> tuple[int, ...]:
        return batch_indexes(count, batch_size=batch_size, seed=seed, epoch=epoch, step_in_epoch=step)

    in_order = [batch(*one) for one in asked]
    epoch_order.cache_clear()
    backwards = [batch(*one) for one in reversed(asked)]
    assert in_order == backwards[::-1]


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    orders = {epoch_order(50, seed=seed, epoch=epoch) for seed in range(3) for epoch in range(1, 4)}
    assert len(orders) == 9


def test_the_order_is_the_same_for_ever() -> None:
    assert epoch_order(8, seed=0, epoch=1) == GOLDEN_ORDER
    assert [shuffled(position, 10, seed=0, epoch=1) for position in range(10)] == [9, 7, 8, 5, 2, 0, 4, 3, 1, 6]
    assert batch_indexes(10_000_000, batch_size=2, seed=0, epoch=1, step_in_epoch=0) == (8_066_627, 6_793_127)


@given(count=st.integers(1, 700), seed=st.integers(0, 9), epoch=st.integers(1, 5))
def test_an_order_that_is_not_held_takes_every_record_once_too(count: int, seed: int, epoch: int) -> None:
    assert sorted(shuffled(i, count, seed=seed, epoch=epoch) for i in range(count)) == list(range(count))


def test_an_order_that_is_not_held_is_no_pattern() -> None:
    """Each record is about as often first as any other, and neighbours in the file are none in the order."""
    firsts = [shuffled(0, 7, seed=seed, epoch=1) for seed in range(700)]
    assert all(70 < firsts.count(record) < 130 for record in range(7))
    order = [shuffled(i, 1000, seed=0, epoch=1) for i in range(1000)]
    assert sum(abs(a - b) == 1 for a, b in pairwise(order)) < 10
    assert sum(i == record for i, record in enumerate(order)) < 10
    assert order != [shuffled(i, 1000, seed=0, epoch=2) for i in range(1000)]


@pytest.mark.parametrize("count", [batches.SORTED_RECORDS, batches.SORTED_RECORDS + 1])
def test_a_large_set_has_a_last_batch_of_what_is_left(count: int) -> None:
    last = steps_per_epoch(count, 1000) - 1
    found = batch_indexes(count, batch_size=1000, seed=0, epoch=1, step_in_epoch=last)
    assert len(set(found)) == count - 1000 * last
    assert all(0 <= index < count for index in found)


def test_a_batch_of_very_many_records_holds_no_order() -> None:
    epoch_order.cache_clear()
    batch_indexes(10**12, batch_size=8, seed=0, epoch=1, step_in_epoch=10**10)
    assert epoch_order.cache_info().misses == 0


GOLDEN_ORDER = (7, 2, 4, 3, 1, 6, 5, 0)
