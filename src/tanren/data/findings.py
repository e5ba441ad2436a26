"""What is wrong with a data file: one `Finding` a fault, with its place, its rule and its remedy."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tanren.domain.errors import JobFailed

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

    def __str__(self) -> str:
        place = self.file if self.line == 0 else f"{self.file} line {self.line}"
        if self.column is not None:
            place += f" column {self.column}"
        return f"{place}: {self.message} [{self.rule}] {self.fix}"


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


def _message(errors: list[Finding], error_count: int) -> str:
    noun = "error" if error_count == 1 else "errors"
    head = f"The data have {error_count} {noun}. Data files must conform to JSONL format, one valid record a line."
    tail_room = len(f"\n… and {error_count} more.")
    parts = [head]
    size = len(head)
    for finding in errors:
        text = str(finding)
        if len(text) > 600:
            text = text[:599] + "…"
        if size + 1 + len(text) + tail_room > MESSAGE_CAP:
            break
        parts.append(text)
        size += 1 + len(text)
    hidden = error_count - (len(parts) - 1)
    if hidden:
        parts.append(f"… and {hidden} more.")
    return "\n".join(parts)
