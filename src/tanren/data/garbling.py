"""Garbled text (mojibake): UTF-8 that somebody read in another encoding and saved again, as `â€™` for `’`.

Found in two steps: a pattern that every such text matches and few others do, then ftfy, which knows what each encoding
makes of UTF-8 and asks whether the text becomes less odd. Repair is offered only where nothing has been lost on the
way: cp1252 has no letter for the bytes 81 8d 8f 90 9d, and programs drop them, or put U+FFFD in their place.

Cost   the pattern over every text; ftfy (about 0.1 ms a kilobyte) over those that match.
"""

import re
from dataclasses import dataclass
from typing import Final

SUSPECT: Final = re.compile(
    "[\u00c2-\u00f4\u011f\u0111][\u0080-\u00bf\u0152-\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
)
"""The first byte of a UTF-8 sequence and one that goes on with it, each read as a letter of its own (cp1252, cp1254,
cp1258 differ in few). Two letters as they stand in no word, but for a letter before a quotation mark or dash."""

SUSPECT_BYTES: Final = (
    re.compile(b"\xc3[\x82-\xb4][\xc2\xc5\xc6\xcb\xe2]"),
    re.compile(b"\xc4[\x91\x9f][\xc2\xc5\xc6\xcb\xe2]"),
)
"""What the UTF-8 of every match of `SUSPECT` matches: to pass over a whole block of lines at once."""

_GUESSES: Final = ("restore_byte_a0", "replace_lossy_sequences")
"""ftfy's steps that fill in what is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbling:
    at: int
    """Where the garbled part begins, in characters from 0."""
    repaired: str
    is_lossless: bool
    """Every garbled letter has become what it was; no byte was missing."""


def garbling(text: str) -> Garbling | None:
    """None where the text is as it was meant, as far as can be told."""
    suspect = SUSPECT.search(text)
    if suspect is None:
        return None
    # Imported here: most files have nothing that matches.
    import ftfy

    repaired, steps = ftfy.fix_encoding_and_explain(text)
    if repaired == text:
        return None
    has_guesses = any(step.parameter in _GUESSES for step in steps or ())
    is_lossless = not has_guesses and "\ufffd" not in repaired and SUSPECT.search(repaired) is None
    return Garbling(at=suspect.start(), repaired=repaired, is_lossless=is_lossless)
