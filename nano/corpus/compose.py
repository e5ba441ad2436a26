"""The corpus as two files of documents, one for training and one held out, in a fixed order.

Prose    passages of one module or service are gathered into documents. A paragraph stands once (digits and case do not
         tell two apart), and at most `TEMPLATE_LIMIT` times with other names in it. About one passage in fifty, chosen
         by a hash of its subject, is held out, together with the questions about it.
Chat     drawn family by family from seeded generators until the share of characters is reached; never repeated.
Passes   where the unique prose is less than its share of the recipe, it comes a second time, in another order, among
         other chat. Our own prose, which is little, comes `OWN_PROSE_COPIES` times.

Each line of a file is a JSON object {"source", "text"}. Cost: about four minutes of one core for 200 MB.
"""

import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

from nano.corpus import english, japanese
from nano.corpus.documents import Document, Message, conversation_text, prose_text
from nano.corpus.grounded import conversation_about
from nano.corpus.japanese_prose import JAPANESE_SOURCES, Translation, read_japanese
from nano.corpus.packages import PACKAGES
from nano.corpus.prose import MAX_DOCUMENT_CHARACTERS, SOURCES, UNREAD_WORDS, Passage, read_passages
from nano.corpus.subjects import ENGLISH, JAPANESE, Subject, invent
from nano.recipe import Recipe

PROSE_CHARACTERS_PER_TOKEN = 4.1
"""A rough figure, only to decide how much to write; `CHAT_CHARACTERS_PER_TOKEN` alike."""
CHAT_CHARACTERS_PER_TOKEN = 3.6
BOTOCORE_SHARE = 0.35
"""At most this share of the prose: its service models alone would fill it with one manner of writing."""
GROUNDED_SHARE = 0.35
"""Share of the English conversations that are about real documentation."""
REMEMBERED_SUBJECTS = 300
"""Invented subjects, in each language, whose facts come back in changing words without a passage."""
HELD_OUT_ONE_IN = 50
TEMPLATE_LIMIT = 4
MAX_PASSES = 2
OWN_PROSE_COPIES = 4
JAPANESE_PASSES = 3
"""Real Japanese prose is scarce, so it comes as often as this."""
TRANSLATIONS_PER_PAIR = 0.5
"""Conversations that ask for a translation, for each pair of real sentences."""
OWN_PROSE = (("own_prose_en.txt", "prose/nano"), ("own_prose_ja.txt", "japanese_prose/nano"))

