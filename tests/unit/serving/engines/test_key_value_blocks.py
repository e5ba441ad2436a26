"""No block has two owners that differ, none is lost, and what was promised is there."""

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tanren.serving.engines.key_value_blocks import BlockTable, KeyValueBlocks, next_key, root_key
from tanren.serving.engines.stepper import BLOCK_TOKENS

COUNT = 12


def keys_of(root: bytes, blocks: list[int]) -> list[bytes]:
    """Keys of a beginning whose blocks are all of one token each."""
    keys: list[bytes] = []
    for token in blocks:
        keys.append(next_key(keys[-1] if keys else root, [token] * BLOCK_TOKENS))
    return keys


def filled(blocks: KeyValueBlocks, keys: list[bytes]) -> BlockTable:
    """A sequence that has computed the blocks of these keys."""
    table = blocks.open(len(keys), keys)
    assert table is not None
    while table.promised:
        blocks.extend(table)
    for block, key in zip(table.blocks, keys, strict=True):
        blocks.know(block, key)
    return table


ROOT = root_key(adapter_sha256="", scope="")


def test_a_beginning_is_found_again_after_its_sequence_has_ended():
    blocks = KeyValueBlocks(COUNT)
    first = filled(blocks, keys_of(ROOT, [1, 2, 3]))
    held = list(first.blocks)
    blocks.close(first)
    assert (blocks.used_count, blocks.kept_count) == (0, 3)
    table = blocks.open(5, keys_of(ROOT, [1, 2, 9]))
    assert table is not None
    assert table.blocks == held[:2]
    assert table.promised == 3


def test_two_sequences_that_begin_alike_hold_the_same_blocks_until_the_last_ends():
    blocks = KeyValueBlocks(COUNT)
    keys = keys_of(ROOT, [1, 2])
    first, second = filled(blocks, keys), filled(blocks, keys)
    assert first.blocks == second.blocks
    assert blocks.used_count == 2
    blocks.close(first)
    assert (blocks.used_count, blocks.kept_count) == (2, 0)
    blocks.close(second)
    assert (blocks.used_count, blocks.kept_count) == (0, 2)


@pytest.mark.parametrize("other", [("b", "acct"), ("", "acct"), ("a", "other"), ("a", "")])
def test_nothing_is_found_across_adapters_or_scopes(other: tuple[str, str]):
    blocks = KeyValueBlocks(COUNT)
    blocks.close(filled(blocks, keys_of(root_key(adapter_sha256="a", scope="acct"), [1, 2])))
    table = blocks.open(2, keys_of(root_key(adapter_sha256=other[0], scope=other[1]), [1, 2]))
    assert table is not None
    assert table.blocks == []


def test_a_scope_cannot_spell_an_adapter():
    assert root_key(adapter_sha256="ab", scope="c") != root_key(adapter_sha256="a", scope="bc")


def test_what_is_unused_for_longest_is_given_up_first_and_the_end_of_a_beginning_before_its_start():
    blocks = KeyValueBlocks(4)
    blocks.close(filled(blocks, keys_of(ROOT, [1, 2])))
    blocks.close(filled(blocks, keys_of(ROOT, [3])))
    blocks.close(filled(blocks, keys_of(ROOT, [1])))  # used again, so its end is now the oldest
    blocks.close(filled(blocks, keys_of(ROOT, [7, 8])))
    found = {tokens: len(_found(blocks, list(tokens))) for tokens in ((1, 2), (3,), (7, 8))}
    assert found == {(1, 2): 1, (3,): 1, (7, 8): 2}


def _found(blocks: KeyValueBlocks, tokens: list[int]) -> list[int]:
    table = blocks.open(len(tokens), keys_of(ROOT, tokens))
    assert table is not None
    found = list(table.blocks)
    blocks.close(table)
    return found


def test_what_a_damaged_sequence_computed_is_found_by_nobody():
    blocks = KeyValueBlocks(COUNT)
    keys = keys_of(ROOT, [1, 2])
    sharing, damaged = filled(blocks, keys), filled(blocks, keys)
    blocks.close(damaged, is_damaged=True)
    assert _found(blocks, [1, 2]) == []
    blocks.close(sharing)
    assert (blocks.used_count, blocks.kept_count) == (0, 0)


def test_a_second_block_with_the_same_content_is_not_kept():
    blocks = KeyValueBlocks(COUNT)
    (key,) = keys_of(ROOT, [1])
    first, second = blocks.open(1), blocks.open(1)
    assert first is not None
    assert second is not None
    for table in (first, second):
        blocks.know(blocks.extend(table), key)
    for table in (first, second):
        blocks.close(table)
    assert blocks.kept_count == 1


class Sequences(RuleBasedStateMachine):
    """Any sequences, against the definition: a block is held by those that name it, and by nobody else."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = KeyValueBlocks(COUNT)
        self.open: list[tuple[BlockTable, list[bytes]]] = []

    @rule(tokens=st.lists(st.integers(0, 1), max_size=4), longer=st.integers(1, 4), scope=st.sampled_from(["x", "y"]))
    def begin(self, tokens: list[int], longer: int, scope: str) -> None:
        keys = keys_of(root_key(adapter_sha256="", scope=scope), tokens)
        promised = sum(table.promised for table, _ in self.open)
        held = {block for table, _ in self.open for block in table.blocks}
        table = self.blocks.open(len(tokens) + longer, keys)
        if table is None:
            assert COUNT - len(held) - promised < len(tokens) + longer
        else:
            assert len(table.blocks) + table.promised == len(tokens) + longer
            self.open.append((table, keys))

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 10**6), takes_over=st.booleans())
    def go_on(self, which: int, takes_over: bool) -> None:
        table, keys = self.open[which % len(self.open)]
        at = len(table.blocks)
        if not table.promised or (takes_over and at < len(keys) and self.blocks.adopt(table, keys[at])):
            return
        others = {block for other, _ in self.open for block in other.blocks}
        block = self.blocks.extend(table)
        assert block not in others
        if at < len(keys):
            self.blocks.know(block, keys[at])

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 10**6), is_damaged=st.booleans())
    def end(self, which: int, is_damaged: bool) -> None:
        table, _ = self.open.pop(which % len(self.open))
        self.blocks.close(table, is_damaged=is_damaged)

    @invariant()
    def every_block_is_accounted_for(self) -> None:
        counts = Counter(block for table, _ in self.open for block in table.blocks)
        assert self.blocks.used_count == len(counts)
        assert [self.blocks._holders[block] for block in range(COUNT)] == [counts[block] for block in range(COUNT)]
        free, kept = set(self.blocks._free), set(self.blocks._kept)
        assert len(self.blocks._free) == len(free)
        assert sorted([*free, *kept, *counts]) == list(range(COUNT))
        assert sum(table.promised for table, _ in self.open) <= len(free) + len(kept)
        assert all(self.blocks._known[key] == block for block, key in enumerate(self.blocks._key_of) if key)

    @invariant()
    def all_that_was_promised_can_be_taken(self) -> None:
        assert self.blocks._promised == sum(table.promised for table, _ in self.open)


TestSequences = Sequences.TestCase
TestSequences.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
