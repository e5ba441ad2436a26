"""Which records an optimiser step takes: a pure function of (seed, epoch, step), so that no order has to be stored.

Algorithm   up to `SORTED_RECORDS` records, the order of their hashes: every permutation is as likely as any other.
            Above, a Feistel network over the positions, computed for the positions of one batch only: ten thousand
            million records cost what a hundred thousand do, and no order is held.
Why         hashes and not a generator: no library version can change the order, and it has no state.
Source      Black and Rogaway, Ciphers with Arbitrary Finite Domains (2002), section 5: generalised Feistel.
"""

import hashlib
import math
from functools import lru_cache
from typing import Final

SORTED_RECORDS: Final = 1 << 16
_ROUNDS: Final = 8


def steps_per_epoch(record_count: int, batch_size: int) -> int:
    """Optimiser steps an epoch; the last takes the records that are left."""
    return -(-record_count // batch_size)


def batch_indexes(record_count: int, *, batch_size: int, seed: int, epoch: int, step_in_epoch: int) -> tuple[int, ...]:
    """The records of one optimiser step. Epochs count from 1, steps of an epoch from 0.

    Cost   some 15 µs a record of the batch; on the first call for an epoch of few records, 1 µs for each of them.
    """
    positions = range(step_in_epoch * batch_size, min((step_in_epoch + 1) * batch_size, record_count))
    if record_count <= SORTED_RECORDS:
        order = epoch_order(record_count, seed=seed, epoch=epoch)
        return tuple(order[position] for position in positions)
    return tuple(shuffled(position, record_count, seed=seed, epoch=epoch) for position in positions)


@lru_cache(maxsize=2)
def epoch_order(record_count: int, *, seed: int, epoch: int) -> tuple[int, ...]:
    """A permutation of range(record_count), all of it."""
    prefix = hashlib.sha256(f"order:{seed}:{epoch}:".encode())

    def key(index: int) -> bytes:
        digest = prefix.copy()
        digest.update(index.to_bytes(8, "big"))
        return digest.digest()

    return tuple(sorted(range(record_count), key=key))


def shuffled(position: int, record_count: int, *, seed: int, epoch: int) -> int:
    """Which record stands at a position: over all positions, a permutation of range(record_count).

    Why   the network permutes a rectangle of `width` by `height` numbers, hardly more than there are records; a number
          beyond them goes through again, until it is a record, which keeps it a permutation.
    """
    prefix = hashlib.sha256(f"shuffled:{seed}:{epoch}:{record_count}:".encode())
    width = math.isqrt(record_count - 1) + 1
    height = -(-record_count // width)

    number = position
    while True:
        right, left = divmod(number, width)
        # left is below width and right below height, and they change places in every round; the rounds are even.
        for turn in range(_ROUNDS):
            digest = prefix.copy()
            digest.update(turn.to_bytes(1, "big") + right.to_bytes(8, "big"))
            drawn = int.from_bytes(digest.digest()[:8], "big")
            left, right = right, (left + drawn) % (width if turn % 2 == 0 else height)
        number = right * width + left
        if number < record_count:
            return number
