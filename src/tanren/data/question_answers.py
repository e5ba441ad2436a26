"""A document → passages to ask about, and of the pairs that a model makes of them those that can be kept.

A pair is kept where both texts say something, no earlier pair says nearly the same, and the words of the answer are
mostly those of its passage. Sentences that speak to a model instead of a reader ("ignore all previous instructions")
are left out before any model sees them; the patterns are few and plain, and what they miss is still data: it goes into
a document block, and answers must be of the passage.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tanren.data.duplicates import NearDuplicates

_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_WRAPPED: Final = re.compile(r"(?<![.!?:\n])[ \t]*\n(?=[a-z(])")
_WRAPPED_WIDE: Final = re.compile("(?<=[\u3001\u3040-\u30ff\u4e00-\u9fff])\n(?=[\u3001\u3040-\u30ff\u4e00-\u9fff])")
_WORD: Final = re.compile(r"[^\W_]{4,}")
_WIDE: Final = re.compile("[\u3040-\u30ff\u4e00-\u9fff]+")
_GROUNDED: Final = 0.6
_LONGEST_SENTENCE: Final = 400
_SHORTEST_SENTENCE: Final = 15
_TO_A_MODEL: Final = re.compile(
    r"\b(?:ignore|disregard|forget)\b.{0,40}\b(?:instructions?|prompts?|rules|above|previous|prior|this)\b"
    r"|\byou are (?:now )?an? (?:ai|assistant|language model|chatbot)\b"
    r"|\b(?:system prompt|as an ai\b)"
    r"|(?:これまで|以前|上記|前)の?(?:の)?(?:指示|命令|ルール).{0,12}(?:無視|忘れ)"
    r"|<\|[a-z_]+\|>|\[/?INST\]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    question: str
    answer: str

    def to_json(self) -> dict[str, str]:
        return {"question": self.question, "answer": self.answer}


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    text: str
    sentences: tuple[str, ...]
    """Those that can be an answer by themselves."""


def sentences(text: str) -> list[str]:
    """Without the line breaks that a page has set; other line breaks end a sentence, as those of a heading do."""
    flowing = _WRAPPED_WIDE.sub("", _WRAPPED.sub(" ", text))
    return [found for piece in _SENTENCE_END.split(flowing) if (found := " ".join(piece.split()))]


def without_orders(text: str) -> tuple[str, list[str]]:
    """The document's sentences that speak to a reader, a line each, and those that speak to a model."""
    kept: list[str] = []
    left_out: list[str] = []
    for sentence in sentences(text):
        (left_out if _TO_A_MODEL.search(sentence) else kept).append(sentence)
    return "\n".join(kept), left_out


def passages(text: str, characters: int) -> Iterator[Passage]:
    """The text in pieces of at most so many characters, cut between sentences; a longer sentence is cut inside."""
    held: list[str] = []
    size = 0
    for sentence in sentences(text):
        for start in range(0, len(sentence), characters):
            piece = sentence[start : start + characters]
            if held and size + len(piece) > characters:
                yield _passage(held)
                held, size = [], 0
            held.append(piece)
            size += len(piece) + 1
    if held:
        yield _passage(held)


def is_grounded(answer: str, passage: str) -> bool:
    """Whether most of what the answer says with is in the passage: words of four letters and more, pairs of signs of
    Japanese."""
    said = _pieces(answer)
    return bool(said) and len(said & _pieces(passage)) >= _GROUNDED * len(said)


class PairCollection:
    """Takes what a model made, keeps what can be kept, and counts why the rest cannot."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._near = NearDuplicates()
        self._questions: set[str] = set()
        self.pairs: list[Pair] = []
        self.dropped: Counter[str] = Counter()

    @property
    def missing(self) -> int:
        return self._count - len(self.pairs)

    def take(self, made: Any, passage: Passage) -> None:
        """`made` is the input of a forced tool, as it came: perhaps not what its schema says."""
        items: Any = made.get("dataset") if isinstance(made, Mapping) else None
        if not isinstance(items, list):
            self.dropped["no list of pairs"] += 1
            return
        for item in items:
            if not self.missing:
                return
            reason = self._reason_against(item, passage)
            if reason is not None:
                self.dropped[reason] += 1

    def _reason_against(self, item: Any, passage: Passage) -> str | None:
        """None where the pair was kept."""
        question, answer = (item.get("question"), item.get("answer")) if isinstance(item, Mapping) else (None, None)
        if not isinstance(question, str) or not isinstance(answer, str):
            return "not a question and an answer"
        question, answer = question.strip(), answer.strip()
        if len(question) < 2 or len(answer) < 2:
            return "empty"
        if not is_grounded(answer, passage.text):
            return "not from the document"
        plain = " ".join(question.casefold().split())
        if plain in self._questions or self._near.earlier(f"{question}\n{answer}", len(self.pairs)) is not None:
            return "said before"
        self._questions.add(plain)
        self.pairs.append(Pair(question=question, answer=answer))
        return None


def _passage(held: list[str]) -> Passage:
    whole = tuple(piece for piece in held if _SHORTEST_SENTENCE <= len(piece) <= _LONGEST_SENTENCE)
    return Passage(text="\n".join(held), sentences=whole)


def _pieces(text: str) -> set[str]:
    plain = text.casefold()
    wide = {run[start : start + 2] for run in _WIDE.findall(plain) for start in range(max(1, len(run) - 1))}
    return wide | set(_WORD.findall(_WIDE.sub(" ", plain)))
