"""The corpus as two files of documents, one for training and one held out, in a fixed shuffled order.

Prose    every paragraph once; passages of one module or service are gathered into documents. About one passage in
         fifty, chosen by a hash of its subject, is held out, together with the questions about it.
Chat     drawn family by family from seeded generators until the share of characters is reached.

Each line of a file is a JSON object {"source", "text"}. Cost: about two minutes of one core for 50 MB.
"""

import json
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from random import Random

from nano.corpus import english, japanese
from nano.corpus.documents import Document, conversation_text, prose_text
from nano.corpus.grounded import conversation_about
from nano.corpus.prose import MAX_DOCUMENT_CHARACTERS, SOURCES, Passage, installed, read_passages, version_of
from nano.corpus.subjects import ENGLISH, JAPANESE, Subject, invent
from nano.recipe import Recipe

PROSE_CHARACTERS_PER_TOKEN = 4.1
"""A rough figure, only to decide how much to write; `CHAT_CHARACTERS_PER_TOKEN` alike."""
CHAT_CHARACTERS_PER_TOKEN = 3.6
BOTOCORE_SHARE = 0.45
"""At most this share of the prose: its service models alone would fill it with one manner of writing."""
GROUNDED_SHARE = 0.35
"""Share of the English conversations that are about real documentation."""
REMEMBERED_SUBJECTS = 300
"""Invented subjects, in each language, whose facts come back in changing words without a passage."""
HELD_OUT_ONE_IN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSize:
    package: str
    version: str
    licence: str
    characters: int


def write_corpus(recipe: Recipe, folder: Path) -> list[SourceSize]:
    """Writes train.jsonl and held_out.jsonl; returns how much prose each package gave."""
    rng = Random(recipe.seed)
    passages, sizes = _unique_passages(recipe)
    train_passages = [passage for passage in passages if not is_held_out(passage.subject)]
    held_passages = [passage for passage in passages if is_held_out(passage.subject)]
    chat_characters = recipe.train_tokens * (1 - recipe.prose_share) * CHAT_CHARACTERS_PER_TOKEN
    train = [*_prose_documents(train_passages), *_chat_documents(recipe, train_passages, int(chat_characters), rng)]
    rng.shuffle(train)
    held_out_rng = Random(recipe.seed + 1)
    held_out = [
        *_prose_documents(held_passages),
        *_chat_documents(recipe, held_passages, 6 * recipe.held_out_tokens, held_out_rng),
    ]
    held_out_rng.shuffle(held_out)
    _write_jsonl(folder / "train.jsonl", train)
    _write_jsonl(folder / "held_out.jsonl", held_out)
    return sizes


def read_corpus(path: Path) -> Iterator[Document]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield Document(**json.loads(line))


def is_held_out(subject: str) -> bool:
    return zlib.crc32(subject.encode()) % HELD_OUT_ONE_IN == 0


def _unique_passages(recipe: Recipe) -> tuple[list[Passage], list[SourceSize]]:
    """Passages with every paragraph once in the whole corpus, cut to the recipe's amount of prose."""
    budget = recipe.train_tokens * recipe.prose_share * PROSE_CHARACTERS_PER_TOKEN * (1 + 2 / HELD_OUT_ONE_IN)
    seen: set[str] = set()
    by_source: dict[str, list[Passage]] = {}
    for source in SOURCES:
        if not installed(source):
            continue
        kept = by_source.setdefault(source.package, [])
        for passage in read_passages(source):
            fresh = tuple(dict.fromkeys(paragraph for paragraph in passage.paragraphs if paragraph not in seen))
            seen.update(fresh)
            if fresh:
                kept.append(
                    Passage(package=passage.package, subject=passage.subject, kind=passage.kind, paragraphs=fresh)
                )
    by_source["botocore"] = _most_general(by_source.get("botocore", []), int(budget * BOTOCORE_SHARE))
    sizes = [
        SourceSize(
            package=source.package,
            version=version_of(source),
            licence=source.licence,
            characters=_characters(by_source[source.package]),
        )
        for source in SOURCES
        if by_source.get(source.package)
    ]
    return [passage for kept in by_source.values() for passage in kept], sizes


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
        passages, key=lambda passage: (passage.package, passage.subject.rsplit(" in ", 1)[-1].split(".")[:2])
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


def _drawn(language: str, families: dict, world: list[Subject], rng: Random) -> Iterator[Document]:
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
