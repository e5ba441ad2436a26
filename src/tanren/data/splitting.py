"""Which records are held out for validation where the user gave none."""

import hashlib

from tanren.data.records import TrainingRecord


def is_held_out(record: TrainingRecord, *, percentage: float, seed: int) -> bool:
    """Whether the record is among the about `percentage` of 100 that are kept out of training.

    Why   decided by the content's hash: the order of the file does not matter, equal rows never land on both sides,
          and adding a row moves no other.
    """
    digest = hashlib.sha256(f"{seed}:{record.digest()}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < percentage / 100 * 2**64
