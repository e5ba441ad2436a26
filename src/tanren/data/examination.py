"""What `tanren data doctor` sees in a set of records, beyond what is wrong: whether it will teach what it is meant to.

One pass; per record 3 KB for near duplicates, which are looked for among so many records as `duplicates.py` has room
for, and 300 bytes for the rest. Lines are those of the file; of each kind a few are kept as examples.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from tanren.data.duplicates import CAPACITY, NearDuplicates
from tanren.data.languages import language_of
from tanren.data.personal_data import sightings
from tanren.data.records import TrainingRecord
from tanren.data.splitting import SplitKey, labels_of, split_key
from tanren.data.statistics import Lengths, lengths

_EXAMPLES: Final = 5
_ENDINGS: Final = tuple(".!?。！？…)]}）」』】\"'”’`:;*%>~")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One kind of thing, with how many records have it."""

    kind: str
    count: int
    lines: tuple[int, ...] = ()
    """The first few."""
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "count": self.count, "lines": list(self.lines), "detail": self.detail}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Of the quality score: how much of the set is as it should be in one respect."""

    name: str
    share: float
    """From 0 to 1."""
    weight: int

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "share": round(self.share, 4), "weight": self.weight}


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    record_count: int
    asked: Lengths | None
    answered: Lengths | None
    languages: dict[str, int]
    labels: dict[str, int]
    """Records of each answer, where answers are labels; else empty."""
    observations: tuple[Observation, ...]
    parts: tuple[Part, ...]

    @property
    def score(self) -> int:
        """From 0 to 100: the weighted mean of the parts. A rule of thumb that says where to look, not how good."""
        weight = sum(part.weight for part in self.parts)
        return int(100 * sum(part.share * part.weight for part in self.parts) / weight) if weight else 0


def with_findings(seen: Examination, rule_counts: Mapping[str, int], error_count: int) -> Examination:
    """What reading the file has found wrong, as part of the score."""
    right = Part(name="lines right", share=seen.record_count / max(1, seen.record_count + error_count), weight=3)
    garbled = min(seen.record_count, rule_counts.get("garbled-text", 0))
    clear = Part(name="not garbled", share=1 - garbled / max(1, seen.record_count), weight=3)
    return replace(seen, parts=(right, clear, *seen.parts))


class _Seen:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.lines: dict[str, list[int]] = defaultdict(list)
        self.details: dict[str, str] = {}

    def note(self, kind: str, line: int, detail: str = "") -> None:
        self.counts[kind] += 1
        if len(self.lines[kind]) < _EXAMPLES:
            self.lines[kind].append(line)
        self.details.setdefault(kind, detail)

    def observations(self) -> tuple[Observation, ...]:
        return tuple(
            Observation(kind=kind, count=count, lines=tuple(self.lines[kind]), detail=self.details.get(kind, ""))
            for kind, count in self.counts.most_common()
        )


def examine(records: Iterable[TrainingRecord], *, held_out: Iterable[TrainingRecord] = ()) -> Examination:
    """`held_out`   records that are to measure what is learned, so that none of them may be among the others."""
    seen = _Seen()
    elsewhere: dict[str, int] = {}
    elsewhere_questions: dict[bytes, int] = {}
    near = NearDuplicates()
    for record in held_out:
        elsewhere.setdefault(record.digest(), record.source.line)
        elsewhere_questions.setdefault(split_key(record).question, record.source.line)
    exact: dict[str, int] = {}
    questions: dict[bytes, tuple[int, str]] = {}
    keys: list[SplitKey] = []
    asked: list[int] = []
    answered: list[int] = []
    languages: Counter[str] = Counter()
    unrepeated = clean = whole = unshared = 0
    for record in records:
        line = record.source.line
        digest, key = record.digest(), split_key(record)
        keys.append(key)
        asked.append(len(record.asked))
        answered.append(len(record.answered))
        text = f"{record.asked}\n{record.answered}"
        languages[language_of(text.strip())] += 1
        unrepeated += not _note_repetition(record, digest, key, exact, questions, near, seen)
        unshared += not _note_overlap(line, digest, key, elsewhere, elsewhere_questions, seen)
        clean += not _note_personal(text, line, seen)
        is_cut = len(record.answered) > 80 and not record.answered.rstrip().endswith(_ENDINGS)
        whole += not is_cut
        if is_cut:
            seen.note("answer may be cut off", line, record.answered.rstrip()[-40:])
    count = len(keys)
    if count > CAPACITY:
        seen.counts[f"compared with the first {CAPACITY:,} records only, for what is nearly said twice"] = (
            count - CAPACITY
        )
    labels = Counter(key.answer for key in keys) if labels_of(keys) else Counter[str]()
    main_language = max(languages.values(), default=0) / count if count else 0.0
    parts = (
        [
            Part(name="said once", share=unrepeated / count, weight=3),
            Part(name="no personal data or secrets", share=clean / count, weight=2),
            Part(name="answers complete", share=whole / count, weight=2),
            Part(name="one language", share=main_language, weight=1),
        ]
        if count
        else []
    )
    if elsewhere:
        parts.append(Part(name="apart from the validation set", share=unshared / max(1, count), weight=3))
    if labels:
        parts.append(Part(name="labels in balance", share=_balance(labels), weight=2))
    return Examination(
        record_count=count,
        asked=lengths(asked) if any(asked) else None,
        answered=lengths(answered) if answered else None,
        languages=dict(languages.most_common()),
        labels=dict(labels.most_common()),
        observations=seen.observations(),
        parts=tuple(parts),
    )


def _note_repetition(
    record: TrainingRecord,
    digest: str,
    key: SplitKey,
    exact: dict[str, int],
    questions: dict[bytes, tuple[int, str]],
    near: NearDuplicates,
    seen: _Seen,
) -> bool:
    line = record.source.line
    if (first := exact.setdefault(digest, line)) != line:
        seen.note("said twice", line, f"the same as line {first}")
        return True
    earlier_line, earlier_answer = questions.setdefault(key.question, (line, digest))
    if earlier_line != line and record.asked and earlier_answer != digest:
        seen.note("one question, two answers", line, f"line {earlier_line} answers it otherwise")
        return True
    found = near.earlier(f"{record.asked}\n{record.answered}", line)
    if found is not None:
        seen.note("nearly said twice", line, f"{found[1]:.0%} as line {found[0]}")
    return found is not None


def _note_overlap(
    line: int,
    digest: str,
    key: SplitKey,
    elsewhere: dict[str, int],
    elsewhere_questions: dict[bytes, int],
    seen: _Seen,
) -> bool:
    if digest in elsewhere:
        seen.note("also in the validation set", line, f"its line {elsewhere[digest]}")
        return True
    if key.question in elsewhere_questions:
        seen.note("question also in the validation set", line, f"its line {elsewhere_questions[key.question]}")
        return True
    return False


def _note_personal(text: str, line: int, seen: _Seen) -> bool:
    kinds: dict[str, str] = {}
    for sighting in sightings(text):
        kinds.setdefault(f"{'secret' if sighting.is_secret else 'personal data'}: {sighting.kind}", sighting.masked)
    for kind, masked in kinds.items():
        seen.note(kind, line, masked)
    return bool(kinds)


def _balance(labels: Counter[str]) -> float:
    """1 where all labels are as frequent, towards 0 where one has nearly all: least over mean."""
    return min(labels.values()) * len(labels) / sum(labels.values())
