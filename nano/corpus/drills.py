"""Drills: documents in which most tokens can be told from what stands before them, and from nothing else.

Why      ordinary text rewards copying from the context in a few tokens of a hundred. After 21 M tokens of it the base
         looked at the right place and still did not repeat what stood there: 38 % of the questions about a passage were
         answered right; 3.7 M tokens of drills later, among as many of the rest, 60 %.
Kinds    a sequence again and again; pairs of key and value in changing orders; real paragraphs a second time; many
         questions about one passage, each attribute asked; and the copying and look-up conversations of the corpus.
Words    from the documentation that is trained on, so that every part of the vocabulary is copied; and invented items.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from nano.corpus import copying
from nano.corpus.attributes import Language
from nano.corpus.chat import turns
from nano.corpus.documents import BOS, END, Document, conversation_text, prose_text
from nano.corpus.random_material import items
from nano.corpus.reading import READ_FIRST, answer, invented, some, told

JAPANESE_SHARE = 0.3
WORDS_READ = 60_000
"""Different words, and paragraphs of each language, that are enough to draw from."""
_WORD = re.compile(r"\b[A-Za-z]{3,14}\b")
_SEPARATORS: dict[Language, tuple[str, ...]] = {
    "english": (" ", " ", ", ", "\n", "; ", " - "),
    "japanese": ("、", "\n", " ", "・"),
}
_MARKS: dict[Language, tuple[str, ...]] = {
    "english": (": ", " = ", " -> ", " - ", " is ", " "),
    "japanese": ("：", "＝", "→", "は"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What the drills repeat, read from the documents that are trained on."""

    words: Sequence[str]
    paragraphs: Sequence[str]


def read_material(documents: Iterable[Document]) -> Material:
    """The first `WORDS_READ` words and English paragraphs, and the Japanese paragraphs met on the way."""
    words: dict[str, None] = {}
    paragraphs: dict[str, list[str]] = {"prose": [], "japanese_prose": []}
    for document in documents:
        kind = document.source.split("/")[0]
        if kind not in paragraphs or len(paragraphs[kind]) >= WORDS_READ:
            continue
        lines = document.text.removeprefix(BOS).removesuffix(END).split("\n")
        shortest, longest = (80, 500) if kind == "prose" else (30, 200)
        paragraphs[kind] += [line for line in lines if shortest < len(line) < longest]
        if kind == "prose" and len(words) < WORDS_READ:
            words.update(dict.fromkeys(_WORD.findall(document.text)))
        if len(paragraphs["prose"]) >= WORDS_READ:
            break
    return Material(words=list(words), paragraphs=[*paragraphs["prose"], *paragraphs["japanese_prose"]])


def drills(material: Material, rng: Random) -> Iterator[Document]:
    """Without end; the kinds come by their shares of characters, so that the long ones do not crowd out the rest."""
    written = dict.fromkeys(SHARES, 0)
    while True:
        kind = min(SHARES, key=lambda each: written[each] / SHARES[each])
        text = kind(material, rng)
        written[kind] += len(text)
        yield Document(source=f"drills/{kind.__name__}", text=text)


def repetition(material: Material, rng: Random) -> str:
    """One sequence two to four times; in some, items come back within the sequence too."""
    language = _language(rng)
    sequence = _items(material, rng, language, rng.choice((3, 4, 5, 6, 8, 10, 14, 20, 30)))
    if rng.random() < 0.3:
        sequence = rng.choices(sequence, k=len(sequence))
    separator = rng.choice(_SEPARATORS[language])
    between = rng.choice(("\n", "\n\n", "\n--\n", separator))
    return prose_text(between.join([separator.join(sequence)] * rng.choice((2, 2, 3, 4))))


def recall(material: Material, rng: Random) -> str:
    """The same pairs of key and value two to four times, each time in another order."""
    language = _language(rng)
    count = rng.choice((2, 3, 4, 5, 6, 8, 10, 12))
    keys, values = (_items(material, rng, language, count) for _ in range(2))
    mark, separator = rng.choice(_MARKS[language]), rng.choice(("\n", "\n", "; ", ", "))
    pairs = [f"{key}{mark}{value}" for key, value in zip(keys, values, strict=True)]
    rounds = [separator.join(rng.sample(pairs, count)) for _ in range(rng.choice((2, 3, 4)))]
    return prose_text(rng.choice(("\n", "\n\n", separator)).join(rounds))


def paragraphs_again(material: Material, rng: Random) -> str:
    """One to three real paragraphs, then the same in another order."""
    chosen = rng.sample(material.paragraphs, rng.choice((1, 2, 3)))
    again = rng.sample(chosen, len(chosen))
    return prose_text("\n".join(chosen) + rng.choice(("\n", "\n\n", "\n---\n")) + "\n".join(again))


def questions(material: Material, rng: Random) -> str:
    """Two to eight questions about one passage of two to six facts: the place has to be found each time anew."""
    language = _language(rng)
    subject = invented(rng, language)
    attributes = some(rng, subject, 2, 6)
    asked = rng.sample([*attributes, *attributes], rng.randint(2, min(8, 2 * len(attributes))))
    passage = told(rng, subject, attributes)
    contents: list[str] = []
    for attribute in asked:
        question = subject.asked(attribute, rng)
        first = rng.choice(READ_FIRST[language]).format(p=passage, q=question)
        contents += [question if contents else first, answer(rng, subject, attribute)]
    return conversation_text(turns(*contents))


def copied(material: Material, rng: Random) -> str:
    return conversation_text(copying.copying(rng, _language(rng)))


def looked_up(material: Material, rng: Random) -> str:
    return conversation_text(copying.lookup(rng, _language(rng)))


SHARES: dict[Callable[[Material, Random], str], int] = {
    repetition: 12,
    recall: 23,
    paragraphs_again: 10,
    questions: 27,
    copied: 13,
    looked_up: 15,
}
"""Of the drills' characters, in hundredths."""


def _language(rng: Random) -> Language:
    return "japanese" if rng.random() < JAPANESE_SHARE else "english"


def _items(material: Material, rng: Random, language: Language, count: int) -> list[str]:
    if language == "english" and rng.random() < 0.5 and len(material.words) >= count:
        return rng.sample(material.words, count)
    return items(rng, language, count)
