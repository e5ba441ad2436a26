"""One row of training data, whatever format it came in, with the place where it stands in its file."""

import hashlib
import json
from dataclasses import dataclass

from tanren.domain.conversation import Conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSource:
    file: str
    """As the user named it: an S3 URI or a path."""
    line: int
    """From 1."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Plain text to go on pre-training with; every token of it is a target."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecord:
    source: RecordSource
    content: Conversation | Document

    @property
    def asked(self) -> str:
        """What stands before the last answer, without the system prompt; nothing of a document."""
        if isinstance(self.content, Document):
            return ""
        return "\n".join(message.text for message in self.content.messages[:-1])

    @property
    def answered(self) -> str:
        """The last answer; of a document all of it."""
        return self.content.text if isinstance(self.content, Document) else self.content.messages[-1].text

    def digest(self) -> str:
        """SHA-256 of the content alone: equal rows have equal digests, wherever they stand."""
        content = self.content
        value = {"input": content.text} if isinstance(content, Document) else content.to_json()
        return hashlib.sha256(json.dumps(value, ensure_ascii=True, sort_keys=True).encode()).hexdigest()
