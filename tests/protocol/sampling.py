"""Valid values for the shapes of a service model, from a seed: what a caller could send and a handler could answer.

How: a walk over the compiled shape; strings are drawn from the shape's pattern by walking its parse tree, then checked
against pattern, length and enum, with more repetitions at each retry. The same seed gives the same values.
"""

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from re import _constants as sre  # pyright: ignore
from re import _parser as sre_parser  # pyright: ignore
from typing import Any

from tanren.aws.service_models import Member, Shape
from tanren.aws.validation import pattern_of

_ALPHABET = "abcXYZ019 -_.:/é漢"
_DEEPEST = 4


class Sampler:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def structure(self, shape: Shape, depth: int = 0) -> dict[str, Any]:
        if shape.is_union:
            names = [name for name, member in shape.members.items() if depth < _DEEPEST or _is_flat(member.shape)]
            name = self._random.choice(names or list(shape.members))
            return {name: self.value(shape.members[name].shape, depth + 1)}
        return {
            name: self.member(member, depth)
            for name, member in shape.members.items()
            if member.is_required or (depth < _DEEPEST and self._random.random() < 0.7)
        }

    def member(self, member: Member, depth: int) -> Any:
        if member.location in ("uri", "header", "querystring") and member.shape.kind == "string":
            return self._text_of_a_place(member)
        if member.shape.kind == "timestamp" and member.location in ("header", "querystring"):
            # botocore writes whole seconds into query strings.
            return self.timestamp().replace(microsecond=0)
        return self.value(member.shape, depth + 1)

    def _text_of_a_place(self, member: Member) -> str:
        # A label cannot be empty, and a header can hold neither controls nor white space at its ends.
        while True:
            text = self.string(member.shape)
            if text and (member.location != "header" or (text.isascii() and text == " ".join(text.split()))):
                return text

    def value(self, shape: Shape, depth: int = 0) -> Any:
        if shape.is_document:
            return {"text": "é", "number": 1, "list": [True, None, {"deep": 1.5}]}
        by_kind: dict[str, Callable[[], Any]] = {
            "structure": lambda: self.structure(shape, depth),
            "list": lambda: [self.value(_of(shape.element), depth + 1) for _ in range(self._size(shape))],
            "map": lambda: {
                self.value(_of(shape.key)): self.value(_of(shape.element), depth + 1) for _ in range(self._size(shape))
            },
            "string": lambda: self.string(shape),
            "blob": lambda: self._random.randbytes(max(int(shape.minimum or 0), self._random.randrange(40))),
            "timestamp": self.timestamp,
            "boolean": lambda: self._random.random() < 0.5,
            "integer": lambda: self._number(shape),
            "long": lambda: self._number(shape),
            "float": lambda: self._float(shape),
            "double": lambda: self._float(shape),
        }
        return by_kind[shape.kind]()

    def timestamp(self) -> datetime:
        moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=self._random.randrange(2 * 10**8))
        return moment.replace(microsecond=self._random.choice((0, 123456)))

    def string(self, shape: Shape) -> str:
        if shape.enum:
            return self._random.choice(shape.enum)
        low = int(shape.minimum or 0)
        high = int(shape.maximum if shape.maximum is not None else 4096)
        if shape.pattern is None:
            length = min(max(low, 1) + self._random.randrange(8), max(high, 1))
            return "".join(self._random.choice(_ALPHABET) for _ in range(length))
        pattern = pattern_of(shape.pattern)
        for attempt in range(400):
            text = self._matching(sre_parser.parse(pattern.pattern), attempt // 8)
            if low <= len(text) <= high and pattern.fullmatch(text):
                return text
        raise AssertionError(f"no text found for {shape.name}: {shape.pattern}")

    def _size(self, shape: Shape) -> int:
        low, high = int(shape.minimum or 0), int(shape.maximum if shape.maximum is not None else 3)
        return max(low, min(high, self._random.randrange(1, 3)))

    def _number(self, shape: Shape) -> int:
        low = int(shape.minimum if shape.minimum is not None else -5)
        high = int(shape.maximum if shape.maximum is not None else low + 1000)
        return self._random.randint(low, max(low, high))

    def _float(self, shape: Shape) -> float:
        low = shape.minimum if shape.minimum is not None else -5.0
        high = shape.maximum if shape.maximum is not None else low + 1000
        return self._random.uniform(low, high)

    def _matching(self, tree: Any, extra: int) -> str:
        return "".join(self._token(kind, argument, extra) for kind, argument in tree)

    def _token(self, kind: Any, argument: Any, extra: int) -> str:
        if kind is sre.LITERAL:
            return chr(argument)
        if kind is sre.ANY:
            return self._random.choice("abc-9")
        if kind is sre.NOT_LITERAL:
            return "a" if argument != ord("a") else "b"
        if kind is sre.IN:
            return self._one_of(argument)
        if kind is sre.BRANCH:
            return self._matching(self._random.choice(argument[1]), extra)
        if kind is sre.SUBPATTERN:
            return self._matching(argument[-1], extra)
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            low, high, inner = argument
            count = self._random.randint(low, max(low, min(int(high), low + 1 + extra)))
            return "".join(self._matching(inner, extra) for _ in range(count))
        if kind is sre.AT:
            return ""
        raise AssertionError(f"no sample for {kind}")

    def _one_of(self, choices: Any) -> str:
        if choices[0][0] is sre.NEGATE:
            return self._random.choice([c for c in "abz09-:/ " if re.match(r"[^:]", c)])
        kind, argument = self._random.choice(choices)
        if kind is sre.RANGE:
            low, high = argument
            return chr(self._random.randint(low, high))
        if kind is sre.LITERAL:
            return chr(argument)
        return {
            sre.CATEGORY_DIGIT: "7",
            sre.CATEGORY_SPACE: " ",
            sre.CATEGORY_WORD: "w",
            sre.CATEGORY_NOT_SPACE: "n",
        }[argument]


def _is_flat(shape: Shape) -> bool:
    return shape.kind not in ("structure", "list", "map")


def _of(shape: Shape | None) -> Shape:
    assert shape is not None
    return shape
