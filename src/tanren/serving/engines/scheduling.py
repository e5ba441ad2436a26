"""Which rows make the next tick: one for each running answer, then as much of the waiting prompts as there is room for.

Admission    in the order of arrival: a sequence gets a place when one is free and blocks are there for its prompt and
             its longest answer. So what has begun is never put back for want of memory; the price is that a request for
             a long answer holds room that a short answer will not use (kept beginnings stay in it until it is needed).
Answers      every sequence that has read its prompt gets its row in every tick, whatever else waits.
Prompts      share the rows that `PromptPace` gives them in a tick: half goes to the one that came first, so that none
             starves, the rest to those with the fewest tokens left, so that a short prompt need not wait for a long
             one. They are cut at the ends of blocks.
Beginnings   a prompt takes over the blocks that an earlier one with the same beginning has computed, also while it is
             being read; what another reads in this tick, it does not read beside it but waits. Its last token is always
             computed: from it the answer follows.

Cost     a few microseconds a sequence and tick, and a list operation a prompt token.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tanren.serving.engines.key_value_blocks import BlockTable, KeyValueBlocks, next_key
from tanren.serving.engines.prompt_pace import PromptPace
from tanren.serving.engines.stepper import BLOCK_TOKENS, TokenRows

NOWHERE: Final = -1
"""The place of a sequence that has none."""


@dataclass(slots=True, eq=False, kw_only=True)
class PagedTokens:
    """A sequence as the schedule sees it: its tokens, and where their keys and values lie."""

    ids: list[int]
    """Prompt and answer so far. Whoever makes a token appends it."""
    prompt_length: int
    longest: int
    """Tokens at most."""
    root: bytes
    """See `key_value_blocks.root_key`."""
    adapter: int
    """A handle, or NO_ADAPTER."""
    needs_logits: bool
    computed: int = 0
    """Tokens whose keys and values are there."""
    reused: int = 0
    """Of those, how many another sequence has computed."""
    table: BlockTable = field(default_factory=BlockTable)
    place: int = NOWHERE
    _keys: list[bytes] = field(default_factory=list[bytes])

    @property
    def unread(self) -> int:
        return len(self.ids) - self.computed

    @property
    def blocks_needed(self) -> int:
        """For all tokens but the last of the longest answer, which nothing follows."""
        return blocks_for(self.prompt_length, self.longest)

    def key(self, index: int) -> bytes:
        """Of the block with this index, whose tokens are known."""
        while len(self._keys) <= index:
            start = len(self._keys) * BLOCK_TOKENS
            before = self._keys[-1] if self._keys else self.root
            self._keys.append(next_key(before, self.ids[start : start + BLOCK_TOKENS]))
        return self._keys[index]

    @property
    def reusable_keys(self) -> list[bytes]:
        """Of the full blocks before the prompt's last token."""
        count = (self.prompt_length - 1) // BLOCK_TOKENS
        return [self.key(index) for index in range(count)]