_OWNER = re.compile(r" in | operation of ")
_DIGITS = re.compile(r"\d+")
_NAME = re.compile(r"`[^`]*`|\b\w*[A-Z_0-9]\w*\b|[^\w`]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSize:
    package: str
    version: str
    licence: str
    characters: int


def write_corpus(recipe: Recipe, folder: Path, archives: Path) -> list[SourceSize]:
    """Writes train.jsonl and held_out.jsonl from `install_packages`' archives; returns what each one gave."""
    rng = Random(recipe.seed)
    prose = _read_prose(archives)
    train_prose, held_prose = prose.divided()
    held_out_rng = Random(recipe.seed + 1)
    held_out = [
        *_prose_documents(held_prose.english),
        *_japanese_documents(held_prose.japanese),
        *_chat_documents(recipe, held_prose.english, 6 * recipe.held_out_tokens, held_out_rng),
    ]
    held_out_rng.shuffle(held_out)
    _write_jsonl(folder / "train.jsonl", _training_documents(recipe, train_prose, rng))
    _write_jsonl(folder / "held_out.jsonl", held_out)
    return prose.sizes()


def read_corpus(path: Path) -> Iterator[Document]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield Document(**json.loads(line))


def is_held_out(subject: str) -> bool:
    return zlib.crc32(subject.encode()) % HELD_OUT_ONE_IN == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prose:
    english: list[Passage]
    japanese: list[Passage]
    translations: list[Translation]

    def divided(self) -> "tuple[_Prose, _Prose]":
        """What is trained on, and what is held out; a held-out sentence is in no translation."""
        held = {text for passage in self.japanese if is_held_out(passage.subject) for text in passage.paragraphs}
        parts = [
            _Prose(
                english=[passage for passage in self.english if is_held_out(passage.subject) == is_held],
                japanese=[passage for passage in self.japanese if is_held_out(passage.subject) == is_held],
                translations=[pair for pair in self.translations if (pair.japanese in held) == is_held],
            )
            for is_held in (False, True)
        ]
        return parts[0], parts[1]

    def sizes(self) -> list[SourceSize]:
        characters: Counter[str] = Counter()
        for passage in [*self.english, *self.japanese]:
            characters[passage.package] += _characters([passage])
        return [
            SourceSize(
                package=package.name,
                version=package.version,
                licence=package.licence,
                characters=characters[package.name],
            )
            for package in PACKAGES
            if characters[package.name]
        ]


def _read_prose(archives: Path) -> _Prose:
    seen: set[int] = set()
    templates: Counter[int] = Counter()
    by_source: dict[str, list[Passage]] = {}
    for source in SOURCES:
        by_source[source.name] = [
            fresh
            for passage in read_passages(source, archives)
            if (fresh := _unseen(passage, seen, templates, TEMPLATE_LIMIT))
        ]
    others = sum(_characters(passages) for name, passages in by_source.items() if name != "botocore")
    if "botocore" in by_source:
        limit = int(others * BOTOCORE_SHARE / (1 - BOTOCORE_SHARE))
        by_source["botocore"] = _most_general(by_source["botocore"], limit)
    japanese: list[Passage] = []
    translations: list[Translation] = []
    for source in JAPANESE_SOURCES:
        passages, pairs = read_japanese(source, archives)
        japanese += [fresh for passage in passages if (fresh := _unseen(passage, seen, Counter(), 1_000_000))]
        translations += pairs
    return _Prose(
        english=[passage for kept in by_source.values() for passage in kept],
        japanese=japanese,
        translations=list(dict.fromkeys(translations)),
    )


def _unseen(passage: Passage, seen: set[int], templates: Counter[int], limit: int) -> Passage | None:
    """The passage with those paragraphs that are new; None if there are none."""
    if UNREAD_WORDS.search(passage.subject):
        return None
    fresh: list[str] = []
    for paragraph in passage.paragraphs:
        same = _digest(_DIGITS.sub("0", paragraph.casefold()))
        template = _digest(_NAME.sub(" ", paragraph))
        if same not in seen and templates[template] < limit:
            seen.add(same)
            templates[template] += 1
            fresh.append(paragraph)
    if not fresh:
        return None
    return Passage(package=passage.package, subject=passage.subject, kind=passage.kind, paragraphs=tuple(fresh))


def _digest(text: str) -> int:
    data = text.encode()
    return zlib.crc32(data) << 32 | zlib.adler32(data)


def _training_documents(recipe: Recipe, prose: _Prose, rng: Random) -> Iterator[Document]:
    """Pass by pass, so that a repeated document is far from its first copy."""
    english = list(_prose_documents(prose.english))
    wanted = recipe.train_tokens * recipe.prose_share * PROSE_CHARACTERS_PER_TOKEN
    japanese = list(_japanese_documents(prose.japanese))
    own = list(_own_documents())
    copies = len(own) and sum(len(document.text) for document in own) * OWN_PROSE_COPIES
    repeated = 2 * JAPANESE_PASSES * sum(len(document.text) for document in japanese)
    if repeated > wanted / 4:  # a rehearsal: a share of each
        japanese, own, copies, repeated = _some(japanese, wanted / 8 / JAPANESE_PASSES, rng), own[:8], 0, wanted / 4
    passes = _passes(english, max(0.0, wanted - copies - repeated), rng)
    chat_characters = recipe.train_tokens * (1 - recipe.prose_share) * CHAT_CHARACTERS_PER_TOKEN
    chat = list(_chat_documents(recipe, prose.english, int(chat_characters), rng))
    chat += list(_translation_documents(prose.translations, chat_characters, rng))
    rng.shuffle(chat)
    for number, part in enumerate(passes):
        lines = [
            *part,
            *chat[number :: len(passes)],
            *own * (OWN_PROSE_COPIES // len(passes)),
            *_repetitions(japanese, number, len(passes)),
        ]
        rng.shuffle(lines)
        yield from lines


def _passes(documents: list[Document], characters: float, rng: Random) -> list[list[Document]]:
    """Documents of about so many characters: all of them once, then some again, at most `MAX_PASSES` times."""
    passes: list[list[Document]] = []
    while characters > 0 and len(passes) < MAX_PASSES:
        part = _some(documents, characters, rng)
        characters -= sum(len(document.text) for document in part)
        passes.append(part)
        if len(part) < len(documents):
            break
    return passes or [[]]


def _some(documents: list[Document], characters: float, rng: Random) -> list[Document]:
    chosen: list[Document] = []
    for document in rng.sample(documents, len(documents)):
        if characters <= 0:
            break
        characters -= len(document.text)
        chosen.append(document)
    return chosen


def _repetitions(documents: list[Document], number: int, passes: int) -> list[Document]:
    """This pass's part of `JAPANESE_PASSES` copies."""
    return [document for copy in range(JAPANESE_PASSES) if copy % passes == number for document in documents]


def _own_documents() -> Iterator[Document]:
    """Our own prose: paragraphs are gathered up to a blank line and a line of three stars, which ends a document."""
    for file, source in OWN_PROSE:
        path = Path(__file__).with_name(file)
        for text in path.read_text(encoding="utf-8").split("\n***\n"):
            yield Document(source=source, text=prose_text(text.strip()))


def _translation_documents(pairs: list[Translation], chat_characters: float, rng: Random) -> Iterator[Document]:
    """Real sentences in both languages, as requests in either language and in either direction."""
    limit = chat_characters / 20
    for pair in rng.sample(pairs, int(len(pairs) * TRANSLATIONS_PER_PAIR)):
        limit -= len(pair.english) + len(pair.japanese)
        if limit < 0:
            return
        ask, answer = rng.choice(
            [(request.format(pair.english), pair.japanese) for request in _TO_JAPANESE]
            + [(request.format(pair.japanese), pair.english) for request in _TO_ENGLISH]
        )
        messages = [Message(role="user", content=ask), Message(role="assistant", content=answer)]
        yield Document(source="japanese/translation_real", text=conversation_text(messages))


_TO_JAPANESE = (
    "次の英文を日本語に訳してください。\n{}",
    "日本語に翻訳してください: {}",
    "Translate into Japanese: {}",
    "「{}」を日本語にすると？",
)
_TO_ENGLISH = (
    "次の文を英語に訳してください。\n{}",
    "英訳してください: {}",
    "Translate into English: {}",
    "How do you say this in English?\n{}",
)


def _japanese_documents(passages: list[Passage]) -> Iterator[Document]:
    """One document a passage: sentences of one file, each on its line."""
    for passage in passages:
        yield Document(source=f"japanese_prose/{passage.package}", text=prose_text("\n".join(passage.paragraphs)))


def _characters(passages: Iterable[Passage]) -> int:
    return sum(len(paragraph) for passage in passages for paragraph in passage.paragraphs)


def _most_general(passages: list[Passage], characters: int) -> list[Passage]:
    """Whole services and operations, then the longest fields, until the budget is used; in their original order."""
    rank = {"service": 0, "module": 0, "class": 0, "function": 0, "readme": 0, "operation": 1, "field": 2}
    order = sorted(
        range(len(passages)), key=lambda index: (rank[passages[index].kind], -len(" ".join(passages[index].paragraphs)))
    )
    chosen: list[int] = []
    for index in order:
        characters -= _characters([passages[index]])
        if characters < 0:
            break
        chosen.append(index)
    return [passages[index] for index in sorted(chosen)]


def _prose_documents(passages: list[Passage]) -> Iterator[Document]:
    """Neighbouring passages gathered under their subjects into documents of at most `MAX_DOCUMENT_CHARACTERS`."""
    for (package, _), group in groupby(
        passages, key=lambda passage: (passage.package, _OWNER.split(passage.subject)[-1].split(".")[:2])
    ):
        gathered = ""
        for passage in group:
            piece = f"{passage.subject}\n" + "\n".join(passage.paragraphs)
            if gathered and len(gathered) + len(piece) > MAX_DOCUMENT_CHARACTERS:
                yield Document(source=f"prose/{package}", text=prose_text(gathered))
                gathered = ""
            gathered = f"{gathered}\n\n{piece}" if gathered else piece
        yield Document(source=f"prose/{package}", text=prose_text(gathered))


def _chat_documents(recipe: Recipe, passages: list[Passage], characters: int, rng: Random) -> Iterator[Document]:
    world_rng = Random(
        recipe.seed + 2
    )  # the same remembered subjects in both files: held-out questions ask them in other words
    worlds = {
        "english": [invent(world_rng.choice(ENGLISH), world_rng) for _ in range(REMEMBERED_SUBJECTS)],
        "japanese": [invent(world_rng.choice(JAPANESE), world_rng) for _ in range(REMEMBERED_SUBJECTS)],
    }
    japanese_characters = int(
        characters * recipe.japanese_share * 0.5
    )  # a Japanese character carries about twice as much
    grounded_characters = int(characters * (1 - recipe.japanese_share) * GROUNDED_SHARE)
    yield from _until(grounded_characters, (_grounded(passage, rng) for passage in _forever(passages, rng)))
    yield from _until(
        characters - 2 * japanese_characters - grounded_characters,
        _drawn("english", english.FAMILIES, worlds["english"], rng),
    )
    yield from _until(japanese_characters, _drawn("japanese", japanese.FAMILIES, worlds["japanese"], rng))


def _forever(passages: list[Passage], rng: Random) -> Iterator[Passage]:
    """Shuffled rounds; fields of service models come up a third as often as the rest."""
    while True:
        order = [passage for passage in passages if passage.kind != "field" or rng.random() < 0.33]
        rng.shuffle(order)
        yield from order


def _grounded(passage: Passage, rng: Random) -> Document:
    return Document(source=f"grounded/{passage.kind}", text=conversation_text(conversation_about(passage, rng)))


def _drawn(language: str, families: dict[Any, int], world: list[Subject], rng: Random) -> Iterator[Document]:
    choices, weights = list(families), list(families.values())
    while True:
        family = rng.choices(choices, weights)[0]
        yield Document(source=f"{language}/{family.__name__}", text=conversation_text(family(rng, world)))


def _until(characters: int, documents: Iterator[Document]) -> Iterator[Document]:
    while characters > 0:
        document = next(documents)
        characters -= len(document.text)
        yield document


def _write_jsonl(path: Path, documents: Iterable[Document]) -> None:
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        for document in documents:
            file.write(json.dumps({"source": document.source, "text": document.text}, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
