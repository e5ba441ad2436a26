"""What is wrong with a data file: one `Finding` a fault, with its place, its rule and its remedy."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tanren.domain.errors import JobFailed
from tanren.domain.sentences import Sentence, joined, sentence

FINDINGS_CAP = 100
"""Faults kept of one file; further ones are counted only."""

MESSAGE_CAP = 2_000
"""Characters; Bedrock's `failureMessage` ends at 2,048."""

TEXT_CAP = 120
"""Characters of the offending text that a finding shows."""


class Severity(StrEnum):
    ERROR = "error"
    """The file is refused."""
    WARNING = "warning"
    """The file is accepted; the user should know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    file: str
    line: int
    """From 1; 0 where the file as a whole is meant. In Parquet, which has no lines, the number of the row."""
    column: int | None = None
    """In characters from 1 (in bytes for `invalid-utf-8`); None where the row as a whole is meant, or has no text."""
    rule: str
    """A stable key, such as `last-role-not-assistant`."""
    message: str
    """What is there, and what was expected."""
    fix: str
    """What to do about it, as an order."""
    severity: Severity = Severity.ERROR
    text: str | None = None
    """What stands there, at most `TEXT_CAP` characters; None where nothing does. Not part of the message: that goes
    into logs and answers, where the user's data have no business."""
    aws_refuses: bool | None = None
    """Whether AWS would refuse the file for it; None where that is not known."""

    def to_json(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "severity": str(self.severity),
            "rule": self.rule,
            "message": self.message,
            "fix": self.fix,
            "text": self.text,
            "awsRefuses": self.aws_refuses,
        }

    def told(self) -> Sentence:
        """Place, what is there, rule and remedy."""
        line = sentence(" line {line}", line=self.line) if self.line else ""
        column = "" if self.column is None else sentence(" column {column}", column=self.column)
        return joined(self.file, line, column, ": ", self.message, f" [{self.rule}] ", self.fix)

    def __str__(self) -> str:
        return str(self.told())


def shown(text: str) -> str:
    """The beginning of an offending text, fit for one line of a terminal."""
    cut = text[: TEXT_CAP + 1]
    plain = "".join(char if char.isprintable() else repr(char)[1:-1] for char in cut)
    return plain if len(plain) <= TEXT_CAP else plain[: TEXT_CAP - 1] + "…"


class DataInvalid(JobFailed):
    """The data break a rule; nothing of them was trained on.

    The message lists as many findings as fit in `MESSAGE_CAP` characters and says how many more there are.
    """

    def __init__(self, findings: Iterable[Finding], *, error_count: int | None = None) -> None:
        self.findings = tuple(findings)
        errors = [finding for finding in self.findings if finding.severity is Severity.ERROR]
        self.error_count = max(error_count or 0, len(errors))
        super().__init__(_message(errors, self.error_count))

    def __reduce__(self) -> tuple[type["DataInvalid"], tuple[tuple[Finding, ...]], dict[str, object]]:
        return (type(self), (self.findings,), {"error_count": self.error_count, "args": self.args})

    def __setstate__(self, state: dict[str, object] | None) -> None:
        for name, value in (state or {}).items():
            setattr(self, name, value)


def _message(errors: list[Finding], error_count: int) -> Sentence:
    rule = sentence("Data files must conform to JSONL format, one valid record a line.")
    count = (
        sentence("The data have 1 error. ")
        if error_count == 1
        else sentence("The data have {count} errors. ", count=error_count)
    )
    message = joined(count, rule)
    tail_room = len(_more(error_count))
    told = 0
    for finding in errors:
        text = finding.told()
        if len(text) > 600:
            text = text[:599] + "…"
        if len(message) + 1 + len(text) + tail_room > MESSAGE_CAP:
            break
        message = joined(message, "\n", text)
        told += 1
    return message if told == error_count else joined(message, _more(error_count - told))


def _more(count: int) -> Sentence:
    return joined("\n", sentence("… and {count} more.", count=count))
