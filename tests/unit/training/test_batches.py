from hypothesis import given
from hypothesis import strategies as st

from tanren.training.batches import batch_indexes, epoch_order, steps_per_epoch

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


GOLDEN_ORDER = (7, 2, 4, 3, 1, 6, 5, 0)
