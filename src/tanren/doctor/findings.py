"""What an examination of this machine says: one finding a subject, and for each problem what to do about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

GIGABYTE: Final = 10**9


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"
    """It works, and could be better, or is worth knowing."""
    PROBLEM = "problem"
    """Something that a user needs does not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    subject: str
    """A noun or two, the same on every machine."""
    level: Level
    text: str
    """A sentence without its full stop."""
    fix: str = ""
    """What to do; never empty for a problem."""
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The same for programs, as JSON has it."""

    def __post_init__(self) -> None:
        assert self.fix or self.level is not Level.PROBLEM, f"{self.subject}: a problem without a fix"

    def to_json(self) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "level": str(self.level),
            "text": self.text,
            "fix": self.fix or None,
            "facts": dict(self.facts),
        }


def fine(subject: str, text: str, *, facts: Mapping[str, Any] | None = None) -> Finding:
    return Finding(subject=subject, level=Level.OK, text=text, facts=facts or {})


def note(subject: str, text: str, *, fix: str = "", facts: Mapping[str, Any] | None = None) -> Finding:
    return Finding(subject=subject, level=Level.NOTE, text=text, fix=fix, facts=facts or {})


def problem(subject: str, text: str, *, fix: str, facts: Mapping[str, Any] | None = None) -> Finding:
    return Finding(subject=subject, level=Level.PROBLEM, text=text, fix=fix, facts=facts or {})


def problem_count(findings: Iterable[Finding]) -> int:
    return sum(finding.level is Level.PROBLEM for finding in findings)


def gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / GIGABYTE:.1f} GB"
