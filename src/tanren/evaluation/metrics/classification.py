"""Answers that are one of a few labels: which label for which, precision, recall and F1 of each."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tanren.data.splitting import SplitKey, labels_of
from tanren.evaluation.metrics.base import ItemScores
from tanren.evaluation.metrics.matching import normalised
from tanren.evaluation.questions import Question
from tanren.evaluation.statistics import Floats

_LONGEST_LABEL: Final = 40
NO_LABEL: Final = "—"
"""The column of answers that name no label, or several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelScore:
    label: str
    precision: float
    recall: float
    f1: float
    count: int
    """Questions of which it is the right one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationTable:
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    """A row for each label that is right, a column for each that was answered; the last column is `NO_LABEL`."""
    scores: tuple[LabelScore, ...]
    accuracy: float
    macro_f1: float


def labels_among(questions: Sequence[Question]) -> tuple[str, ...]:
    """The references where they are few, short and come back: the set is a classification. Empty where it is none."""
    labels = labels_of(
        [
            SplitKey(b"", folded if len(folded) <= _LONGEST_LABEL else "")
            for folded in (normalised(question.reference) for question in questions)
        ]
    )
    return tuple(name for name in labels_of_references(questions) if normalised(name) in labels)


def labels_of_references(questions: Sequence[Question]) -> tuple[str, ...]:
    """The references, of a set that is known to be a classification.

    "Yes" and "yes." are one label, which is called as it is spelt most often.
    """
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for question in questions:
        spellings[normalised(question.reference)][question.reference.strip()] += 1
    return tuple(sorted(min(counts.items(), key=lambda item: (-item[1], item[0]))[0] for counts in spellings.values()))


def label_of(question: Question, labels: Sequence[str]) -> int:
    """The index of the label that is right."""
    return [normalised(label) for label in labels].index(normalised(question.reference))


def label_in(text: str, labels: Sequence[str]) -> int:
    """The index of the label that the answer is, or else of the only one that it names; `len(labels)` of none."""
    plain = normalised(text)
    folded = [normalised(label) for label in labels]
    if plain in folded:
        return folded.index(plain)
    # The longest first, each cut out: "not urgent" does not name "urgent" as well.
    named: list[int] = []
    for index in sorted(range(len(folded)), key=lambda index: -len(folded[index])):
        pattern = rf"(?<![a-z0-9]){re.escape(folded[index])}(?![a-z0-9])"
        plain, found = re.subn(pattern, "\0", plain)
        named += [index] if found else []
    return named[0] if len(named) == 1 else len(labels)


def classification_table(questions: Sequence[Question], texts: Sequence[str]) -> ClassificationTable:
    """Of questions among whose references there are labels."""
    labels = labels_among(questions)
    counts = np.zeros((len(labels), len(labels) + 1), dtype=np.int64)
    for question, text in zip(questions, texts, strict=True):
        counts[label_of(question, labels), label_in(text, labels)] += 1
    square = counts[:, :-1]
    right, expected, given = np.diag(square), counts.sum(axis=1), square.sum(axis=0)
    scores = tuple(
        LabelScore(
            label=label,
            precision=float(right[index] / given[index]) if given[index] else 0.0,
            recall=float(right[index] / expected[index]),
            f1=float(2 * right[index] / (expected[index] + given[index])),
            count=int(expected[index]),
        )
        for index, label in enumerate(labels)
    )
    return ClassificationTable(
        labels=labels,
        counts=tuple(tuple(int(count) for count in row) for row in counts),
        scores=scores,
        accuracy=float(right.sum() / counts.sum()),
        macro_f1=float(np.mean([score.f1 for score in scores])),
    )


def accuracy(questions: Sequence[Question], texts: Sequence[str]) -> ItemScores:
    labels = labels_among(questions)
    values = [
        float(label_in(text, labels) == label_of(question, labels))
        for question, text in zip(questions, texts, strict=True)
    ]
    return ItemScores.mean_of(values, signature=f"labels:{len(labels)}", is_binary=True)


def macro_f1(questions: Sequence[Question], texts: Sequence[str]) -> ItemScores:
    """The mean of the labels' F1: a rare label weighs as much as a frequent one."""
    labels = labels_among(questions)
    size = len(labels)
    statistics_NK = np.zeros((len(questions), 3 * size))
    for row, (question, text) in enumerate(zip(questions, texts, strict=True)):
        expected, given = label_of(question, labels), label_in(text, labels)
        statistics_NK[row, size + expected] = 1
        if given < size:
            statistics_NK[row, 2 * size + given] = 1
            statistics_NK[row, given] = float(given == expected)

    def total(sums_RK: Floats) -> Floats:
        right, expected, given = (sums_RK[:, part * size : (part + 1) * size] for part in range(3))
        with np.errstate(invalid="ignore", divide="ignore"):
            f1 = np.where(expected + given > 0, 2 * right / (expected + given), np.nan)
        # A resample in which a label does not occur at all says nothing of that label.
        return np.nanmean(f1, axis=1)

    right = statistics_NK[:, :size].sum(axis=1)
    return ItemScores(values=right, statistics_NK=statistics_NK, total=total, signature=f"labels:{size}")
