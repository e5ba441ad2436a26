"""What kind of file it is, from its first bytes and its name, and the way to its records.

    gzip            unpacked, then looked at again
    UTF-16, BOM     made UTF-8
    JSON array, records over several lines, CSV, Parquet    read as the rows that they hold
    else            JSONL: blocks of lines, the only kind that AWS takes

Each kind but the last gives a warning: the file is AWS's only after it has been written as JSONL. Streaming throughout.
"""

import codecs
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from tanren.data.encodings import as_utf_8, is_utf_32, utf_16_codec
from tanren.data.findings import Finding, Severity, shown
from tanren.data.json_documents import json_documents
from tanren.data.json_lines import BLOCK_BYTES, JsonRow, LineBlock, NotJsonLines, line_blocks, row_of_line
from tanren.data.tables import csv_rows, is_csv_header, parquet_rows
from tanren.domain.sentences import sentence

_HEAD_BYTES: Final = 4_096
_GZIP: Final = b"\x1f\x8b"
_PARQUET: Final = b"PAR1"
_FOREIGN: Final[dict[bytes, str]] = {
    b"PK\x03\x04": "a ZIP archive, or a spreadsheet or document, which are such archives",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ\x00": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by Zstandard",
    b"%PDF-": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
    b"ARROW1": "an Arrow file",
    b"Obj\x01": "an Avro file",
    b"SQLite format 3": "a SQLite database",
}
_AS_JSONL: Final = sentence("Nothing needs to be done here. For AWS: tanren data doctor FILE --repair NEW.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile:
    findings: tuple[Finding, ...]
    """About the kind of file."""
    blocks: Iterator[LineBlock] | None
    """Of a JSONL file."""
    rows: Iterator[JsonRow | Finding] | None
    """Of any other."""

    def every_row(self, file: str) -> Iterator[JsonRow | Finding]:
        """Of either. Raises NotJsonLines where the rest cannot be read."""
        if self.rows is not None:
            yield from self.rows
        for block in self.blocks or ():
            for line, raw in enumerate(block.lines, start=block.first_line):
                yield row_of_line(raw, file=file, line=line)


def pieces_of(path: Path) -> Iterator[bytes]:
    """The file's bytes, a block's size at a time."""
    with path.open("rb") as file:
        while piece := file.read(BLOCK_BYTES):
            yield piece


def open_container(pieces: Iterable[bytes], *, file: str) -> OpenedFile:
    """Raises   NotJsonLines where it is no kind of file that can be read; also while blocks or rows are taken."""
    findings: list[Finding] = []

    def warn(rule: str, message: str, fix: str) -> None:
        findings.append(Finding(file=file, line=0, rule=rule, message=message, fix=fix, severity=Severity.WARNING))

    head, pieces = _head(pieces)
    if head.startswith(_GZIP):
        warn("compressed-file", sentence("the file is compressed by gzip; it was unpacked."), _AS_JSONL)
        head, pieces = _head(_unpacked(pieces, file))
        if head.startswith(_GZIP):
            again = sentence("what gzip had compressed is compressed again.")
            raise _refused(file, "archive", again, sentence("Unpack it once."), head)
    if head.startswith(_PARQUET):
        warn("parquet-file", sentence("the file is Parquet."), _AS_JSONL)
        return OpenedFile(findings=tuple(findings), blocks=None, rows=parquet_rows(pieces, file=file))
    for magic, name in _FOREIGN.items():
        if head.startswith(magic):
            foreign = sentence("the file is {kind}.", kind=name)
            raise _refused(file, "archive", foreign, sentence("Write its records as JSONL."), b"")
    if is_utf_32(head):
        raise _refused(file, "utf-32-file", sentence("the file is UTF-32."), sentence("Save it as UTF-8."), b"")
    if (codec := utf_16_codec(head)) is not None:
        warn("utf-16-file", sentence("the file is UTF-16; it was read as such."), _AS_JSONL)
        head, pieces = _head(_transcoded(pieces, codec, file))
    elif head.startswith(codecs.BOM_UTF8):
        mark = sentence("the file begins with a UTF-8 byte order mark, which was left out.")
        warn("byte-order-mark", mark, _AS_JSONL)
        head, pieces = _head(_without_mark(pieces))
    start = head.lstrip(b" \t\r\n")
    first_line = head.partition(b"\n")[0].strip()
    if start.startswith(b"["):
        array = sentence("the file is one JSON array, where AWS takes JSONL: one object a line.")
        warn("json-array", array, _AS_JSONL)
        return OpenedFile(findings=tuple(findings), blocks=None, rows=json_documents(pieces, file=file, is_array=True))
    if first_line == b"{":
        spread = sentence("records are spread over several lines, where AWS takes one a line.")
        warn("pretty-printed-json", spread, _AS_JSONL)
        return OpenedFile(findings=tuple(findings), blocks=None, rows=json_documents(pieces, file=file, is_array=False))
    if not start.startswith(b"{") and (_is_named_table(file) or is_csv_header(first_line)):
        warn("csv-file", sentence("the file is a table (CSV), where AWS takes JSONL."), _AS_JSONL)
        return OpenedFile(findings=tuple(findings), blocks=None, rows=csv_rows(pieces, file=file))
    return OpenedFile(findings=tuple(findings), blocks=line_blocks(pieces, file=file), rows=None)


def _head(pieces: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, and all of them."""
    rest = iter(pieces)
    taken: list[bytes] = []
    size = 0
    for piece in rest:
        taken.append(piece)
        size += len(piece)
        if size >= _HEAD_BYTES:
            break
    return b"".join(taken)[:_HEAD_BYTES], chain(taken, rest)


def _is_named_table(file: str) -> bool:
    return file.lower().removesuffix(".gz").endswith((".csv", ".tsv"))


def _without_mark(pieces: Iterable[bytes]) -> Iterator[bytes]:
    # The mark may be cut; what has been taken for the head is at least as long as it is.
    left = len(codecs.BOM_UTF8)
    for piece in pieces:
        yield piece[left:]
        left = max(0, left - len(piece))


def _unpacked(pieces: Iterable[bytes], file: str) -> Iterator[bytes]:
    """Members of a gzip file one after another. Raises NotJsonLines where one is broken or cut off."""
    member = zlib.decompressobj(wbits=31)
    is_begun = False
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if member.eof:
                    rest = rest.lstrip(b"\0")  # padding between members
                    if not rest:
                        break
                    member = zlib.decompressobj(wbits=31)
                is_begun = True
                if unpacked := member.decompress(rest, BLOCK_BYTES):
                    yield unpacked
                rest = member.unused_data if member.eof else member.unconsumed_tail
        while not member.eof and (unpacked := member.decompress(b"", BLOCK_BYTES)):
            yield unpacked
    except zlib.error as error:
        why = sentence("gzip cannot unpack it: {error}.", error=error)
        raise _refused(file, "broken-compression", why, sentence("Compress it again."), b"") from error
    if is_begun and not member.eof:
        cut = sentence("the compressed file is cut off.")
        raise _refused(file, "broken-compression", cut, sentence("Upload it again."), b"")


def _transcoded(pieces: Iterable[bytes], codec: str, file: str) -> Iterator[bytes]:
    try:
        yield from as_utf_8(pieces, codec)
    except UnicodeError as error:
        why = sentence("the file began as UTF-16 and is not: {error}.", error=error)
        raise _refused(file, "utf-16-file", why, sentence("Save it as UTF-8."), b"") from error


def _refused(file: str, rule: str, message: str, fix: str, text: bytes) -> NotJsonLines:
    return NotJsonLines(
        Finding(file=file, line=0, rule=rule, message=message, fix=fix, text=shown(text.decode("latin-1")[:40]) or None)
    )
