"""Answers held against their reference as texts: the same, containing it, sharing words with it."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Final

from tanren.evaluation.metrics.base import ItemScores
from tanren.evaluation.questions import Question
from tanren.evaluation.words import WESTERN, tokenizer_names, words

_ARTICLES: Final = {"a", "an", "the"}
_LAST_STOP: Final = re.compile(r"[.。．!！]+$")


def normalised(text: str) -> str:
    """Without differences of case, width, space and a last full stop."""
    return _LAST_STOP.sub("", " ".join(unicodedata.normalize("NFKC", text).casefold().split())).strip()


def is_exact(answer: str, reference: str) -> bool:
    return normalised(answer) == normalised(reference)


def is_contained(answer: str, reference: str) -> bool:
    """The seeds' guide's `evaluate_model`, to the letter: the reference stands somewhere in the answer, in whatever
    case."""
    return reference.lower() in answer.lower()


def f1_of(answer: str, reference: str, tokenizer: str = WESTERN) -> float:
    """The harmonic mean of the shares of words in common, without articles, as SQuAD counts them.

    Where nothing is left to count ("A" of a multiple choice, "+") the two are the same or they are not.
    """
    answered = Counter(word for word in words(answer, tokenizer) if word not in _ARTICLES)
    expected = Counter(word for word in words(reference, tokenizer) if word not in _ARTICLES)
    if not answered or not expected:
        return float(normalised(answer) == normalised(reference))
    common = (answered & expected).total()
    return 2 * common / (answered.total() + expected.total()) if common else 0.0


def exact(questions: Sequence[Question], texts: Sequence[str]) -> ItemScores:
    return _binary(
        [is_exact(t, q.reference) if q.reference else None for q, t in zip(questions, texts, strict=True)],
        "normalised: case, width, space, last full stop",
    )


def contains(questions: Sequence[Question], texts: Sequence[str]) -> ItemScores:
    return _binary(
        [is_contained(t, q.reference) if q.reference else None for q, t in zip(questions, texts, strict=True)],
        "reference.lower() in answer.lower()",
    )


def f1(questions: Sequence[Question], texts: Sequence[str]) -> ItemScores:
    names = tokenizer_names([question.reference for question in questions])
    values = [
        f1_of(text, question.reference, name) if question.reference else math.nan
        for question, text, name in zip(questions, texts, names, strict=True)
    ]
    return ItemScores.mean_of(values, signature="words:" + counted(of_references(names, questions)))


def of_references(names: Sequence[str], questions: Sequence[Question]) -> list[str]:
    """The tokenisers of the references that there are: a question without one is not scored."""
    return [name for name, question in zip(names, questions, strict=True) if question.reference]


def counted(names: Sequence[str]) -> str:
    """The tokenisers of a set, with how many texts each cut where there are several."""
    counts = Counter(names)
    return names[0] if len(counts) == 1 else ",".join(f"{name}×{count}" for name, count in sorted(counts.items()))


def _binary(values: Sequence[bool | None], signature: str) -> ItemScores:
    return ItemScores.mean_of(
        [math.nan if value is None else float(value) for value in values], signature=signature, is_binary=True
    )
