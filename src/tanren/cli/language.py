"""In which language the command line speaks: English, or Japanese where the locale is Japanese.

    say("{name} is deleted.", name=name)       a message: looked up by its English text, then filled in
    translated("Show all jobs.")               a help text, paragraph by paragraph

The catalogue is `messages.ja.toml`: English text = Japanese text, a table for each module. A test holds that every
message and every help text has its line, with the same places to fill in. What a service answers is not ours to
translate, and what scripts read (JSON, names, statuses, exit codes) is the same in every language.
"""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

from tanren.settings import read_language

CATALOGUE: Final = Path(__file__).with_name("messages.ja.toml")
_PARAGRAPHS: Final = re.compile(r"\n\s*\n")


def is_japanese() -> bool:
    return read_language() == "ja"


def say(text: str, /, **values: Any) -> str:
    """The message in the user's language; `values` fill its places in braces."""
    told = _japanese().get(text, text) if is_japanese() else text
    return told.format(**values) if values else told


def translated(text: str) -> str:
    """A help text of one or more paragraphs; a paragraph that the catalogue does not have stays as it is."""
    if not is_japanese():
        return text
    return "\n\n".join(_japanese().get(flat(part), part) for part in paragraphs(text))


def paragraphs(text: str) -> list[str]:
    return _PARAGRAPHS.split(text.strip())


def flat(paragraph: str) -> str:
    """As the catalogue writes it: on one line."""
    return " ".join(paragraph.split())


@cache
def _japanese() -> dict[str, str]:
    tables: dict[str, dict[str, str]] = tomllib.loads(CATALOGUE.read_text("utf-8"))
    return {english: japanese for table in tables.values() for english, japanese in table.items()}