def blocks_for(prompt_length: int, longest: int) -> int:
    """Blocks that a sequence may need at most."""
    return -(-max(prompt_length, longest - 1) // BLOCK_TOKENS)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The next tokens of one sequence that are to be computed."""

    tokens: PagedTokens
    count: int

    @property
    def is_last(self) -> bool:
        """What follows them is asked for."""
        return self.count == self.tokens.unread


@dataclass(frozen=True, slots=True)
class Tick:
    """One call of the stepper."""

    stretches: list[Stretch]
    rows: TokenRows
    asked: list[PagedTokens]
    """Whose next token is asked for, in the order of `rows.selected_S`."""

    @property
    def prompt_rows(self) -> int:
        """Rows of all stretches that are longer than an answer's."""
        return sum(stretch.count for stretch in self.stretches if stretch.count > 1)


class Schedule:
    """The sequences that have a place. For one thread, the engine's."""

    def __init__(self, blocks: KeyValueBlocks, *, places: int, context_length: int, pace: PromptPace) -> None:
        self.blocks = blocks
        self._pace = pace
        self._active: list[PagedTokens] = []
        """In the order of arrival."""
        self._free_places = list(range(places - 1, -1, -1))
        self._tables_AP: NDArray[np.int32] = np.full((places, blocks_for(1, context_length)), -1, dtype=np.int32)

    @property
    def active_count(self) -> int:
        return len(self._active)

    def admit(self, tokens: PagedTokens) -> bool:
        """Whether the sequence has a place now."""
        if not self._free_places:
            return False
        table = self.blocks.open(tokens.blocks_needed, tokens.reusable_keys)
        if table is None:
            return False
        tokens.table, tokens.place = table, self._free_places.pop()
        tokens.computed = tokens.reused = len(table.blocks) * BLOCK_TOKENS
        self._tables_AP[tokens.place, : len(table.blocks)] = table.blocks
        self._active.append(tokens)
        return True

    def leave(self, tokens: PagedTokens, *, is_damaged: bool = False) -> None:
        """The sequence has ended: its place and its blocks are another's. See `KeyValueBlocks.close`."""
        self._active.remove(tokens)
        self.blocks.close(tokens.table, is_damaged=is_damaged)
        self._tables_AP[tokens.place] = -1
        self._free_places.append(tokens.place)
        tokens.place = NOWHERE

    def next_tick(self) -> Tick | None:
        """What to compute next; None where no sequence has a place."""
        if not self._active:
            return None
        answers = [Stretch(tokens, 1) for tokens in self._active if tokens.unread == 1]
        prompts = [tokens for tokens in self._active if tokens.unread > 1]
        rows = self._pace.rows(beside_answers=bool(answers))
        return self.tick_of([*answers, *(self._prompt_stretches(prompts, rows) if prompts else ())])

    def tick_of(self, stretches: list[Stretch]) -> Tick:
        """The call that computes these stretches; the blocks that they fill are taken."""
        ids: list[int] = []
        for stretch in stretches:
            tokens = stretch.tokens
            end = tokens.computed + stretch.count
            while len(tokens.table.blocks) * BLOCK_TOKENS < end:
                index = len(tokens.table.blocks)
                self._tables_AP[tokens.place, index] = self.blocks.extend(tokens.table)
            ids += tokens.ids[tokens.computed : end]
        return Tick(stretches, self._rows(stretches, ids), [each.tokens for each in stretches if each.is_last])

    def computed(self, tick: Tick) -> None:
        """The tick has been computed: its full blocks may be found from now on. What was computed for a sequence that
        has left meanwhile is nobody's."""
        for stretch in tick.stretches:
            tokens = stretch.tokens
            if tokens.place == NOWHERE:
                continue
            full = tokens.computed // BLOCK_TOKENS
            tokens.computed += stretch.count
            for index in range(full, tokens.computed // BLOCK_TOKENS):
                self.blocks.know(tokens.table.blocks[index], tokens.key(index))

    def _prompt_stretches(self, prompts: list[PagedTokens], rows: int) -> list[Stretch]:
        for tokens in prompts:
            self._take_over(tokens)
        share = _Share(rows)
        first, *others = prompts
        share.give(first, at_most=-(-rows // 2))
        for tokens in sorted(others, key=lambda tokens: tokens.unread):
            share.give(tokens)
        share.give(first)
        return share.stretches()

    def _take_over(self, tokens: PagedTokens) -> None:
        """Appends the blocks that others have computed since."""
        for key in tokens.reusable_keys[len(tokens.table.blocks) :]:
            if not self.blocks.adopt(tokens.table, key):
                return
            self._tables_AP[tokens.place, len(tokens.table.blocks) - 1] = tokens.table.blocks[-1]
            tokens.computed += BLOCK_TOKENS
            tokens.reused += BLOCK_TOKENS

    def _rows(self, stretches: list[Stretch], ids: list[int]) -> TokenRows:
        paged = [each.tokens for each in stretches]
        counts_Q = np.array([each.count for each in stretches], dtype=np.int32)
        starts_Q = np.array([tokens.computed for tokens in paged], dtype=np.int32)
        ends_Q = counts_Q.cumsum(dtype=np.int32)
        is_last_Q = np.array([each.is_last for each in stretches], dtype=np.bool_)
        logits_Q = np.array([tokens.needs_logits for tokens in paged], dtype=np.bool_)
        most_blocks = max(len(tokens.table.blocks) for tokens in paged)
        rows_M = np.arange(len(ids), dtype=np.int32)
        return TokenRows(
            tokens_M=np.array(ids, dtype=np.int32),
            positions_M=rows_M + np.repeat(starts_Q - (ends_Q - counts_Q), counts_Q),
            sequences_M=np.repeat(np.arange(len(paged), dtype=np.int32), counts_Q),
            blocks_QP=np.ascontiguousarray(self._tables_AP[[tokens.place for tokens in paged], :most_blocks]),
            adapters_Q=np.array([tokens.adapter for tokens in paged], dtype=np.int32),
            selected_S=ends_Q[is_last_Q] - 1,
            with_logits_L=np.flatnonzero(logits_Q[is_last_Q]).astype(np.int32),
        )


class _Share:
    """The prompt rows of one tick, as they are given out."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._counts: dict[PagedTokens, int] = {}
        self._being_read: set[bytes] = set()
        """Keys of the blocks that are read in this tick."""

    def give(self, tokens: PagedTokens, *, at_most: int | None = None) -> None:
        """More of this prompt, as much as there is."""
        given = self._counts.get(tokens, 0)
        room = self._rows if at_most is None else min(self._rows, at_most)
        count = given + min(room, tokens.unread - given)
        if count < tokens.unread:
            count -= (tokens.computed + count) % BLOCK_TOKENS
        if count <= given or (not given and self._is_being_read(tokens)):
            return
        self._rows -= count - given
        self._counts[tokens] = count
        first, end = (tokens.computed + given) // BLOCK_TOKENS, (tokens.computed + count) // BLOCK_TOKENS
        self._being_read.update(tokens.key(index) for index in range(first, end))

    def stretches(self) -> list[Stretch]:
        return [Stretch(tokens, count) for tokens, count in self._counts.items()]

    def _is_being_read(self, tokens: PagedTokens) -> bool:
        index = tokens.computed // BLOCK_TOKENS
        return index < (tokens.prompt_length - 1) // BLOCK_TOKENS and tokens.key(index) in self._being_read
