"""Bytes of a JSONL file → one JSON object a line, or the finding that says why not. Streaming; one block is held.

Cost   one decode and one parse a line; memory of a block and of the longest line, at most `LINE_BYTES_CAP`.
"""

import codecs
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tanren.data.encodings import legacy_encoding
from tanren.data.findings import Finding, Severity, shown
from tanren.data.positions import JsonPath, column_of, duplicate_key
from tanren.domain.errors import JobFailed
from tanren.domain.sentences import joined, sentence

LINE_BYTES_CAP = 64 * 1024 * 1024
"""A record longer than this is no record; it would only fill the memory."""

BLOCK_BYTES = 1 << 18
"""Of lines that are looked at together: small enough to stay in a core's own cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonRow:
    line: int
    """In which it begins."""
    text: str
    """The row's JSON as it stands, for places; empty for a row of a table."""
    value: dict[str, Any]
    first_column: int = 1
    """In which it begins, in its line."""

    def place(self, path: JsonPath) -> tuple[int, int | None]:
        """Line and column of the value at `path`; the row may be spread over lines."""
        if not self.text:
            return self.line, None
        return self.place_of_offset(column_of(self.text, path) - 1)

    def place_of_offset(self, offset: int) -> tuple[int, int]:
        """Of a character of `text`, from 0."""
        newlines = self.text.count("\n", 0, offset)
        if newlines:
            return self.line + newlines, offset - self.text.rindex("\n", 0, offset)
        return self.line, self.first_column + offset

    def text_at(self, path: JsonPath) -> str:
        """The beginning of the value at `path`, as it stands in the file."""
        if not self.text:
            found: Any = self.value
            for part in path:
                found = found.get(part, "") if isinstance(found, dict) else found
            return shown(str(found))
        start = column_of(self.text, path) - 1
        return shown(self.text[start : start + 200])


@dataclass(frozen=True, slots=True, kw_only=True)
class LineBlock:
    first_line: int
    lines: list[bytes]
    """Without their newlines; a carriage return stays."""
    raw: bytes
    """The same, as it stands."""


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


def line_blocks(pieces: Iterable[bytes], *, file: str) -> Iterator[LineBlock]:
    """All lines, some hundred at a time, of pieces cut anywhere.

    Raises   NotJsonLines where a line is longer than `LINE_BYTES_CAP`.
    """
    held: list[bytes] = []
    size, line = 0, 1
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size < BLOCK_BYTES or (b"\n" not in piece and size <= LINE_BYTES_CAP):
            continue
        joined = b"".join(held)
        end = joined.rfind(b"\n")
        if end >= 0:
            raw = joined[:end]
            block = LineBlock(first_line=line, lines=raw.split(b"\n"), raw=raw)
            yield block
            line += len(block.lines)
        held = [joined[end + 1 :]]
        size = len(held[0])
        if size > LINE_BYTES_CAP:
            raise NotJsonLines(line_too_long(file, line))
    rest = b"".join(held)
    if rest:
        raw = rest.removesuffix(b"\n")
        yield LineBlock(first_line=line, lines=raw.split(b"\n"), raw=raw)


def line_too_long(file: str, line: int) -> Finding:
    return Finding(
        file=file,
        line=line,
        rule="line-too-long",
        message=sentence("the line is longer than {size} MiB.", size=LINE_BYTES_CAP // 2**20),
        fix=sentence("Write one record a line."),
    )


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
                    message=sentence("the file begins with a UTF-8 byte order mark, which was left out."),
                    fix=sentence("Save the file as UTF-8 without BOM; AWS may refuse it."),
                    severity=Severity.WARNING,
                )
            _check_kind_of_file(raw, file)
        yield row_of_line(raw, file=file, line=line)


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


def row_of_line(raw: bytes, *, file: str, line: int) -> JsonRow | Finding:
    """The line as an object, or why it is none."""

    def refuse(rule: str, message: str, fix: str, column: int | None) -> Finding:
        text = None if column is None else shown(raw.decode("utf-8", "replace")[max(0, column - 20) :])
        return Finding(file=file, line=line, column=column, rule=rule, message=message, fix=fix, text=text)

    try:
        text = raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        return invalid_utf_8(raw, error, file=file, line=line)
    if not text.strip():
        why = sentence("the line is blank.")
        return refuse("blank-line", why, sentence("Remove it; every line must be a record."), None)
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
            sentence("invalid JSON: {error}.", error=error.msg[:1].lower() + error.msg[1:]),
            sentence("Repair the line; each must be one JSON object."),
            error.pos + 1,
        )
    except _NotANumber as error:
        name = str(error)
        why = sentence("invalid JSON: {name} is no JSON value.", name=name)
        return refuse("invalid-json", why, sentence("Repair the line."), text.find(name) + 1)
    except (RecursionError, ValueError) as error:
        why = sentence("invalid JSON: {error}.", error=error)
        return refuse("invalid-json", why, sentence("Repair the line."), None)
    if not isinstance(value, dict):
        why = sentence("the line is a JSON {kind}.", kind=json_kind(value))
        return refuse("not-an-object", why, sentence("Write one JSON object a line."), 1)
    if doubled and (twice := duplicate_key(text)) is not None:
        key, column = twice
        why = sentence('the key "{key}" stands twice in one object.', key=key)
        return refuse("duplicate-key", why, sentence("Keep one of them."), column)
    return JsonRow(line=line, text=text, value=value)


def invalid_utf_8(raw: bytes, error: UnicodeDecodeError, *, file: str, line: int) -> Finding:
    """The finding for a line that is not UTF-8; it names the encoding that the line may be in."""
    message = sentence(
        "byte 0x{byte} at byte offset {offset} of the line is not UTF-8.",
        byte=f"{raw[error.start]:02x}",
        offset=error.start,
    )
    fix = sentence("Save the file as UTF-8.")
    text = raw[max(0, error.start - 20) : error.start + 100].decode("utf-8", "replace")
    if (guess := legacy_encoding(raw)) is not None:
        encoding, reads = guess
        around = max(0, len(raw[: error.start].decode(encoding, "replace")) - 20)
        text = reads[around:]
        message = joined(message, sentence(" The line reads as {encoding}.", encoding=encoding))
        fix = sentence(
            "Save the file as UTF-8: tanren data doctor FILE --repair NEW, or iconv -f {encoding} -t UTF-8 FILE.",
            encoding=encoding,
        )
    return Finding(
        file=file, line=line, column=error.start + 1, rule="invalid-utf-8", message=message, fix=fix, text=shown(text)
    )


def json_kind(value: Any) -> str:
    """What JSON calls the value."""
    return _JSON_NAMES[type(value).__name__]


class _NotANumber(Exception):
    pass


def _refuse_constant(name: str) -> Any:
    raise _NotANumber(name)


_JSON_NAMES = {
    "dict": "object",
    "list": "array",
    "str": "string",
    "int": "number",
    "float": "number",
    "bool": "boolean",
    "NoneType": "null",
}
