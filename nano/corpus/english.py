"""The families of generated English conversations and how often each is drawn.

Every family takes the random generator and a fixed `World` of remembered subjects, and returns the messages of one
conversation. Nothing depends on anything but its arguments.
"""

from collections.abc import Callable
from random import Random

from nano.corpus import classification as labels
from nano.corpus import copying as copies
from nano.corpus import extraction as fields
from nano.corpus import manners
from nano.corpus import reading as passages
from nano.corpus import tool_calls as tools
from nano.corpus.chat import Conversation
from nano.corpus.subjects import Subject

READ_FIRST = passages.READ_FIRST["english"]
World = list[Subject]


def reading(rng: Random, world: World) -> Conversation:
    return passages.reading(rng, "english")


def remembered(rng: Random, world: World) -> Conversation:
    return passages.remembered(rng, world, "english")


def questions_and_answers(rng: Random, world: World) -> Conversation:
    return passages.questions_and_answers(rng, "english")


def unknown(rng: Random, world: World) -> Conversation:
    return passages.unknown(rng, "english")


def copying(rng: Random, world: World) -> Conversation:
    return copies.copying(rng, "english")


def lookup(rng: Random, world: World) -> Conversation:
    return copies.lookup(rng, "english")


def extraction(rng: Random, world: World) -> Conversation:
    return fields.extraction(rng, "english")


def conversion(rng: Random, world: World) -> Conversation:
    return fields.conversion(rng, "english")


def classification(rng: Random, world: World) -> Conversation:
    return labels.classification(rng, "english")


def tool_call(rng: Random, world: World) -> Conversation:
    return tools.tool_call(rng, "english") if rng.random() < 0.85 else tools.notes_tool(rng, "english")


def obeying(rng: Random, world: World) -> Conversation:
    return manners.obeying(rng, "english")


def persona(rng: Random, world: World) -> Conversation:
    return manners.persona(rng, "english")


def rewriting(rng: Random, world: World) -> Conversation:
    return manners.rewriting(rng, "english") if rng.random() < 0.85 else manners.mixed_lists(rng, "english")


def dialogue(rng: Random, world: World) -> Conversation:
    return manners.dialogue(rng, "english")


FAMILIES: dict[Callable[[Random, World], Conversation], int] = {
    reading: 22,
    remembered: 14,
    questions_and_answers: 4,
    unknown: 2,
    copying: 22,
    lookup: 10,
    extraction: 10,
    conversion: 4,
    classification: 16,
    tool_call: 5,
    obeying: 5,
    persona: 2,
    rewriting: 7,
    dialogue: 5,
}
"""How often each family is drawn, relative to the others."""
