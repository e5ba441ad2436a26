"""What is other in one set of records than in another: by content, not by place in the file.

Cost   32 bytes a record of the first set and as many of its questions; the second is read as a stream.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tanren.data.records import TrainingRecord

EXAMPLES_CAP: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    line: int
    """In the file that has the record."""
    asked: str
    answered: str
    other_line: int | None = None
    """In the first file, of the same question with another answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    common: int
    only_first: tuple[int, ...]
    """Lines of records of the first set that the second has not, answers that were changed included."""
    only_second: int
    changed: tuple[Difference, ...]
    """Of the records of the second set that the first has with another answer, the first few."""
    changed_count: int
    added: tuple[Difference, ...]
    added_count: int

    @property
    def is_equal(self) -> bool:
        """The same records as often, in whatever order."""
        return not self.only_first and not self.only_second


def compare(first: Iterable[TrainingRecord], second: Iterable[TrainingRecord]) -> Comparison:
    lines: dict[bytes, list[int]] = {}
    questions: dict[bytes, int] = {}
    for record in first:
        lines.setdefault(_digest(record), []).append(record.source.line)
        questions.setdefault(_question(record), record.source.line)
    common = changed_count = added_count = 0
    changed: list[Difference] = []
    added: list[Difference] = []
    met: Counter[bytes] = Counter()
    for record in second:
        digest = _digest(record)
        if met[digest] < len(lines.get(digest, ())):
            met[digest] += 1
            common += 1
            continue
        other_line = questions.get(_question(record)) if record.asked else None
        kept = added if other_line is None else changed
        changed_count += other_line is not None
        added_count += other_line is None
        if len(kept) < EXAMPLES_CAP:
            kept.append(
                Difference(line=record.source.line, asked=record.asked, answered=record.answered, other_line=other_line)
            )
    missing = sorted(line for digest, places in lines.items() for line in places[met[digest] :])
    return Comparison(
        common=common,
        only_first=tuple(missing),
        only_second=changed_count + added_count,
        changed=tuple(changed),
        changed_count=changed_count,
        added=tuple(added),
        added_count=added_count,
    )


def _digest(record: TrainingRecord) -> bytes:
    return bytes.fromhex(record.digest())


def _question(record: TrainingRecord) -> bytes:
    return hashlib.sha256(record.asked.encode("utf-8", "surrogatepass")).digest()
