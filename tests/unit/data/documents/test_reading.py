"""Each format's text is read; a file made to harm ends in a refusal, and the process that asked goes on."""

import zlib
from itertools import pairwise

import pytest

from tanren.data.documents import reading
from tanren.data.documents.reading import read_document
from tanren.domain.documents import DocumentFormat
from tanren.domain.errors import ValidationFailed
from tests.unit.data.documents.small_documents import docx_saying, pdf_drawing, pdf_of, pdf_saying, repacked, xlsx_of

PAGE = b"<html><head><title>T</title></head><body><h1>One &amp; two</h1><script>evil()</script><p>three</body></html>"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


@pytest.mark.parametrize(
    ("document_format", "content", "text"),
    [
        ("pdf", pdf_saying("The secret word is heliotrope."), "The secret word is heliotrope."),
        ("docx", docx_saying("First.", "Second."), "First.\nSecond.\nleft\tright"),
        ("xlsx", xlsx_of(["a", "b,c", 3], [None, None], ["", 4]), 'Sheet\na,"b,c",3\n,4'),
        ("html", PAGE, "One & two\n\nthree"),
        ("txt", "Größe\r\n".encode(), "Größe"),
        ("md", "# 見出し\n".encode("utf-8-sig"), "# 見出し"),
        ("csv", "a,b\n1,2".encode("utf-16"), "a,b\n1,2"),
    ],
)
def test_the_text_of_each_format_is_read(document_format: str, content: bytes, text: str):
    assert read_document(content, DocumentFormat(document_format)) == text


def bomb() -> bytes:
    return repacked(docx_saying("a"), "word/document.xml", b"0" * 300_000_000)


def entities(declared: str, used: str) -> bytes:
    xml = f'<?xml version="1.0"?><!DOCTYPE d [{declared}]><w:document xmlns:w="{WORD}"><w:body><w:p><w:r><w:t>{used}'
    return repacked(docx_saying("a"), "word/document.xml", f"{xml}</w:t></w:r></w:p></w:body></w:document>".encode())


def laughing() -> bytes:
    letters = "abcdefghijklm"
    more = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in pairwise(letters))
    return entities(f'<!ENTITY a "{"x" * 10}">{more}', "&m;")


PAGES = b"<</Type/Catalog/Pages 2 0 R>>"
HOSTILE: list[tuple[str, bytes, str]] = [
    ("pdf", b"%PDF-1.4 nothing", "cannot be read as pdf"),
    ("pdf", b"", "cannot be read as pdf"),
    ("docx", b"no package", "cannot be read as docx: BadZipFile"),
    ("xlsx", docx_saying("a"), "cannot be read as xlsx"),
    ("txt", b"\xe4\xf6", "not text in UTF-8"),
    ("txt", b"  \n", "has no text"),
    ("pdf", pdf_saying(" "), "has no text"),
    ("pdf", pdf_drawing(zlib.compress(b"(a) Tj " * 40_000_000), filter=b"/Filter/FlateDecode"), "pdf: LimitReached"),
    ("pdf", pdf_of(PAGES, b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 1000000000>>"), "cyclic page"),
    (
        "pdf",
        pdf_of(PAGES, b"<</Type/Pages/Kids[%b]/Count 3000>>" % (b"3 0 R " * 3000), b"<</Type/Page/Parent 2 0 R>>"),
        "more than 1000 pages",
    ),
    ("docx", bomb(), "unpacks to 300"),
    ("xlsx", bomb(), "unpacks to 300"),
    ("docx", laughing(), "entity amplification"),
    ("html", b"&amp;" * 2_500_000, "more than 2000000 characters"),
    ("txt", b"a" * 2_000_001, "2000001 characters"),
]


@pytest.mark.parametrize(("document_format", "content", "reason"), HOSTILE, ids=[reason for *_, reason in HOSTILE])
def test_what_cannot_be_read_within_bounds_is_refused_with_the_reason(
    document_format: str, content: bytes, reason: str
):
    with pytest.raises(ValidationFailed, match=f"^the document.*{reason}"):
        read_document(content, DocumentFormat(document_format))


def test_no_file_of_this_machine_is_read_into_a_document():
    content = entities('<!ENTITY a SYSTEM "file:///etc/passwd">', "kept &a;")
    assert read_document(content, DocumentFormat.DOCX) == "kept"


def test_a_document_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "WALL_SECONDS", 0.01)
    with pytest.raises(ValidationFailed, match=r"takes longer than 0\.01 seconds"):
        read_document(pdf_saying("a"), DocumentFormat.PDF)


def test_a_child_that_its_bounds_have_ended_is_a_refusal(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading.sys, "executable", "/bin/false")
    with pytest.raises(ValidationFailed, match="more memory or processor time"):
        read_document(pdf_saying("a"), DocumentFormat.PDF)
