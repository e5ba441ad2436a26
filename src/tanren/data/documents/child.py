"""`python -m tanren.data.documents.child FORMAT`: a document on standard input, its text on standard output.

Runs under limits of its own making, before the first byte is read. Exit 1 with the reason in the last line of standard
error where the document cannot be read; any other end was forced by the limits.
"""

import io
import logging
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

from tanren.data.documents.bounds import (
    MAX_PACKED_FILES,
    MAX_PDF_PAGES,
    MAX_SHEET_CELLS,
    MAX_TEXT_CHARACTERS,
    MAX_UNPACKED_BYTES,
    MEMORY_BYTES,
    PROCESSOR_SECONDS,
)
from tanren.data.documents.html_text import html_text


class Unreadable(Exception):
    """What is wrong with the document; the text goes on to the caller."""


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # standard output is a pipe; no file can be written
    logging.disable()
    name = sys.argv[1]
    try:
        text = _joined(READERS[name](sys.stdin.buffer.read()))
    except Unreadable as error:
        return _refuse(str(error))
    except (MemoryError, RecursionError):
        return _refuse("the document takes more memory to read than is allowed; it may be made to harm")
    except Exception as error:  # whatever a parser raises for a broken file
        return _refuse(f"the document cannot be read as {name}: {type(error).__name__}: {str(error)[:200]}")
    sys.stdout.buffer.write(text.encode(errors="replace"))
    sys.stdout.buffer.flush()
    return 0


def _refuse(reason: str) -> int:
    sys.stderr.write("\n" + " ".join(reason.split()) + "\n")
    return 1


def _joined(pieces: Iterator[str]) -> str:
    found: list[str] = []
    size = 0
    for piece in pieces:
        size += len(piece) + 1
        if size > MAX_TEXT_CHARACTERS:
            raise Unreadable(f"the document has more than {MAX_TEXT_CHARACTERS} characters of text, which is the most")
        found.append(piece)
    return "\n".join(found)


def _pdf(content: bytes) -> Iterator[str]:
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(content))
    if reader.is_encrypted:
        raise Unreadable("the document is encrypted; remove its password")
    for number, page in enumerate(reader.pages, start=1):
        if number > MAX_PDF_PAGES:
            raise Unreadable(f"the document has more than {MAX_PDF_PAGES} pages, which is the most")
        yield page.extract_text()


def _docx(content: bytes) -> Iterator[str]:
    _check_package(content)
    from docx import Document
    from docx.table import Table

    for block in Document(io.BytesIO(content)).iter_inner_content():
        if isinstance(block, Table):
            for row in block.rows:
                yield "\t".join(cell.text for cell in row.cells)
        else:
            yield block.text


def _xlsx(content: bytes) -> Iterator[str]:
    _check_package(content)
    import csv

    from openpyxl import load_workbook

    cells = 0
    workbook: Any = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    for sheet in workbook.worksheets:
        yield str(sheet.title)
        # What a sheet says of its own size need not be so, and may be a million empty columns.
        sheet.reset_dimensions()
        for row in sheet.iter_rows(values_only=True):
            cells += len(row) + 1
            if cells > MAX_SHEET_CELLS:
                raise Unreadable(f"the document has more than {MAX_SHEET_CELLS} cells, which is the most")
            values = ["" if value is None else str(value) for value in cast("tuple[Any, ...]", row)]
            while values and not values[-1]:
                values.pop()
            if values:
                line = io.StringIO()
                csv.writer(line, lineterminator="").writerow(values)
                yield line.getvalue()


def _html(content: bytes) -> Iterator[str]:
    yield html_text(content)


def _check_package(content: bytes) -> None:
    """Before anything is unpacked: a few kilobytes can unpack to terabytes."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        files = package.infolist()
    if len(files) > MAX_PACKED_FILES:
        raise Unreadable(f"the document is a package of {len(files)} files; at most {MAX_PACKED_FILES} are read")
    unpacked = sum(file.file_size for file in files)
    if unpacked > MAX_UNPACKED_BYTES:
        raise Unreadable(f"the document unpacks to {unpacked} bytes; at most {MAX_UNPACKED_BYTES} are read")


READERS: Final[dict[str, Callable[[bytes], Iterator[str]]]] = {
    "pdf": _pdf,
    "docx": _docx,
    "xlsx": _xlsx,
    "html": _html,
}


if __name__ == "__main__":
    sys.exit(main())
