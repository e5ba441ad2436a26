"""Documents made by tests: small ones, and ones made to harm."""

import io
import zipfile

from docx import Document
from openpyxl import Workbook


def pdf_of(*objects: bytes) -> bytes:
    """A PDF of these objects, the first of them the catalogue."""
    written, places = b"%PDF-1.4\n", list[int]()
    for number, content in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return written + (
        b"xref\n0 %d\n0000000000 65535 f \n%btrailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (size, table, size, len(written))
    )


def pdf_drawing(stream: bytes, *, filter: bytes = b"") -> bytes:
    """A PDF of one page with this content stream."""
    resources = b"/Resources<</Font<</F1 5 0 R>>>>"
    return pdf_of(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R%b>>" % resources,
        b"<</Length %d%b>>stream\n%b\nendstream" % (len(stream), filter, stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )


def pdf_saying(text: str) -> bytes:
    return pdf_drawing(b"BT /F1 12 Tf 50 700 Td (%b) Tj ET" % text.encode("ascii"))


def docx_saying(*paragraphs: str) -> bytes:
    """The paragraphs, then a table of one row with two cells."""
    document = Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "left", "right"
    return _saved(document)


def xlsx_of(*rows: list[object]) -> bytes:
    workbook = Workbook()
    for row in rows:
        workbook.active.append(row)  # pyright: ignore[reportOptionalMemberAccess]
    return _saved(workbook)


def repacked(package: bytes, name: str, content: bytes) -> bytes:
    """The same package with one file's content replaced."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for each in source.namelist():
            made.writestr(each, content if each == name else source.read(each))
    return target.getvalue()


def _saved(document: object) -> bytes:
    target = io.BytesIO()
    document.save(target)  # type: ignore[attr-defined]
    return target.getvalue()
