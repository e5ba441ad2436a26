"""Personal data and secrets in texts: kinds that can be told by their form, never the values in full.

What has a check digit is checked (cards by Luhn, My Number by its own rule), telephone numbers by Google's library.
Names and addresses are not found: no form tells them.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

_PATTERNS: Final[dict[str, re.Pattern[str]]] = {
    "e-mail address": re.compile(r"[\w.+-]{1,64}@(?!example\.(?:com|org|net)\b)[\w-]{1,63}(?:\.[\w-]{2,63}){1,4}"),
    "AWS access key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
    "API token": re.compile(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|sk-[A-Za-z0-9_-]{20,}|xox[abprs]-[\w-]{10,}|hf_[A-Za-z0-9]{30,})"
    ),
    "JSON web token": re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    "password": re.compile(r"(?i)\b(?:password|passwd|パスワード)\s*[:=：]\s*\S{6,}"),
    "card number": re.compile(r"\b\d(?:[ -]?\d){12,18}\b"),
    "My Number": re.compile(r"(?<!\d)(?<!\d[ -])\d{4}[ -]?\d{4}[ -]?\d{4}(?![ -]?\d)"),
    "IP address": re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"),
}
_SECRETS: Final = frozenset({"AWS access key", "private key", "API token", "JSON web token", "password"})
_SEVEN_DIGITS: Final = re.compile(r"(?:\d[\s().\-]{0,2}){7}")
_REGIONS: Final = ("JP", "US")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    kind: str
    is_secret: bool
    masked: str
    """The first and the last two characters."""
    start: int
    end: int
    """Where it stands in the text: text[start:end]."""


def sightings(text: str) -> Iterator[Sighting]:
    """What looks like personal data or a secret, in no order; one form may be of two kinds."""
    has_digits = _SEVEN_DIGITS.search(text) is not None
    for kind, pattern in _PATTERNS.items():
        for match in pattern.finditer(text):
            if _is_right(kind, match[0]):
                yield _sighting(kind, match[0], match.start())
    if has_digits:
        # Imported here: most texts have no seven digits in a row.
        import phonenumbers

        seen: set[int] = set()
        for region in _REGIONS:
            for match in phonenumbers.PhoneNumberMatcher(text, region):
                if match.start not in seen:
                    seen.add(match.start)
                    yield _sighting("telephone number", match.raw_string, match.start)


def masked(text: str) -> tuple[str, Counter[str]]:
    """The text with `[telephone number]` and the like in place of what `sightings` finds, and how often each kind.

    Why      only what has a form goes. Names, addresses and what a reader can infer stay: masked is not anonymous.
    """
    found: Counter[str] = Counter()
    pieces: list[str] = []
    reached = 0
    for sighting in sorted(sightings(text), key=lambda sighting: (sighting.start, -sighting.end)):
        if sighting.start < reached:
            # Two kinds overlap: the rest of the second goes with the first.
            reached = max(reached, sighting.end)
            continue
        pieces += [text[reached : sighting.start], f"[{sighting.kind}]"]
        reached = sighting.end
        found[sighting.kind] += 1
    return "".join([*pieces, text[reached:]]), found


def _is_right(kind: str, found: str) -> bool:
    digits = [int(char) for char in found if char.isdigit()]
    if kind == "card number":
        doubled = [digit if index % 2 == 0 else sum(divmod(2 * digit, 10)) for index, digit in enumerate(digits[::-1])]
        return sum(doubled) % 10 == 0 and len(set(digits)) > 1
    if kind == "My Number":
        # Weights 6 5 4 3 2 7 6 5 4 3 2 over the first eleven (ordinance no. 85 of 2014, article 5).
        rest = (
            sum(digit * weight for digit, weight in zip(digits, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2), strict=False)) % 11
        )
        return digits[11] == (0 if rest <= 1 else 11 - rest)
    if kind == "IP address":
        with suppress(ValueError):
            return ipaddress.ip_address(found).is_global
        return False
    return True


def _sighting(kind: str, found: str, start: int) -> Sighting:
    shown = f"{found[:2]}{'*' * min(8, max(1, len(found) - 4))}{found[-2:]}"
    return Sighting(kind=kind, is_secret=kind in _SECRETS, masked=shown, start=start, end=start + len(found))
