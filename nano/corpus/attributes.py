# ruff: noqa: E501 - wordings are data: one line each, each kept whole
"""What a subject is, and how its attributes are stated, asked for and answered in changing words.

A `SubjectKind` has attributes; each attribute has its own ways to state it and to ask for it. `{n}` is the subject's
name, `{v}` the value. Forms that fit any attribute ("the price of Velora") and openers multiply the hand-written ones, so
that one fact meets the model in some hundred wordings.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

Value = Callable[[Random], str]
Language = Literal["english", "japanese"]


@dataclass(frozen=True, slots=True)
class Attribute:
    key: str
    """The field's name in JSON tasks."""
    value: Value
    statements: tuple[str, ...]
    questions: tuple[str, ...]
    topic: str
    """What the attribute is called in a sentence about its absence: "the price"."""
    nouns: tuple[str, ...] = ()
    """What it is called without an article, "price"; the key, if there are none."""

    def noun(self, rng: Random) -> str:
        return rng.choice(self.nouns) if self.nouns else _NOUN_OF_KEY.get(self.key) or self.key.replace("_", " ")


@dataclass(frozen=True, slots=True)
class SubjectKind:
    noun: str
    name: Value
    attributes: tuple[Attribute, ...]
    language: Language = "english"


@dataclass(frozen=True, slots=True)
class Subject:
    kind: SubjectKind
    name: str
    values: dict[str, str]

    def stated(self, attribute: Attribute, rng: Random) -> str:
        """A sentence with the value; three in four are the attribute's own."""
        value = self.values[attribute.key]
        if rng.random() < 0.75:
            return rng.choice(attribute.statements).format(n=self.name, v=value)
        form = rng.choice(_ANY_STATEMENT[self.kind.language])
        return form.format(n=self.name, v=value, t=attribute.noun(rng))

    def asked(self, attribute: Attribute, rng: Random) -> str:
        """A question for the value: its own or a general one, with or without an opener."""
        language = self.kind.language
        draw = rng.random()
        if draw < 0.35:
            form = rng.choice(_ANY_QUESTION[language])
            return form.format(n=self.name, t=attribute.noun(rng))
        question = rng.choice(attribute.questions).format(n=self.name)
        if draw < 0.65:
            return question
        if language == "japanese":
            return rng.choice(_JAPANESE_OPENERS) + question
        return _opened(question, rng)

    def answered(self, attribute: Attribute, rng: Random) -> str:
        """The value bare, in a short frame or in a whole sentence."""
        value = self.values[attribute.key]
        draw = rng.random()
        if draw < 0.3:
            return value
        if draw < 0.5:
            form = rng.choice(_SHORT_ANSWER[self.kind.language])
            return _capitalised(form.format(n=self.name, v=value, t=attribute.noun(rng)))
        return _capitalised(self.stated(attribute, rng))


def invent(kind: SubjectKind, rng: Random) -> Subject:
    return Subject(kind, kind.name(rng), {attribute.key: attribute.value(rng) for attribute in kind.attributes})


def kind_of(language: Language, noun: str, name: Value, *rows: tuple[str, Value, str, str, str]) -> SubjectKind:
    """A kind from rows of key, value, nouns, statements, questions; alternatives are parted by `|`."""
    attributes = tuple(
        Attribute(
            key,
            value,
            tuple(statements.split("|")),
            tuple(questions.split("|")),
            f"the {nouns.split('|')[0]}" if language == "english" else nouns.split("|")[0],
            tuple(nouns.split("|")),
        )
        for key, value, nouns, statements, questions in rows
    )
    return SubjectKind(noun, name, attributes, language)


def one_of(words: str) -> Value:
    options = [word.strip() for word in words.split(",")]
    return lambda rng: rng.choice(options)


def number(low: int, high: int, pattern: str = "{}", step: int = 1) -> Value:
    return lambda rng: pattern.format(rng.randrange(low, high, step))


def named(patterns: tuple[str, ...], *inner: Value) -> Value:
    """One of the patterns around a name made by one of `inner`."""
    return lambda rng: rng.choice(patterns).format(rng.choice(inner)(rng))


def joined(pattern: str, *parts: Value) -> Value:
    """The pattern filled with one value of each part: values of several words."""
    return lambda rng: pattern.format(*(part(rng) for part in parts))


