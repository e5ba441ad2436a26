"""What is claimed of each demonstration, as numbers; whether it holds is computed, never written down.

A claim that does not hold is "not met", and the proof fails, unless `KNOWN_SHORTFALLS` says why it cannot be had; then
table and page show it as a known shortfall. One that is listed there and holds all the same fails the proof too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from proofs.demonstrations.lines import Line
from proofs.demonstrations.tuning import SECONDS_ALLOWED

Status = Literal["met", "not met", "known shortfall", "listed as a shortfall, but met"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    line: str
    """Key of the `Line` that it is about."""
    column: Literal["tuned", "base"] = "tuned"
    at_least: float | None = None
    at_most: float | None = None
    below_control: bool = False

    @property
    def name(self) -> str:
        return f"{self.line}, {self.column}" + (" and control" if self.below_control else "")

    def holds(self, line: Line) -> bool:
        value = line.tuned if self.column == "tuned" else line.base
        if value is None:
            return False
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
            and (not self.below_control or (line.control is not None and value < line.control))
        )

    def sentence(self, line: Line) -> str:
        if self.below_control:
            return "below the control's"
        if self.at_least is not None:
            return f"at least {line.written(self.at_least)}"
        assert self.at_most is not None
        return f"at most {line.written(self.at_most)}"


CLAIMS: tuple[Claim, ...] = (
    Claim(line="faq.fall", at_least=0.40),
    Claim(line="faq.best", below_control=True),
    Claim(line="faq.saturated", at_least=0.95),
    Claim(line="faq.rouge", column="base", at_most=0.25),
    Claim(line="facts.familiar", at_least=50),
    Claim(line="facts.familiar", column="base", at_most=0),
    Claim(line="facts.new", at_least=30),
    Claim(line="facts.new", column="base", at_most=0),
    Claim(line="routing.familiar", at_least=0.95),
    Claim(line="routing.unseen", at_least=0.50),
    Claim(line="format.valid", at_least=0.95),
    Claim(line="format.valid", column="base", at_most=0.05),
    Claim(line="format.right", at_least=0.30),
    Claim(line="format.right", column="base", at_most=0.05),
    Claim(line="jargon.fall", at_least=0.50),
    Claim(line="jargon.general_rise", at_most=0.15),
    Claim(line="jargon.rise_english", at_most=0.15),
    *(
        Claim(line=f"{name}.seconds", at_most=SECONDS_ALLOWED)
        for name in ("faq", "facts", "routing", "format", "jargon")
    ),
)

KNOWN_SHORTFALLS: dict[str, str] = {}
"""Name of a claim → why it is not met. Empty: every claim is met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    name: str
    line: str
    column: str
    sentence: str
    status: Status
    reason: str = ""


def judge(lines: Sequence[Line]) -> list[Verdict]:
    """A verdict for each claim about one of the lines."""
    by_key = {line.key: line for line in lines}
    return [_verdict(claim, by_key[claim.line]) for claim in CLAIMS if claim.line in by_key]


def _verdict(claim: Claim, line: Line) -> Verdict:
    reason = KNOWN_SHORTFALLS.get(claim.name, "")
    status: Status
    if claim.holds(line):
        status = "listed as a shortfall, but met" if reason else "met"
    else:
        status = "known shortfall" if reason else "not met"
    return Verdict(
        name=claim.name,
        line=claim.line,
        column=claim.column,
        sentence=claim.sentence(line),
        status=status,
        reason=reason,
    )
