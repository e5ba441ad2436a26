"""Which records are held out for validation where the user gave none, and which stand in both sets."""

import hashlib
from collections.abc import Iterable, Sequence

from tanren.data.records import RecordSource, TrainingRecord


def is_held_out(record: TrainingRecord, *, percentage: float, seed: int) -> bool:
    """Whether the record is among the about `percentage` of 100 that are kept out of training.

    Why   decided by the content's hash: the order of the file does not matter, equal rows never land on both sides,
          and adding a row moves no other.
    """
    digest = hashlib.sha256(f"{seed}:{record.digest()}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < percentage / 100 * 2**64


def overlap(
    training: Iterable[TrainingRecord], validation: Sequence[TrainingRecord]
) -> list[tuple[RecordSource, RecordSource]]:
    """(place in the validation set, a place in the training set) of every validation record that is trained on."""
    wanted = {record.digest(): record.source for record in validation}
    found: dict[str, tuple[RecordSource, RecordSource]] = {}
    for record in training:
        digest = record.digest()
        if digest in wanted and digest not in found:
            found[digest] = (wanted[digest], record.source)
    return list(found.values())
