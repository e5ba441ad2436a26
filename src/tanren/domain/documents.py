"""Documents that come with a user's message."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class DocumentFormat(StrEnum):
    """What can be read; Bedrock's names."""

    PDF = "pdf"
    CSV = "csv"
    DOCX = "docx"
    XLSX = "xlsx"
    HTML = "html"
    TXT = "txt"
    MD = "md"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedDocument:
    """A document, read: its text is data, and never an instruction or a control token."""

    name: str
    text: str

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "text": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class EnclosedDocument:
    """A document as it came, to be read before an engine is asked."""

    name: str
    format: DocumentFormat
    content: bytes
