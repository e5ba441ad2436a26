"""The frame of a generated conversation: its turns, and a system message in front of some."""

from collections.abc import Sequence
from random import Random

from nano.corpus.documents import Message

Conversation = list[Message]


def turns(*contents: str) -> Conversation:
    return [Message(role=("user", "assistant")[index % 2], content=content) for index, content in enumerate(contents)]


def with_system(rng: Random, messages: Conversation, systems: Sequence[str], share: float) -> Conversation:
    if rng.random() < share:
        return [Message(role="system", content=rng.choice(systems)), *messages]
    return messages


def capitalised(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
