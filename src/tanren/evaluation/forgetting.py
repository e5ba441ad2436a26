"""What a tuned model has unlearned: a small fixed set of general questions, English and Japanese, asked of both.

The set (`general/questions.jsonl`, 82 questions of our own) asks for arithmetic, choices, facts, copying, reading,
JSON and small talk. It is no benchmark: it is short, easy, and the same for everybody, so that a loss shows.

    none       no loss is shown, and a major one is excluded: the whole interval lies above it
    minor      a loss is shown, of less than 10 points in 100 and less than a fifth of what the base knew
    major      a loss is shown, of 10 points and more, or of a fifth of what the base knew and more
    unknown    the base itself answers too little of it for a loss to show; or none is shown and a major one is not
               excluded

Why the last   a base that answers ten questions of 82 and loses five shows nothing by any test; "none" would be a
               pretence.
Why echoes are taken out   an answer that repeats its question holds the right word of every second one.
"""

import re
import unicodedata
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
MAJOR_SHARE: Final = 0.2
"""Of what the base knew."""
_ASCII: Final = re.compile(r"[\x00-\x7f]+\Z")
_OPTIONS: Final = re.compile(r"(?<![A-Za-z0-9])([A-Z])\)")
"""The letters that a question offers."""
_CHOSEN: Final = re.compile(r"(?<![A-Za-z0-9'])([A-Z])(?![A-Za-z0-9'])(?!\s+(?!is\b)[a-z])")
"""A letter that an answer names; "A pear" begins with an article."""
_SMALL_LETTER: Final = re.compile(r"\W*[a-z](?=\W*\Z|[).:])")


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralQuestion:
    id: str
    """Language, category and number."""
    category: str
    prompt: str
    accepted: tuple[str, ...] = ()
    """One of these is in a right answer, as a word, besides the question itself …"""
    refused: tuple[str, ...] = ()
    """… and none of these: an answer that names both is none."""
    schema: dict[str, Any] | None = None
    """Or the right answer is JSON that satisfies this."""

    def is_right(self, answer: str) -> bool:
        if self.schema is not None:
            return violation(answer, self.schema) is None
        own = _without(self.prompt, answer)
        if options := set(_OPTIONS.findall(self.prompt)):
            return _chosen(own) & options == set(self.accepted)
        return any(_names(own, accepted) for accepted in self.accepted) and not any(
            _names(own, refused) for refused in self.refused
        )

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

    @property
    def has_little_to_forget(self) -> bool:
        """The base answers too few questions for any loss to show."""
        return _has_little_to_forget(self.comparison)

    @property
    def is_major_excluded(self) -> bool:
        """The whole interval lies above a major loss."""
        return _is_major_excluded(self.comparison)


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
        level=_level(comparison),
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


def _level(comparison: Comparison) -> str:
    if _has_little_to_forget(comparison):
        return UNKNOWN
    if comparison.outcome == "worse":
        return "major" if _is_major(comparison.difference, comparison.base) else "minor"
    return "none" if _is_major_excluded(comparison) else UNKNOWN


def _has_little_to_forget(comparison: Comparison) -> bool:
    right_count = round(comparison.base * comparison.question_count)
    return least_p_value(right_count) >= ALPHA or right_count < MAJOR_DROP * comparison.question_count


def _is_major_excluded(comparison: Comparison) -> bool:
    return comparison.low is not None and not _is_major(comparison.low, comparison.base)


def _is_major(difference: float, base: float) -> bool:
    return difference <= -MAJOR_DROP + 1e-9 or difference <= -MAJOR_SHARE * base + 1e-9


def _without(prompt: str, answer: str) -> str:
    """The answer less every repetition of its question."""
    folded = unicodedata.normalize("NFKC", answer)
    asked = r"\s+".join(re.escape(word) for word in unicodedata.normalize("NFKC", prompt).split())
    return re.sub(asked, " ", folded, flags=re.IGNORECASE)


def _chosen(answer: str) -> set[str]:
    """The letters that an answer names, of whatever question."""
    if small := _SMALL_LETTER.match(answer):
        answer = small.group().upper() + answer[small.end() :]
    return set(_CHOSEN.findall(answer))


def _names(answer: str, accepted: str) -> bool:
    plain, wanted = normalised(answer), normalised(accepted)
    if not _ASCII.match(wanted):
        return wanted in plain
    # A word, or the beginning of one: "thank" is in "thanks"; "12" is not in "120", "B" is not in "bad".
    end = r"(?![a-z0-9])" if len(wanted) <= 2 or wanted.isdigit() else ""
    return re.search(rf"(?<![a-z0-9]){re.escape(wanted)}{end}", plain) is not None
