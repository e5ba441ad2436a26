"""What a tuned model has unlearned: a small fixed set of general questions, English and Japanese, asked of both.

The set (`general/questions.jsonl`, 82 questions of our own) asks for arithmetic, choices, facts, copying, reading,
JSON and small talk. It is no benchmark: it is short, easy, and the same for everybody, so that a loss shows.

    none       no loss is shown
    minor      a loss is shown, of less than 10 points in 100
    major      a loss is shown, of 10 points and more
    unknown    the base itself answers too little of it for a loss to show

Why the last   a base that answers two questions of 82 has nothing to forget; "none" would be a pretence.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from tanren.evaluation.comparison import Comparison, compare
from tanren.evaluation.metrics.base import ItemScores
from tanren.evaluation.metrics.json_schema import violation
from tanren.evaluation.metrics.matching import normalised
from tanren.evaluation.questions import Question
from tanren.evaluation.statistics import ALPHA, least_p_value

MAJOR_DROP: Final = 0.1
UNKNOWN: Final = "unknown"
_ASCII: Final = re.compile(r"[\x00-\x7f]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralQuestion:
    id: str
    """Language, category and number."""
    category: str
    prompt: str
    accepted: tuple[str, ...] = ()
    """One of these is in a right answer, as a word."""
    schema: dict[str, Any] | None = None
    """Or the right answer is JSON that satisfies this."""

    def is_right(self, answer: str) -> bool:
        if self.schema is not None:
            return violation(answer, self.schema) is None
        return any(_names(answer, accepted) for accepted in self.accepted)

    def as_question(self, number: int) -> Question:
        return Question(
            number=number, prompt=self.prompt, reference="", category=self.category, source=f"general/{self.id}"
        )


@cache
def general_questions() -> tuple[GeneralQuestion, ...]:
    lines = files("tanren.evaluation.general").joinpath("questions.jsonl").read_bytes().splitlines()
    return tuple(msgspec.json.decode(line, type=GeneralQuestion) for line in lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class LostCategory:
    category: str
    base_right: int
    tuned_right: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    level: str
    """"none", "minor", "major" or "unknown"."""
    comparison: Comparison
    """Of the share of right answers."""
    categories: tuple[LostCategory, ...]
    lost: tuple[str, ...]
    """Ids that the base answers and the tuned model does not."""


def forgetting(general: Sequence[GeneralQuestion], base_texts: Sequence[str], tuned_texts: Sequence[str]) -> Forgetting:
    base = [question.is_right(text) for question, text in zip(general, base_texts, strict=True)]
    tuned = [question.is_right(text) for question, text in zip(general, tuned_texts, strict=True)]
    comparison = compare(
        "general",
        ItemScores.mean_of([float(right) for right in base], is_binary=True),
        ItemScores.mean_of([float(right) for right in tuned], is_binary=True),
        [question.id for question in general],
    )
    categories = dict.fromkeys(question.category for question in general)
    return Forgetting(
        level=_level(comparison, sum(base)),
        comparison=comparison,
        categories=tuple(
            LostCategory(
                category=category,
                base_right=sum(right for right, q in zip(base, general, strict=True) if q.category == category),
                tuned_right=sum(right for right, q in zip(tuned, general, strict=True) if q.category == category),
                count=sum(question.category == category for question in general),
            )
            for category in categories
        ),
        lost=tuple(question.id for question, was, still in zip(general, base, tuned, strict=True) if was and not still),
    )


def _level(comparison: Comparison, base_right_count: int) -> str:
    if least_p_value(base_right_count) >= ALPHA or base_right_count < MAJOR_DROP * comparison.question_count:
        return UNKNOWN
    if not comparison.is_shown or comparison.difference > 0:
        return "none"
    return "major" if -comparison.difference >= MAJOR_DROP - 1e-9 else "minor"


def _names(answer: str, accepted: str) -> bool:
    plain, wanted = normalised(answer), normalised(accepted)
    if not _ASCII.match(wanted):
        return wanted in plain
    # A word, or the beginning of one: "thank" is in "thanks"; "12" is not in "120", "B" is not in "bad".
    end = r"(?![a-z0-9])" if len(wanted) <= 2 or wanted.isdigit() else ""
    return re.search(rf"(?<![a-z0-9]){re.escape(wanted)}{end}", plain) is not None
