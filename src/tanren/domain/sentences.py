"""A sentence for people that a client can say in its own language: the English text, and what it is put together from.

    sentence('"{key}" is missing.', key="messages")    '"messages" is missing.', with its template and values
    joined("row 3: ", sentence(…), " ", sentence(…))   several, one behind the other

The template is the key of its translation, as in the console and the command line: it stands where it is said, and
reads as what it says. A client that has no words for a template shows the English text (`Words.told` of the console).

Why      a Sentence is a str, so that findings, errors and events, which say something to people, carry it as they carry
         any other text; only what hands it to a client looks at its parts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

PLAIN: Final = "{text}"
"""The template of a piece that is the same in every language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentencePart:
    template: str
    values: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        return {"template": self.template, "values": dict(self.values)}


class Sentence(str):
    """The English text; `parts` give it when each template is filled in and all are put together."""

    parts: tuple[SentencePart, ...]

    def __new__(cls, parts: tuple[SentencePart, ...]) -> Self:
        made = super().__new__(cls, "".join(part.template.format(**part.values) for part in parts))
        made.parts = parts
        return made

    def __reduce__(self) -> tuple[Callable[..., "Sentence"], tuple[tuple[SentencePart, ...]]]:
        return Sentence, (self.parts,)


def sentence(template: str, /, **values: object) -> Sentence:
    """Values stand in the template in braces, by name; a brace that is meant is doubled. A figure with a format of its
    own is given as text."""
    return Sentence((SentencePart(template=template, values={name: str(value) for name, value in values.items()}),))


def joined(*pieces: str) -> Sentence:
    """Sentences, and between them text that is the same in every language."""
    return Sentence(tuple(part for piece in pieces for part in parts_of(piece)))


def parts_of(text: str) -> tuple[SentencePart, ...]:
    """Of any text: one that is no Sentence is one plain piece."""
    return text.parts if isinstance(text, Sentence) else (SentencePart(template=PLAIN, values={"text": text}),)


def sentence_json(text: str | None) -> list[dict[str, Any]] | None:
    """The parts as a client is given them; None for a text that has none of its own."""
    return [part.to_json() for part in text.parts] if isinstance(text, Sentence) else None


def sentence_of_json(parts: Sequence[Mapping[str, Any]]) -> Sentence:
    return Sentence(tuple(SentencePart(template=part["template"], values=part["values"]) for part in parts))


def told_by(error: Exception) -> str:
    """What an error says, with its parts where it was raised with a Sentence, which `str(error)` would lose."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, Sentence) else str(error)
