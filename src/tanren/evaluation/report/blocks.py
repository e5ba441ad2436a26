"""What a report is made of, before it is a page: headings, paragraphs, lists, tables and pictures of plain text.

Whatever a model or a data file said is plain text here; each form escapes it in one place.
"""

import re
from dataclasses import dataclass
from typing import Final

from tanren.evaluation.report.pictures import Picture

INVISIBLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Signs that no page may hold, and those that turn the direction of the text around them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    text: str
    level: int
    """2: one of the five sections; 3: within it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    text: str
    tone: str = ""
    """"good", "bad", "open" or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    text: str
    tone: str = ""
    is_number: bool = False
    note: str = ""
    """Below the text, less loud."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    is_of_answers: bool = False
    """Of long texts: columns of equal width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureBlock:
    picture: Picture


Block = Heading | Paragraph | Table | PictureBlock


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    language: str
    title: str
    verdict: str
    """SHIP, DON'T SHIP, or why there is none."""
    verdict_tone: str
    headlines: tuple[Paragraph, ...]
    """What there is to know, one sentence for each tuned arm."""
    blocks: tuple[Block, ...]
    foot: tuple[str, ...]


def text(value: object, tone: str = "") -> Cell:
    return Cell(text=str(value), tone=tone)


def number(value: str, tone: str = "") -> Cell:
    return Cell(text=value, tone=tone, is_number=True)
