"""Bytes of a JSONL file → one JSON object a line, or the finding that says why not. Streaming; one line is held.

Cost   one decode and one parse a line; memory of the longest line, at most `LINE_BYTES_CAP`.
"""

import codecs
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tanren.data.findings import Finding, Severity
from tanren.data.positions import duplicate_key
from tanren.domain.errors import JobFailed

LINE_BYTES_CAP = 64 * 1024 * 1024
"""A record longer than this is no record; it would only fill the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonRow:
    line: int
    text: str
    """The line as it stands, for columns."""
    value: dict[str, Any]


class NotJsonLines(Exception):
    """The file as a whole is something else; carries the one finding that says so."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding


def lines_of(chunks: Iterable[bytes], *, file: str) -> Iterator[bytes]:
    """Lines, each with its own ending, of chunks cut anywhere: what an S3 stream gives.

    Raises   JobFailed where a line is longer than `LINE_BYTES_CAP`.
    """
    rest = bytearray()
    line = 1
    for chunk in chunks:
        rest += chunk
        start = 0
        while (end := rest.find(b"\n", start)) >= 0:
            yield bytes(rest[start : end + 1])
            start = end + 1
            line += 1
        del rest[:start]
        if len(rest) > LINE_BYTES_CAP:
            raise JobFailed(
                f"{file} line {line} is longer than {LINE_BYTES_CAP // 2**20} MiB. "
                "Data files must conform to JSONL format: one record a line."
            )
    if rest:
        yield bytes(rest)


def json_rows(lines: Iterable[bytes], *, file: str) -> Iterator[JsonRow | Finding]:
    """Each line as an object or as a finding, in order; warnings stand before the row that they are about.

    Takes    one line an item, with or without its ending (`lines_of` makes them from chunks).
    Raises   NotJsonLines where the first line shows another kind of file; the rest would be noise.
    """
    for line, raw in enumerate(lines, start=1):
        assert b"\n" not in raw[:-1], "json_rows takes lines; cut chunks with lines_of"
        if line == 1:
            if raw.startswith(codecs.BOM_UTF8):
                raw = raw[len(codecs.BOM_UTF8) :]
                yield Finding(
                    file=file,
                    line=1,
                    column=1,
                    rule="byte-order-mark",
                    message="the file begins with a UTF-8 byte order mark, which was left out.",
                    fix="Save the file as UTF-8 without BOM; AWS may refuse it.",
                    severity=Severity.WARNING,
                )
            _check_kind_of_file(raw, file)
        yield _row_of(raw, file=file, line=line)


def _check_kind_of_file(first_line: bytes, file: str) -> None:
    start = first_line.strip()

    def refuse(rule: str, message: str, fix: str) -> NotJsonLines:
        return NotJsonLines(Finding(file=file, line=1, column=1, rule=rule, message=message, fix=fix))

    if first_line.startswith(b"\x1f\x8b"):
        raise refuse("compressed-file", "the file is gzip-compressed.", "Upload the uncompressed JSONL file.")
    if first_line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise refuse("utf-16-file", "the file is UTF-16.", "Save it as UTF-8.")
    if start.startswith(b"["):
        raise refuse(
            "json-array",
            "the file is one JSON array, where JSONL is expected: one object a line, no brackets around them.",
            "Write one record a line, for instance with: jq -c '.[]' file.json > file.jsonl",
        )
    if start == b"{":
        raise refuse(
            "pretty-printed-json",
            "a record is spread over several lines, where JSONL is expected: one object a line.",
            "Write each record on one line, for instance with: jq -c . file.json > file.jsonl",
        )


def _row_of(raw: bytes, *, file: str, line: int) -> JsonRow | Finding:
    def refuse(rule: str, message: str, fix: str, column: int | None) -> Finding:
        return Finding(file=file, line=line, column=column, rule=rule, message=message, fix=fix)

    try:
        text = raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        byte = raw[error.start]
        return refuse(
            "invalid-utf-8",
            f"byte 0x{byte:02x} at byte offset {error.start} of the line is not UTF-8.",
            "Save the file as UTF-8.",
            error.start + 1,
        )
    if not text.strip():
        return refuse("blank-line", "the line is blank.", "Remove it; every line must be a record.", None)
    doubled: list[str] = []

    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            doubled.append("")
        return value

    try:
        value = json.loads(text, object_pairs_hook=object_of, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        return refuse(
            "invalid-json",
            f"invalid JSON: {error.msg[:1].lower()}{error.msg[1:]}.",
            "Repair the line; each must be one JSON object.",
            error.pos + 1,
        )
    except _NotANumber as error:
        name = str(error)
        return refuse(
            "invalid-json", f"invalid JSON: {name} is no JSON value.", "Repair the line.", text.find(name) + 1
        )
    except (RecursionError, ValueError) as error:
        return refuse("invalid-json", f"invalid JSON: {error}.", "Repair the line.", None)
    if not isinstance(value, dict):
        kind = type(value).__name__
        return refuse(
            "not-an-object", f"the line is a JSON {_JSON_NAMES.get(kind, kind)}.", "Write one JSON object a line.", 1
        )
    if doubled and (twice := duplicate_key(text)) is not None:
        key, column = twice
        return refuse("duplicate-key", f'the key "{key}" stands twice in one object.', "Keep one of them.", column)
    return JsonRow(line=line, text=text, value=value)


class _NotANumber(Exception):
    pass


def _refuse_constant(name: str) -> Any:
    raise _NotANumber(name)


_JSON_NAMES = {
    "list": "array",
    "str": "string",
    "int": "number",
    "float": "number",
    "bool": "boolean",
    "NoneType": "null",
}
