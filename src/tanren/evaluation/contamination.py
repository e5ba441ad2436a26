"""Whether questions of the test stand in the training data: then a good score says nothing.

    exact        the same question and answer
    normalised   the same question, without differences of case, width, space and a last full stop
    near         question and answer share 80 % of their runs of characters (MinHash, `data/duplicates.py`)
    13-gram      thirteen words in a row in common, in the answer (or the question, where that is long enough)

Each pair of rows is told once, by the first of these that holds.

A run of words that stands in three rows of the earlier set and more (of a large set, in one of a hundred) is a
template: an instruction, a preface, a form of answer. The last two kinds look at what is left without it. So a passage
that three rows have in common is found by its questions only; and the template of a set of two rows is not known.

Source   the 13-gram rule: Brown et al., Language Models are Few-Shot Learners, 2020, appendix C.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tanren.data.duplicates import NearDuplicates
from tanren.evaluation.metrics.matching import normalised
from tanren.evaluation.words import tokenizer_name, words

KINDS: Final = ("exact", "normalised", "near", "13-gram")
_RUN: Final = 13
_TEMPLATE_ROWS: Final = 3
_TEMPLATE_SHARE: Final = 0.01
_EXCERPT: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Of a data set: a question with its answer, or a document as an answer to nothing."""

    asked: str
    answered: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    kind: str
    """One of `KINDS`."""
    known_set: str
    known_source: str
    tested_set: str
    tested_source: str
    share: float
    """Of the tested row that is in the known one: 1 of the same."""
    excerpt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOverlap:
    """What of one set stands in another."""

    known_set: str
    tested_set: str
    tested_count: int
    overlaps: tuple[Overlap, ...]

    @property
    def share(self) -> float:
        return len(self.overlaps) / self.tested_count if self.tested_count else 0.0

    def count(self, kind: str) -> int:
        return sum(overlap.kind == kind for overlap in self.overlaps)


def contamination(sets: Mapping[str, Sequence[Row]]) -> tuple[SetOverlap, ...]:
    """Each set against those before it: training, then validation, then test."""
    names = [name for name in sets if sets[name]]
    known = {name: _KnownRows(name, sets[name]) for name in names[:-1]}
    return tuple(
        SetOverlap(
            known_set=earlier,
            tested_set=later,
            tested_count=len(sets[later]),
            overlaps=tuple(found for row in sets[later] if (found := known[earlier].overlap(row, later)) is not None),
        )
        for place, later in enumerate(names)
        for earlier in names[:place]
    )


class _KnownRows:
    """A set that others are looked up in. About 3 KB a row, and 16 bytes a word."""

    def __init__(self, name: str, rows: Sequence[Row]) -> None:
        self._name = name
        self._rows = rows
        self._exact = {(row.asked, row.answered): number for number, row in reversed(list(enumerate(rows)))}
        self._questions = {_question(row): number for number, row in reversed(list(enumerate(rows)))}
        self._templates = _templates(rows)
        self._runs: dict[int, int] = {}
        self._near = NearDuplicates()
        for number, row in enumerate(rows):
            own = _own_texts(row, self._templates)
            self._near.earlier("\n".join(own), number)
            for run in _runs_of(own):
                self._runs.setdefault(run, number)

    def overlap(self, row: Row, tested_set: str) -> Overlap | None:
        if (number := self._exact.get((row.asked, row.answered))) is not None:
            return self._found("exact", number, row, tested_set, 1.0)
        if (number := self._questions.get(_question(row))) is not None:
            return self._found("normalised", number, row, tested_set, 1.0)
        own = _own_texts(row, self._templates)
        if (near := self._near.like("\n".join(own))) is not None:
            return self._found("near", near[0], row, tested_set, near[1])
        runs = list(_runs_of(own))
        common = [self._runs[run] for run in runs if run in self._runs]
        if common:
            return self._found("13-gram", common[0], row, tested_set, len(common) / len(runs))
        return None

    def _found(self, kind: str, number: int, row: Row, tested_set: str, share: float) -> Overlap:
        return Overlap(
            kind=kind,
            known_set=self._name,
            known_source=self._rows[number].source,
            tested_set=tested_set,
            tested_source=row.source,
            share=share,
            excerpt=(row.asked or row.answered)[:_EXCERPT],
        )


def _question(row: Row) -> str:
    return normalised(row.asked or row.answered)


def _templates(rows: Sequence[Row]) -> frozenset[int]:
    """Runs of words that many different rows have in common. A row that is there several times is one."""
    different = {(normalised(row.asked), normalised(row.answered)): row for row in rows}.values()
    counts = Counter[int]()
    for row in different:
        counts.update(set(_runs_of((row.asked, row.answered))))
    many = max(_TEMPLATE_ROWS, round(_TEMPLATE_SHARE * len(different)))
    return frozenset(run for run, count in counts.items() if count >= many)


def _own_texts(row: Row, templates: Collection[int]) -> tuple[str, str]:
    """The question and the answer without the words of templates."""
    return _own_text(row.asked, templates), _own_text(row.answered, templates)


def _own_text(text: str, templates: Collection[int]) -> str:
    if not templates:
        return text
    found = _words(text)
    starts = [start for start, run in enumerate(_runs(found)) if run in templates]
    if not starts:
        return text
    shared = {place for start in starts for place in range(start, start + _RUN)}
    return " ".join(word for place, word in enumerate(found) if place not in shared)


def _runs_of(texts: Sequence[str]) -> Iterator[int]:
    for text in texts:
        yield from _runs(_words(text))


def _words(text: str) -> Sequence[str]:
    return words(text, tokenizer_name(text))


def _runs(found: Sequence[str]) -> Iterator[int]:
    """Digests of all runs of thirteen words."""
    for start in range(len(found) - _RUN + 1):
        run = "\0".join(found[start : start + _RUN])
        yield int.from_bytes(hashlib.blake2b(run.encode("utf-8", "surrogatepass"), digest_size=8).digest())
