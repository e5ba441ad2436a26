"""A question with the slips that people make: what a robust model answers alike.

Source   the five that Bedrock's automatic evaluation names: lower case, keyboard typos, numbers as words, random upper
         case, added white space. Questions without letters of that kind stay as they are, and are left out.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_KEYBOARD: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS: Final = {
    letter: row[max(0, place - 1) : place] + row[place + 1 : place + 2]
    for row in _KEYBOARD
    for place, letter in enumerate(row)
}
_SHARE: Final = 0.1
"""Of the letters or spaces that are changed."""
_DIGITS: Final = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS: Final = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_NUMBER: Final = re.compile(r"(?<![\d.,])\d{1,2}(?![\d.,]*\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Perturbation:
    kind: str
    text: str


def perturbations(prompt: str, *, seed: int) -> tuple[Perturbation, ...]:
    """The prompt in up to five changed forms; the same for the same prompt and seed."""
    found = [
        Perturbation(kind=kind, text=change(prompt, random.Random(f"{seed}:{kind}:{prompt}")))
        for kind, change in _KINDS.items()
    ]
    return tuple(perturbation for perturbation in found if perturbation.text != prompt)


def _lower_case(text: str, _: random.Random) -> str:
    return text.lower()


def _typos(text: str, chance: random.Random) -> str:
    return _changed(text, chance, str.isascii, lambda letter: chance.choice(_NEIGHBOURS.get(letter.lower(), letter)))


def _numbers_as_words(text: str, _: random.Random) -> str:
    return _NUMBER.sub(lambda found: _in_words(int(found.group())), text)


def _upper_case(text: str, chance: random.Random) -> str:
    return _changed(text, chance, str.islower, str.upper)


def _white_space(text: str, chance: random.Random) -> str:
    return _changed(text, chance, str.isspace, lambda space: space * 2)


_KINDS: Final[dict[str, Callable[[str, random.Random], str]]] = {
    "lower-case": _lower_case,
    "keyboard-typos": _typos,
    "numbers-as-words": _numbers_as_words,
    "random-upper-case": _upper_case,
    "white-space": _white_space,
}


def _changed(text: str, chance: random.Random, is_meant: Callable[[str], bool], change: Callable[[str], str]) -> str:
    """One place in ten of those meant, and at least one."""
    places = [place for place, sign in enumerate(text) if is_meant(sign) and change(sign) != sign]
    chosen = set(chance.sample(places, max(1, round(len(places) * _SHARE)))) if places else set[int]()
    return "".join(change(sign) if place in chosen else sign for place, sign in enumerate(text))


def _in_words(number: int) -> str:
    if number < 10:
        return _DIGITS[number]
    if number < 20:
        return _TEENS[number - 10]
    ten, one = divmod(number, 10)
    return _TENS[ten - 2] + (f"-{_DIGITS[one]}" if one else "")
