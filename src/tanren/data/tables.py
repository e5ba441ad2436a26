"""Rows of tables, CSV and Parquet, as the objects that JSONL would have: the header's names are the keys.

Cost   CSV: one row is held. Parquet needs its end first, so the file is laid into a temporary one; a thousand rows are
       held, or the row group where its pages are larger.
"""

import csv
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

from tanren.data.findings import Finding, shown
from tanren.data.json_lines import LINE_BYTES_CAP, JsonRow, LineBlock, NotJsonLines, invalid_utf_8, line_blocks
from tanren.domain.sentences import sentence

_DELIMITERS: Final = ",\t;"
_HEADERS: Final = ({"prompt", "completion"}, {"input"})
_PARQUET_ROWS: Final = 1_000
_SPOOLED_BYTES: Final = 8 << 20


def is_csv_header(first_line: bytes) -> bool:
    """Whether the line names the columns of a data format, however it is quoted and divided."""
    try:
        text = first_line.decode("utf-8").strip()
        return any(wanted <= set(_fields(text, delimiter)) for delimiter in _DELIMITERS for wanted in _HEADERS)
    except (UnicodeDecodeError, csv.Error):
        return False


def csv_rows(pieces: Iterable[bytes], *, file: str) -> Iterator[JsonRow | Finding]:
    """Each row below the header, or what is wrong with it.

    Raises   NotJsonLines where the header cannot be read, or quotes are such that rows cannot be told apart.
    """
    lines = _Lines(chain.from_iterable(_numbered(block) for block in line_blocks(pieces, file=file)))
    header_line = next(lines, None)
    if header_line is None:
        return
    delimiter = max(_DELIMITERS, key=header_line.count)
    try:
        header = _fields(header_line.strip("\r\n"), delimiter)
    except csv.Error as error:
        raise _not_a_table(file, error, lines) from error
    doubled = next((name for name in header if header.count(name) > 1), None)
    if doubled is not None:
        raise NotJsonLines(
            _finding(
                file,
                1,
                "duplicate-key",
                sentence('the column "{column}" stands twice.', column=doubled),
                sentence("Rename one of them."),
                header_line,
            )
        )
    csv.field_size_limit(LINE_BYTES_CAP)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.begin_row()
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise _not_a_table(file, error, lines) from error
        if fields is None:
            return
        if lines.wrong is not None:
            raw, error = lines.wrong
            yield invalid_utf_8(raw, error, file=file, line=lines.row_line)
        elif not fields:
            blank = sentence("the line is blank.")
            yield _finding(file, lines.row_line, "blank-line", blank, sentence("Remove it."), "")
        elif len(fields) > len(header):
            yield _finding(
                file,
                lines.row_line,
                "too-many-fields",
                sentence(
                    "the row has {fields} fields, the header has {columns}.", fields=len(fields), columns=len(header)
                ),
                sentence("Put a field that holds the delimiter between quotes."),
                lines.row_text,
            )
        else:
            yield JsonRow(line=lines.row_line, text="", value=dict(zip(header, fields, strict=False)))


def parquet_rows(pieces: Iterable[bytes], *, file: str) -> Iterator[JsonRow | Finding]:
    """Each row; its `line` is its number, from 1. Raises NotJsonLines where the file cannot be read."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise NotJsonLines(
            _finding(
                file,
                0,
                "parquet-not-readable",
                sentence("Parquet is read with pyarrow, which is not installed."),
                sentence("pip install 'tanren[parquet]', or write the data as JSONL."),
                "",
            )
        ) from error
    with tempfile.SpooledTemporaryFile(max_size=_SPOOLED_BYTES) as spooled:
        for piece in pieces:
            spooled.write(piece)
        spooled.seek(0)
        try:
            batches: Any = pyarrow.parquet.ParquetFile(spooled).iter_batches(batch_size=_PARQUET_ROWS)
            number = 0
            for batch in batches:
                for value in batch.to_pylist():
                    number += 1
                    # A column that another row has; JSONL would have no such key in this one.
                    given: dict[str, Any] = {key: each for key, each in value.items() if each is not None}
                    yield JsonRow(line=number, text="", value=given)
        except (pyarrow.ArrowException, OSError) as error:
            raise NotJsonLines(
                _finding(
                    file,
                    0,
                    "parquet-not-readable",
                    sentence("the Parquet file cannot be read: {error}.", error=str(error).splitlines()[0]),
                    sentence("Write it again; it may have been cut off."),
                    "",
                )
            ) from error


class _Lines:
    """Lines as text, with what the CSV reader does not tell: where a row began, and whether all of it is UTF-8."""

    def __init__(self, numbered: Iterator[tuple[int, bytes]]) -> None:
        self._numbered = numbered
        self._is_new = True
        self.row_line = 1
        self.row_text = ""
        self.wrong: tuple[bytes, UnicodeDecodeError] | None = None

    def begin_row(self) -> None:
        self._is_new = True
        self.wrong = None

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        number, raw = next(self._numbered)
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            self.wrong = self.wrong or (raw, error)
            text = raw.decode("utf-8", "replace")
        if self._is_new:
            self._is_new, self.row_line, self.row_text = False, number, text
        return text + "\n"


def _not_a_table(file: str, error: csv.Error, lines: _Lines) -> NotJsonLines:
    return NotJsonLines(
        _finding(
            file,
            lines.row_line,
            "invalid-json",
            sentence("invalid CSV: {error}; the rest of the file was not read.", error=error),
            sentence('Put fields with commas, quotes or line breaks between quotes, and write " inside as "".'),
            lines.row_text,
        )
    )


def _numbered(block: LineBlock) -> Iterator[tuple[int, bytes]]:
    return enumerate(block.lines, start=block.first_line)


def _fields(header: str, delimiter: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]


def _finding(file: str, line: int, rule: str, message: str, fix: str, text: str) -> Finding:
    return Finding(file=file, line=line, rule=rule, message=message, fix=fix, text=shown(text) or None)
