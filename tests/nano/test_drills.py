import re
from itertools import islice
from random import Random

import pytest

from nano.corpus.documents import BOS, END, Document
from nano.corpus.drills import SHARES, Material, drills, paragraphs_again, read_material, recall, repetition

MATERIAL = Material(
    words=[f"word{chr(97 + i)}{chr(97 + j)}" for i in range(20) for j in range(20)],
    paragraphs=[
        f"Paragraph {index} says something of its own, at some length, about subject {index}." for index in range(50)
    ],
)


def _body(text: str) -> str:
    assert text.startswith(BOS)
    assert text.endswith(END)
    return text.removeprefix(BOS).removesuffix(END)


@pytest.mark.parametrize("seed", range(50))
def test_a_repeated_sequence_stands_there_twice_at_least(seed):
    body = _body(repetition(MATERIAL, Random(seed)))
    assert re.fullmatch(r"(?P<line>.+?)(?:[\s\-;,、・]+(?P=line))+", body, re.DOTALL)


@pytest.mark.parametrize("seed", range(50))
def test_every_pair_comes_back_whole(seed):
    body = _body(recall(MATERIAL, Random(seed)))
    pieces = [piece.strip() for piece in re.split(r"\n+|; |, (?=\S)", body) if piece.strip()]
    assert len(set(pieces)) <= len(pieces) / 2


def test_a_paragraph_comes_again_word_for_word():
    for seed in range(20):
        lines = [line for line in _body(paragraphs_again(MATERIAL, Random(seed))).split("\n") if line.strip("-")]
        assert all(lines.count(line) == 2 for line in lines)


def test_the_kinds_come_by_their_shares():
    written = dict.fromkeys((kind.__name__ for kind in SHARES), 0)
    for document in islice(drills(MATERIAL, Random(3)), 3_000):
        written[document.source.removeprefix("drills/")] += len(document.text)
    total = sum(written.values())
    for kind, share in SHARES.items():
        assert written[kind.__name__] / total == pytest.approx(share / 100, abs=0.02)


def test_the_same_seed_writes_the_same_drills():
    first, second = (list(islice(drills(MATERIAL, Random(5)), 200)) for _ in range(2))
    assert first == second


def test_the_material_is_prose_and_no_conversation():
    chat = Document(source="english/reading", text=f"{BOS}<|user|>Secretword" + "x" * 100 + END)
    line = "The documentation of a package, as long as a paragraph of it has to be before it is repeated in a drill."
    material = read_material([chat, Document(source="prose/package", text=f"{BOS}{line}\nshort{END}")])
    assert material.paragraphs == [line]
    assert "documentation" in material.words
    assert "Secretword" not in material.words
