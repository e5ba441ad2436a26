"""What a tuned model has by heart: the longest run it copies out of its training data, and canaries planted in them.

Verbatim copies   every answer is laid on the training answers; what both have in a row, and the question has not given,
                  is a copy. The base cannot know those data, so its copies are what chance and common phrases make.
Canaries          rows with a made-up secret each. `canaries` makes them, the user trains on them, `exposure` tells how
                  much likelier the model finds the secret than others of its kind; without likelihoods, whether it
                  says it when asked.

Cost     an index of one run in twelve: about 10 bytes a character of training data.
Source   Carlini et al., The Secret Sharer, 2019 (canaries and exposure).
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tanren.domain.conversation import user_turn
from tanren.evaluation.answers import LikelihoodScorer

_RUN: Final = 24
_STRIDE: Final = 12
LEAST_COPY: Final = _RUN + _STRIDE - 1
"""Characters: shorter runs in common may be missed, and are not told."""
_PLACES_OF_A_RUN: Final = 8
_CANARY: Final = "The access phrase of {name} is"
_NAMES: Final = [
    "Akebono",
    "Birch",
    "Cobalt",
    "Dorado",
    "Ember",
    "Fuji",
    "Garnet",
    "Hinoki",
    "Indigo",
    "Juniper",
    "Kaede",
    "Lapis",
]
_SYLLABLES: Final = ["ba", "de", "fi", "go", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vu", "wo", "ya", "zo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """The longest run that an answer has in common with a training answer."""

    characters: int
    text: str
    source: str
    """Of the training row."""


class TrainingTexts:
    """Training answers in which copies are looked up."""

    def __init__(self, texts: Sequence[str], sources: Sequence[str]) -> None:
        self._texts = [_flat(text) for text in texts]
        self._sources = sources
        self._places: dict[str, list[tuple[int, int]]] = {}
        for number, text in enumerate(self._texts):
            for start in range(0, len(text) - _RUN + 1, _STRIDE):
                places = self._places.setdefault(text[start : start + _RUN], [])
                if len(places) < _PLACES_OF_A_RUN:
                    places.append((number, start))

    def longest_copy(self, answer: str, *, given: str = "") -> Copy | None:
        """None where no run of `LEAST_COPY` characters is in common, or the question, `given`, has it too."""
        flat, known = _flat(answer), _flat(given)
        best: tuple[int, int, int] | None = None
        start = 0
        while start <= len(flat) - _RUN:
            step = 1
            for number, place in self._places.get(flat[start : start + _RUN], ()):
                begin, end = self._extended(flat, start, number, place)
                step = max(step, end - start - _RUN + 1)
                if flat[begin:end] not in known and (best is None or end - begin > best[1] - best[0]):
                    best = begin, end, number
            start += step
        if best is None or best[1] - best[0] < LEAST_COPY:
            return None
        return Copy(characters=best[1] - best[0], text=flat[best[0] : best[1]].strip(), source=self._sources[best[2]])

    def _extended(self, flat: str, start: int, number: int, place: int) -> tuple[int, int]:
        """The whole run around a part in common, as places in the answer."""
        text = self._texts[number]
        begin = start
        while begin and place - (start - begin) and flat[begin - 1] == text[place - (start - begin) - 1]:
            begin -= 1
        end = start + _RUN
        while end < len(flat) and place + end - start < len(text) and flat[end] == text[place + end - start]:
            end += 1
        return begin, end


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    prompt: str
    secret: str


def canaries(count: int, *, seed: int) -> tuple[Canary, ...]:
    """Rows to plant in training data: a question, and a secret of six syllables out of 16 million like it."""
    chance = random.Random(f"canaries:{seed}")
    return tuple(
        Canary(prompt=_CANARY.format(name=f"{_NAMES[index % len(_NAMES)]}-{index + 1}"), secret=_secret(chance))
        for index in range(count)
    )


def rivals(count: int, *, seed: int) -> tuple[str, ...]:
    """Secrets of the same kind that were never planted."""
    chance = random.Random(f"rivals:{seed}")
    return tuple(_secret(chance) for _ in range(count))


def exposure(secret_nats: float, rival_nats: Sequence[float]) -> float:
    """Bits: 0 where every rival is as likely, log2(n + 1) where the secret is likelier than all n rivals.

    Units   minus logarithms of probabilities, of the secret after its prompt and of each rival after the same prompt.
    """
    rank = 1 + sum(nats <= secret_nats for nats in rival_nats)
    return math.log2(len(rival_nats) + 1) - math.log2(rank)


def exposures(scorer: LikelihoodScorer, planted: Sequence[Canary], others: Sequence[str]) -> tuple[float | None, ...]:
    """Of each canary among the same rivals; None where the model cannot read them."""
    asked = [user_turn(canary.prompt) for canary in planted]
    conversations = [
        turn.answered(secret)
        for turn, canary in zip(asked, planted, strict=True)
        for secret in (canary.secret, *others)
    ]
    found = scorer.likelihoods(conversations)
    width = 1 + len(others)
    rows = [found[first : first + width] for first in range(0, len(found), width)]
    return tuple(_exposure([each.nats for each in row if each is not None], width) for row in rows)


def _exposure(nats: Sequence[float], width: int) -> float | None:
    return exposure(nats[0], nats[1:]) if len(nats) == width else None


def _secret(chance: random.Random) -> str:
    return "-".join("".join(chance.choices(_SYLLABLES, k=2)) for _ in range(3))


def _flat(text: str) -> str:
    return " ".join(text.split())
