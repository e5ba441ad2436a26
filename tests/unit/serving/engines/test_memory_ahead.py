"""Which blocks are touched before any sequence has them, over a stepper that notes them."""

from hypothesis import given
from hypothesis import strategies as st

from tanren.serving.engines.memory_ahead import MOST_BYTES, MOST_TOKENS, MemoryAhead
from tanren.serving.engines.stepper import BLOCK_TOKENS
from tests.unit.serving.engines.hashing_stepper import HashingStepper


def gone_on(memory: MemoryAhead, taken: int) -> None:
    while memory.is_behind(taken):
        memory.go_on(taken)


@given(
    count=st.integers(1, 700),
    block_bytes=st.integers(1, 2 * MOST_BYTES),
    steps=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 90)), max_size=12),
)
def test_the_next_blocks_are_touched_once_each_and_no_more_than_the_margin(
    count: int, block_bytes: int, steps: list[tuple[int, int]]
):
    stepper = HashingStepper(block_count=count, block_bytes=block_bytes)
    memory = MemoryAhead(stepper)
    margin = min(MOST_TOKENS // BLOCK_TOKENS, MOST_BYTES // block_bytes)
    taken = 0
    for more, bits in steps:
        taken = min(taken + more, count)
        for _ in range(bits):  # a request comes before all is touched
            if memory.is_behind(taken):
                memory.go_on(taken)
    gone_on(memory, taken)
    assert stepper.touched == sorted(set(stepper.touched))
    assert set(range(taken, min(taken + margin, count))) <= set(stepper.touched)
    assert all(block < min(taken + margin, count) for block in stepper.touched)


def test_what_sequences_have_taken_meanwhile_is_not_touched_afterwards():
    stepper = HashingStepper(block_count=2000, block_bytes=1 << 10)
    memory = MemoryAhead(stepper)
    gone_on(memory, 0)
    assert stepper.touched == list(range(640))
    gone_on(memory, 700)
    assert stepper.touched == [*range(640), *range(700, 1340)]