def _capitalised(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def _opened(question: str, rng: Random) -> str:
    draw = rng.random()
    lowered = question[0].lower() + question[1:] if question.split(" ", 1)[0] in _ASKING_WORDS else question
    if draw < 0.45:
        return rng.choice(_OPENERS) + question
    if draw < 0.7:
        return rng.choice(_COMMA_OPENERS) + lowered
    if draw < 0.85:
        return question + rng.choice(_CLOSERS)
    return lowered.removesuffix("?")


_NOUN_OF_KEY = {
    "founded": "founding year",
    "product": "main product",
    "employees": "number of employees",
    "email": "email address",
    "opens": "opening time",
    "closes": "closing time",
    "closed_day": "weekly day of rest",
    "town": "location",
    "phone": "telephone number",
    "known_for": "speciality",
    "height": "height above the sea",
    "trial": "free trial",
    "users": "number of users",
    "region": "data location",
    "festival_month": "festival month",
    "storage": "storage limit",
}
_ASKING_WORDS = frozenset(
    (
        "How",
        "What",
        "When",
        "Where",
        "Which",
        "Who",
        "Whose",
        "Whom",
        "In",
        "On",
        "At",
        "From",
        "For",
        "To",
        "Until",
        "Does",
        "Is",
        "Are",
        "Can",
        "Do",
        "By",
        "With",
        "Under",
    )
)
_ANY_STATEMENT: dict[Language, tuple[str, ...]] = {
    "english": (
        "The {t} of {n} is {v}.",
        "For {n}, the {t} is {v}.",
        "{n} has the following {t}: {v}.",
        "{n} ({t}: {v})",
        "As for the {t} of {n}, it is {v}.",
        "Concerning {n}, the {t} is {v}.",
        "We note for {n} under {t}: {v}.",
        "Please note that the {t} of {n} is {v}.",
    ),
    "japanese": (
        "{n}の{t}は{v}です。",
        "{n}の場合、{t}は{v}です。",
        "{n}について、{t}は{v}となっています。",
        "{n}（{t}：{v}）。",
        "なお、{n}の{t}は{v}です。",
        "{n}の{t}は{v}だ。",
        "{n}の{t}ですが、{v}です。",
        "{v}が{n}の{t}です。",
    ),
}
_ANY_QUESTION: dict[Language, tuple[str, ...]] = {
    "english": (
        "What is the {t} of {n}?",
        "What is {n}'s {t}?",
        "Could you tell me the {t} of {n}?",
        "Do you know the {t} of {n}?",
        "I would like to know the {t} of {n}.",
        "Please give me the {t} of {n}.",
        "Can you look up the {t} of {n} for me?",
        "{n}: {t}?",
        "Name the {t} of {n}.",
        "What do we know about the {t} of {n}?",
        "I need the {t} of {n}.",
        "Tell me about the {t} of {n}.",
        "State the {t} for {n}.",
        "What does it say about the {t} of {n}?",
        "Regarding {n}, what is the {t}?",
        "I am asking about {n}. What is the {t}?",
        "Any idea what the {t} of {n} is?",
        "Remind me of the {t} of {n}, please.",
        "Which {t} does {n} have?",
        "I forgot the {t} of {n}. What was it?",
        "what's the {t} of {n}",
        "{t} of {n}?",
        "Would you mind telling me the {t} of {n}?",
        "May I ask what the {t} of {n} is?",
    ),
    "japanese": (
        "{n}の{t}は何ですか。",
        "{n}の{t}を教えてください。",
        "{n}の{t}を知りたいです。",
        "{n}の{t}はわかりますか。",
        "{n}の{t}は？",
        "{n}の{t}を教えていただけますか。",
        "{n}の{t}を答えてください。",
        "{n}について質問です。{t}は何ですか。",
        "{n}の{t}がわからないので教えてください。",
        "{n}の{t}を教えて。",
        "{n}の{t}について伺いたいのですが。",
        "{n}の{t}は何だった？",
        "{n}ですが、{t}はどうなっていますか。",
        "{t}を知りたいのですが、{n}はどうですか。",
    ),
}
_SHORT_ANSWER: dict[Language, tuple[str, ...]] = {
    "english": (
        "{v}.",
        "It is {v}.",
        "The {t} is {v}.",
        "That is {v}.",
        "The answer is {v}.",
        "{t}: {v}",
        "For {n} it is {v}.",
        "The {t} of {n} is {v}.",
        "{n}'s {t} is {v}.",
    ),
    "japanese": (
        "{v}です。",
        "{t}は{v}です。",
        "答えは{v}です。",
        "{t}：{v}",
        "{n}の{t}は{v}です。",
        "それは{v}です。",
    ),
}
_OPENERS = (
    "Quick question: ", "I have a question. ", "Hello! ", "Please answer this: ", "One thing I would like to know: ",
    "Can you help me? ", "Hi there. ", "Excuse me. ", "Good morning. ", "Question: ", "A customer asks: ", "I was wondering. ",
    "Someone asked me this: ", "Help me with this one. ", "I could not find it anywhere. ",
)  # fmt: skip
_COMMA_OPENERS = ("Tell me, ", "Please, ", "Hi, ", "Sorry, but ", "So, ", "By the way, ", "And ", "Hey, ")
_CLOSERS = (
    " Thanks!",
    " Please answer briefly.",
    " I could not find it.",
    " Thank you in advance.",
    " It is for my report.",
    " Please.",
)
_JAPANESE_OPENERS = (
    "すみません、", "質問です。", "ちょっと聞きたいのですが、", "お尋ねします。", "教えてください。", "こんにちは。", "確認させてください。",
    "お世話になります。", "一つ質問があります。", "ところで、",
)  # fmt: skip
