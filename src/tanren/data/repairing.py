"""A data file → the same records as JSONL in UTF-8, with what can be put right without loss put right, and no more.

    container           gzip, UTF-16, byte order mark, JSON array, records over lines, CSV, Parquet → JSONL
    line                cp932, EUC-JP or cp1252 → UTF-8; blank ones left out; spaces around it
    text                garbled, where no letter was lost on the way

Every other line goes over as it stands, right or wrong. Where nothing is wrong, the bytes stay the same.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, cast

from tanren.data.containers import OpenedFile
from tanren.data.encodings import legacy_encoding
from tanren.data.findings import Finding
from tanren.data.garbling import garbling
from tanren.data.json_lines import JsonRow, NotJsonLines, row_of_line


class Repair:
    """One pass over an opened file. Iterate `lines()`, then look at `done`."""

    def __init__(self, opened: OpenedFile, *, file: str) -> None:
        self._opened = opened
        self._file = file
        self.done: Counter[str] = Counter()
        """What was put right, and how often."""
        self.left: list[Finding] = []
        """What could not be."""

    def lines(self) -> Iterator[bytes]:
        """The repaired file, one line an item, each with its newline.

        Raises   NotJsonLines where the rest of a file cannot be read, so that its rows cannot be told apart.
        """
        for finding in self._opened.findings:
            self.done[finding.rule] += 1
        if self._opened.rows is not None:
            for row in self._opened.rows:
                if isinstance(row, Finding):
                    # Nothing of such a row can be written on a line of its own and be what it was.
                    raise NotJsonLines(row)
                yield _line(self._mended(row.value))
            return
        for block in self._opened.blocks or ():
            for number, raw in enumerate(block.lines, start=block.first_line):
                yield from self._repaired(raw, number)

    def _repaired(self, raw: bytes, number: int) -> Iterable[bytes]:
        if not raw.strip():
            self.done["blank-line"] += 1
            return ()
        row = row_of_line(raw, file=self._file, line=number)
        if isinstance(row, Finding) and row.rule == "invalid-utf-8" and (guess := legacy_encoding(raw)) is not None:
            self.done["invalid-utf-8"] += 1
            raw = guess[1].encode()
            row = row_of_line(raw, file=self._file, line=number)
        if not isinstance(row, JsonRow):
            self.left.append(row)
            return (raw + b"\n",)
        mended = self._mended(row.value)
        return (raw + b"\n",) if mended == row.value else (_line(mended),)

    def _mended(self, value: Any) -> Any:
        """With every garbled text repaired, at any depth."""
        if isinstance(value, str):
            found = garbling(value)
            if found is None or not found.is_lossless:
                return value
            self.done["garbled-text"] += 1
            return found.repaired
        if isinstance(value, list):
            return [self._mended(item) for item in cast(list[Any], value)]
        if isinstance(value, dict):
            return {key: self._mended(item) for key, item in cast(dict[str, Any], value).items()}
        return value


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass") + b"\n"
