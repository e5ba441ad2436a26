"""Which records are held out for validation: by a job where the user gave none, and by `tanren data split`."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from tanren.data.records import TrainingRecord

LEAST_VALIDATION: Final = 10
"""Fewer records say next to nothing: the loss of nine answers moves by a third when one is exchanged."""
_MOST_LABELS: Final = 20


def is_held_out(record: TrainingRecord, *, percentage: float, seed: int) -> bool:
    """Whether the record is among the about `percentage` of 100 that are kept out of training.

    Why   decided by the content's hash: the order of the file does not matter, equal rows never land on both sides,
          and adding a row moves no other.
    """
    digest = hashlib.sha256(f"{seed}:{record.digest()}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < percentage / 100 * 2**64


@dataclass(frozen=True, slots=True)
class SplitKey:
    """What a split needs to know of a record: 16 bytes and a label."""

    question: bytes
    """Digest of what is asked, without differences of case and space: equal ones stay on one side."""
    answer: str
    """The answer where it is short enough to be a label, else empty."""


def split_key(record: TrainingRecord) -> SplitKey:
    asked = record.asked or record.answered
    question = hashlib.sha256(" ".join(asked.casefold().split()).encode("utf-8", "surrogatepass")).digest()[:16]
    answer = record.answered.strip()
    return SplitKey(question, answer if record.asked and len(answer) <= 40 else "")


def labels_of(keys: Sequence[SplitKey]) -> frozenset[str]:
    """The answers, where they are few and come back: the set is a classification. Empty where it is none."""
    answers = {key.answer for key in keys}
    is_classification = "" not in answers and 2 <= len(answers) <= min(_MOST_LABELS, len(keys) // 4)
    return frozenset(answers) if is_classification else frozenset()


def held_out(keys: Sequence[SplitKey], *, share: Fraction, seed: int) -> frozenset[int]:
    """Indexes of the records for validation: `share` of them, of each label its part, to the nearest whole question.

    Why   records of one question stay together, so that no answer is looked up in training; a question's place in the
          order follows from the seed and its text alone, whatever stands around it.
    """
    labels = labels_of(keys)
    strata: Mapping[str, dict[bytes, list[int]]] = defaultdict(dict)
    home: dict[bytes, str] = {}
    for index, key in enumerate(keys):
        stratum = home.setdefault(key.question, key.answer if labels else "")
        strata[stratum].setdefault(key.question, []).append(index)
    chosen: set[int] = set()
    wanted = Fraction(0)
    # What a stratum gives too much or too little is made good by the next.
    for stratum in sorted(strata):
        groups = strata[stratum]
        wanted += share * sum(len(indexes) for indexes in groups.values())
        for question in sorted(groups, key=lambda question: hashlib.sha256(b"%d:" % seed + question).digest()):
            size = len(groups[question])
            if abs(len(chosen) + size - wanted) < abs(len(chosen) - wanted):
                chosen.update(groups[question])
            elif len(chosen) >= wanted:
                break
    return frozenset(chosen)
