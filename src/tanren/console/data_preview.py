"""The first rows of a data file, as they stand there: text for people to look at, never markup."""

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

PREVIEW_BYTES: Final = 65_536
ROWS_SHOWN: Final = 20
LONGEST_ROW: Final = 2_000
"""Characters of a row that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewRow:
    line: int
    text: str
    hidden: int
    """Characters that are not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    rows: tuple[PreviewRow, ...]
    is_text: bool
    """False: it is no UTF-8, so nothing is shown of it."""


def customization_of(preview: Preview) -> str:
    """What the first row is fit for: a row with nothing but `input` is text to go on pre-training with."""
    row = None
    if preview.rows:
        with suppress(ValueError):
            row = json.loads(preview.rows[0].text)
    is_text = isinstance(row, dict) and "input" in row and not {"completion", "messages", "output"} & row.keys()
    return "CONTINUED_PRE_TRAINING" if is_text else "FINE_TUNING"


def preview_of(beginning: bytes, *, is_whole: bool) -> Preview:
    """The rows that are whole in `beginning`, and the last one too if the object ends there."""
    try:
        text = beginning.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The last character of a part may have been cut.
        if is_whole or error.start < len(beginning) - 4:
            return Preview(rows=(), is_text=False)
        text = beginning[: error.start].decode("utf-8-sig")
    lines = text.split("\n")
    if (not is_whole or not lines[-1]) and len(lines) > 1:
        lines.pop()
    return Preview(
        is_text=True,
        rows=tuple(
            PreviewRow(line=number, text=line[:LONGEST_ROW], hidden=max(0, len(line) - LONGEST_ROW))
            for number, line in enumerate(lines[:ROWS_SHOWN], 1)
            if line
        ),
    )
