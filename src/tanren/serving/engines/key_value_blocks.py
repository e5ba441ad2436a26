"""Who holds which block of keys and values, and which blocks are worth keeping for the next prompt that begins alike.

A block is in one of three states:

    free    nobody's, and nothing worth keeping in it
    held    by one sequence, or by several that begin alike; counted
    kept    held by nobody, but known under a key: found by the next sequence with that beginning, else given up when a
            free block is needed, the one unused for longest first

A key is a chain of digests: of the adapter and the cache scope, then of each full block's token ids on top of the key
before it. So two blocks have the same key only if everything that went into their keys and values is the same, and a
block of one adapter or of one account is never found by another. Only full blocks are known, since they never change.

Room is promised before it is used: a sequence is given a table for all the blocks that it may ever need, takes them one
by one, and never finds that there is none left. Promised and untaken blocks meanwhile keep what is in them.

Cost     a digest of 64 bytes for each full block, a few dictionary operations for each block taken or given back.
         For one thread, the engine's; the counts may be read from any.
"""

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tanren.serving.engines.stepper import BLOCK_TOKENS


def root_key(*, adapter_sha256: str, scope: str) -> bytes:
    """What the keys of one adapter (empty for the base itself) in one cache scope begin with."""
    parts = [part.encode() for part in (adapter_sha256, scope)]
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()


def next_key(key: bytes, ids: Sequence[int]) -> bytes:
    """The key of a full block with these ids, behind the block (or the root) of `key`."""
    assert len(ids) == BLOCK_TOKENS
    return hashlib.sha256(key + array("i", ids).tobytes()).digest()


@dataclass(slots=True, eq=False)
class BlockTable:
    """The blocks of one sequence, in the order of their positions. Changed by `KeyValueBlocks` only."""

    blocks: list[int] = field(default_factory=list[int])
    promised: int = 0
    """Blocks that it may still take."""


class KeyValueBlocks:
    """All blocks of one stepper."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = list(range(count - 1, -1, -1))
        self._holders = [0] * count
        self._key_of: list[bytes | None] = [None] * count
        self._known: dict[bytes, int] = {}
        self._kept: OrderedDict[int, None] = OrderedDict()
        """Unused for longest first."""
        self._promised = 0
        self.untaken_from = 0
        """Blocks from this one on have never been anybody's: they are taken in order."""

    @property
    def used_count(self) -> int:
        """Held by sequences."""
        return self.count - len(self._free) - len(self._kept)

    @property
    def kept_count(self) -> int:
        return len(self._kept)

    def open(self, needed: int, keys: Sequence[bytes] = ()) -> BlockTable | None:
        """A table that begins with the blocks known under the first of `keys`, with room promised up to `needed`
        blocks; None, and nothing has changed, where there is not so much room now."""
        found = self._known_beginning(keys[:needed])
        left_over = self._room() - sum(self._holders[block] == 0 for block in found)
        if needed - len(found) > left_over:
            return None
        for block in found:
            self._hold(block)
        promised = needed - len(found)
        self._promised += promised
        return BlockTable(blocks=found, promised=promised)

    def adopt(self, table: BlockTable, key: bytes) -> bool:
        """Appends the block known under `key`, if there is one: another sequence has computed it meanwhile."""
        block = self._known.get(key)
        if block is None:
            return False
        self._hold(block)
        self._append(table, block)
        return True

    def extend(self, table: BlockTable) -> int:
        """Appends a block to be written, and says which: a free one, else the kept one unused for longest."""
        if self._free:
            block = self._free.pop()
            self.untaken_from = max(self.untaken_from, block + 1)
        else:
            block, _ = self._kept.popitem(last=False)
            self._forget(block)
        self._holders[block] = 1
        self._append(table, block)
        return block

    def know(self, block: int, key: bytes) -> None:
        """The block is full and computed: it is found under `key` from now on, unless another already is."""
        if self._key_of[block] is None and key not in self._known:
            self._key_of[block] = key
            self._known[key] = block

    def close(self, table: BlockTable, *, is_damaged: bool = False) -> None:
        """Gives everything back. `is_damaged`: what was computed is not to be found by anybody any more."""
        self._promised -= table.promised
        # From the end, so that of one beginning the later blocks are given up before the earlier ones, without which
        # they could not be found.
        for block in reversed(table.blocks):
            if is_damaged:
                self._forget(block)
            self._holders[block] -= 1
            if self._holders[block] == 0:
                if self._key_of[block] is None:
                    self._free.append(block)
                else:
                    self._kept[block] = None
        table.blocks, table.promised = [], 0

    def _room(self) -> int:
        return len(self._free) + len(self._kept) - self._promised

    def _known_beginning(self, keys: Sequence[bytes]) -> list[int]:
        found: list[int] = []
        for key in keys:
            block = self._known.get(key)
            if block is None:
                break
            found.append(block)
        return found

    def _hold(self, block: int) -> None:
        self._holders[block] += 1
        self._kept.pop(block, None)

    def _append(self, table: BlockTable, block: int) -> None:
        assert table.promised > 0, "a sequence takes more blocks than it was promised"
        table.blocks.append(block)
        table.promised -= 1
        self._promised -= 1

    def _forget(self, block: int) -> None:
        key = self._key_of[block]
        if key is not None:
            self._key_of[block] = None
            del self._known[key]
