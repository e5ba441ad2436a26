"""The text of a document from elsewhere: PDF, DOCX, XLSX, HTML, Markdown, plain text, CSV; torch-free.

    txt, md, csv         are text already: decoded as UTF-8 (or UTF-16 with its mark), kept as they are
    pdf                  page by page (pypdf)
    docx                 paragraphs and tables in their order, cells side by side (python-docx)
    xlsx                 sheet by sheet, each row a line of CSV, values and not formulas (openpyxl)
    html                 what a reader sees: no scripts, no styles, a line for each block

A file may be made to harm: a bomb of zeros, a page tree without end, a table of a million columns. So whatever has to
be parsed is parsed in a child process, with bounds on memory, processor time, pages and text; what it cannot read, or
not within them, is a ValidationFailed with the reason, and the process that asked goes on as if nothing had been.

Cost     a child takes 0.1 to 0.3 s to start; at most `MAX_CHILDREN` at once, further ones wait.
"""

import subprocess
import sys
import threading
from typing import Final

from tanren.data.documents.bounds import MAX_TEXT_CHARACTERS, WALL_SECONDS
from tanren.domain.documents import DocumentFormat
from tanren.domain.errors import ValidationFailed

OLD_OFFICE_FORMATS: Final = {"doc": "docx", "xls": "xlsx"}
"""Binary formats that Bedrock reads and tanren does not, with what to save them as."""

MAX_CHILDREN: Final = 4

_PLAIN: Final = frozenset({DocumentFormat.TXT, DocumentFormat.MD, DocumentFormat.CSV})
_children = threading.BoundedSemaphore(MAX_CHILDREN)


def read_document(content: bytes, document_format: DocumentFormat) -> str:
    """Its text, stripped. Blocks for as long as it takes, half a minute at most beside the waiting.

    Raises   ValidationFailed, beginning with "the document", where it is not of this format, has no text, or is beyond
             the bounds.
    """
    text = _decoded(content) if document_format in _PLAIN else _parsed(content, document_format)
    text = text.replace("\x00", "").strip()
    if not text:
        raise ValidationFailed("the document has no text; a scan would have to be read by a model for images")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise ValidationFailed(
            f"the document has {len(text)} characters of text; at most {MAX_TEXT_CHARACTERS} are taken"
        )
    return text


def _decoded(content: bytes) -> str:
    # Both decoders take the mark away.
    encoding, name = ("utf-16", "UTF-16") if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "UTF-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValidationFailed(f"the document is not text in {name}: {error.reason}") from error


def _parsed(content: bytes, document_format: DocumentFormat) -> str:
    command = [sys.executable, "-I", "-m", "tanren.data.documents.child", document_format]
    with _children:
        try:
            done = subprocess.run(command, input=content, capture_output=True, timeout=WALL_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise ValidationFailed(
                f"the document takes longer than {WALL_SECONDS} seconds to read; it may be broken, or made to harm"
            ) from error
    if done.returncode == 0:
        return done.stdout.decode(errors="replace")
    said = done.stderr.decode(errors="replace").strip().splitlines()
    # The child says why in its last line, unless it was ended by the bounds.
    reason = said[-1] if said and said[-1].startswith("the document") else ""
    raise ValidationFailed(
        reason or "the document takes more memory or processor time to read than is allowed; it may be made to harm"
    )
