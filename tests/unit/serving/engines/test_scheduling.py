"""Whatever arrives and leaves: each sequence gets its own tokens, none waits for ever, nothing is left behind."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanren.serving.engines.key_value_blocks import KeyValueBlocks, root_key
from tanren.serving.engines.prompt_pace import PromptPace
from tanren.serving.engines.scheduling import PagedTokens, Schedule, Tick, blocks_for
from tanren.serving.engines.stepper import BLOCK_TOKENS, NO_ADAPTER
from tests.unit.serving.engines.hashing_stepper import HashingStepper, answer_ids

CONTEXT_LENGTH = 256
ADAPTERS = ("", "one", "two")


def paged(
    prompt: Iterable[int], *, new: int = 4, adapter: str = "", scope: str = "", needs_logits: bool = False
) -> PagedTokens:
    ids = list(prompt)
    return PagedTokens(
        ids=ids,
        prompt_length=len(ids),
        longest=min(len(ids) + new, CONTEXT_LENGTH),
        root=root_key(adapter_sha256=adapter, scope=scope),
        adapter=ADAPTERS.index(adapter) - 1,
        needs_logits=needs_logits,
    )


class Machine:
    """A schedule over a stepper, ticked by hand."""

    def __init__(self, *, block_count: int = 64, places: int = 8, prompt_rows: int = 64) -> None:
        self.stepper = HashingStepper(block_count=block_count)
        for name in ADAPTERS[1:]:
            self.stepper.add_adapter({name: None})
        self.schedule = Schedule(
            KeyValueBlocks(block_count), places=places, context_length=CONTEXT_LENGTH, pace=PromptPace(prompt_rows)
        )
        self.running: list[PagedTokens] = []

    def admit(self, tokens: PagedTokens) -> bool:
        is_admitted = self.schedule.admit(tokens)
        if is_admitted:
            self.running.append(tokens)
        return is_admitted

    def tick(self) -> Tick | None:
        tick = self.schedule.next_tick()
        if tick is not None:
            made = self.stepper.step(tick.rows)
            self.schedule.computed(tick)
            for tokens, token in zip(tick.asked, made.best_S.tolist(), strict=True):
                tokens.ids.append(token)
                if len(tokens.ids) >= tokens.longest:
                    self.leave(tokens)
        return tick

    def leave(self, tokens: PagedTokens) -> None:
        self.running.remove(tokens)
        self.schedule.leave(tokens)

    def run(self) -> None:
        while self.running:
            assert self.tick() is not None


def answered(tokens: PagedTokens) -> list[int]:
    return tokens.ids[tokens.prompt_length :]


def right_answer(tokens: PagedTokens) -> list[int]:
    prompt = tokens.ids[: tokens.prompt_length]
    return answer_ids(ADAPTERS[tokens.adapter + 1], prompt, len(tokens.ids) - len(prompt))


def counts(tick: Tick | None) -> dict[PagedTokens, int]:
    assert tick is not None
    return {stretch.tokens: stretch.count for stretch in tick.stretches}


prompts = st.builds(
    lambda shared, own, tail: [1] * (shared * BLOCK_TOKENS) + [2] * (own * BLOCK_TOKENS) + tail,
    st.integers(0, 3),
    st.integers(0, 2),
    st.lists(st.integers(0, 3), min_size=1, max_size=20),
)
arrivals = st.lists(
    st.tuples(
        st.builds(
            paged,
            prompts,
            new=st.integers(1, 40),
            adapter=st.sampled_from(ADAPTERS),
            scope=st.sampled_from(["x", "y"]),
            needs_logits=st.booleans(),
        ),
        st.integers(0, 6),  # ticks until it arrives
        st.none() | st.integers(0, 12),  # ticks until it is cancelled
    ),
    max_size=14,
)


@settings(max_examples=120, deadline=None)
@given(
    arrivals=arrivals,
    block_count=st.integers(10, 40),
    places=st.integers(1, 6),
    prompt_rows=st.sampled_from([32, 40, 64, 256]),
)
def test_whatever_arrives_and_leaves_every_sequence_gets_exactly_its_own_tokens_and_all_blocks_come_back(
    arrivals: list[tuple[PagedTokens, int, int | None]], block_count: int, places: int, prompt_rows: int
):
    machine = Machine(block_count=block_count, places=places, prompt_rows=prompt_rows)
    coming = [each for each in arrivals if each[0].blocks_needed <= block_count]
    cancelled_after = {tokens: after for tokens, _, after in coming}
    waiting: list[PagedTokens] = []
    for now in range(10_000):
        waiting += [tokens for tokens, at, _ in coming if at == now]
        while waiting and machine.admit(waiting[0]):
            waiting.pop(0)
        for tokens in [each for each in machine.running if cancelled_after[each] == now]:
            machine.leave(tokens)
        if now > 6 and not waiting and not machine.running:
            break
        machine.tick()
    else:
        pytest.fail("some sequence never ends")
    for tokens, _, after in coming:
        assert answered(tokens) == right_answer(tokens)
        assert after is not None or len(tokens.ids) == tokens.longest
    assert machine.schedule.blocks.used_count == 0
    assert machine.schedule.active_count == 0


def test_every_running_answer_has_its_row_in_every_tick_whatever_prompts_are_read():
    machine = Machine(prompt_rows=32, places=4)
    answering = [paged([index], new=30) for index in range(3)]
    for tokens in answering:
        assert machine.admit(tokens)
    machine.tick()
    assert machine.admit(paged(range(60), new=2))
    while machine.running:
        before = {tokens: len(tokens.ids) for tokens in machine.running}
        tick = machine.tick()
        for tokens in set(answering) & set(before):
            assert counts(tick)[tokens] == 1
            assert len(tokens.ids) == before[tokens] + 1


def test_a_tick_reads_no_more_prompt_tokens_than_it_may_and_stops_at_the_ends_of_blocks():
    machine = Machine(prompt_rows=50)
    long = paged([index % 60 for index in range(200)])
    assert machine.admit(long)
    assert [counts(machine.tick())[long] for _ in range(5)] == [48, 48, 48, 48, 8]


def test_a_short_prompt_does_not_wait_for_a_long_one_that_came_first():
    machine = Machine(prompt_rows=64)
    long, short = paged([1] * 230), paged([2] * 20)
    assert machine.admit(long)
    machine.tick()
    assert machine.admit(short)
    tick = machine.tick()
    assert counts(tick) == {long: 32, short: 20}
    assert tick is not None
    assert tick.asked == [short]


def test_the_oldest_prompt_goes_on_however_many_short_ones_arrive():
    machine = Machine(prompt_rows=32, places=60, block_count=200)
    long = paged([1] * 240, new=1)
    assert machine.admit(long)
    for tick in range(15):
        assert long in machine.running
        for index in range(3):
            assert machine.admit(paged([2, tick, index] * 5, new=1))
        machine.tick()
    assert long not in machine.running


def test_prompts_that_begin_alike_are_computed_once_also_when_they_come_together():
    machine = Machine(prompt_rows=64)
    shared = [7] * (6 * BLOCK_TOKENS)
    together = [paged([*shared, index]) for index in range(4)]
    for tokens in together:
        assert machine.admit(tokens)
    machine.run()
    later = paged([*shared, 9])
    assert machine.admit(later)
    machine.run()
    computed = sum(len(rows.tokens_M) for rows in machine.stepper.steps)
    answers = sum(len(answered(tokens)) - 1 for tokens in (*together, later))
    assert computed == len(shared) + 5 + answers
    assert [tokens.reused for tokens in (*together, later)] == [0, *[len(shared)] * 4]


def test_the_last_token_of_a_prompt_is_computed_even_if_all_of_it_is_known():
    machine = Machine()
    for _ in range(2):
        tokens = paged([5] * (2 * BLOCK_TOKENS), new=1)
        assert machine.admit(tokens)
        machine.run()
    assert tokens.reused == BLOCK_TOKENS
    assert answered(tokens) == right_answer(tokens)


def test_the_next_turn_of_a_conversation_finds_the_answer_of_the_last():
    machine = Machine()
    first = paged([3] * 20, new=30)
    assert machine.admit(first)
    machine.run()
    second = paged([*first.ids, 4, 4, 4])
    assert machine.admit(second)
    machine.run()
    assert second.reused == 48
    assert answered(second) == right_answer(second)


@pytest.mark.parametrize("other", [{"adapter": "one"}, {"scope": "elsewhere"}])
def test_no_beginning_is_shared_across_adapters_or_scopes(other: dict[str, str]):
    machine = Machine()
    for how in ({}, other):
        tokens = paged([6] * 40, **how)
        assert machine.admit(tokens)
        machine.run()
        assert tokens.reused == 0
        assert answered(tokens) == right_answer(tokens)


def test_a_sequence_is_admitted_when_its_longest_answer_fits_and_then_never_lacks_a_block():
    machine = Machine(block_count=8, places=8)
    first, second, third = (paged([index] * 20, new=60) for index in range(3))  # 5 blocks each
    assert machine.admit(first)
    assert not machine.admit(second)
    machine.run()
    # What the first has left behind gives way.
    assert machine.admit(second)
    assert not machine.admit(third)
    machine.run()
    assert answered(second) == right_answer(second)


def test_the_blocks_of_the_longest_sequence_are_those_that_a_window_needs():
    assert blocks_for(1, 2) == 1
    assert blocks_for(16, 17) == 1  # nothing follows the last token of an answer
    assert blocks_for(16, 18) == 2
    assert blocks_for(255, 256) == 16


def test_a_sequence_that_wants_logits_is_named_among_those_that_are_asked():
    machine = Machine()
    plain, drawn = paged([1, 2]), paged([3, 4], needs_logits=True)
    for tokens in (plain, drawn):
        assert machine.admit(tokens)
    tick = machine.schedule.next_tick()
    assert tick is not None
    assert [tick.asked[index] for index in tick.rows.with_logits_L.tolist()] == [drawn]
    assert tick.rows.adapters_Q.tolist() == [NO_ADAPTER, NO_ADAPTER]


def test_a_tick_that_failed_can_be_computed_part_by_part():
    machine = Machine(prompt_rows=32)
    both = [paged([index] * 40, new=3) for index in range(2)]
    for tokens in both:
        assert machine.admit(tokens)
    failed = machine.schedule.next_tick()
    assert failed is not None
    for stretch in failed.stretches:
        alone = machine.schedule.tick_of([stretch])
        machine.stepper.step(alone.rows)
        machine.schedule.computed(alone)
    machine.run()
    assert all(answered(tokens) == right_answer(tokens) for tokens in both)


def test_places_are_given_to_later_sequences_in_any_order_of_leaving():
    machine = Machine(places=3, block_count=100)
    choice = random.Random(4)
    for round in range(40):
        tokens = paged([round % 50] * 10, new=50)
        while not machine.admit(tokens):
            machine.leave(choice.choice(machine.running))
        machine.tick()
    machine.run()
    assert machine.schedule.blocks.used_count == 0


def test_what_was_computed_for_a_sequence_that_left_meanwhile_is_nobodys():
    machine = Machine(block_count=8)
    left, stays = paged(range(16), new=20), paged(range(16, 32))
    assert machine.admit(left)
    assert machine.admit(stays)
    tick = machine.schedule.next_tick()
    assert tick is not None
    machine.stepper.step(tick.rows)
    machine.leave(left)
    machine.schedule.computed(tick)
    assert machine.schedule.blocks.kept_count == 0
    assert (left.computed, stays.computed) == (0, 16)
