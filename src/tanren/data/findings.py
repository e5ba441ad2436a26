"""What is wrong with a data file: one `Finding` a fault, with its place, its rule and its remedy."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tanren.domain.errors import JobFailed

FINDINGS_CAP = 100
"""Faults kept of one file; further ones are counted only."""

MESSAGE_CAP = 2_000
"""Characters; Bedrock's `failureMessage` ends at 2,048."""


class Severity(StrEnum):
    ERROR = "error"
    """The file is refused."""
    WARNING = "warning"
    """The file is accepted; the user should know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    file: str
    line: int
    """From 1; 0 where the file as a whole is meant."""
    column: int | None = None
    """In characters from 1 (in bytes for `invalid-utf-8`); None where the row as a whole is meant."""
    rule: str
    """A stable key, such as `last-role-not-assistant`."""
    message: str
    """What is there, and what was expected."""
    fix: str
    """What to do about it, as an order."""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = self.file if self.line == 0 else f"{self.file} line {self.line}"
        if self.column is not None:
            place += f" column {self.column}"
        return f"{place}: {self.message} [{self.rule}] {self.fix}"


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
