"""What is to be true of a tuned model for it to be shipped, stated before it is asked.

    criteria   = criterion { ";" criterion }
    criterion  = metric (">=" | ">" | "<=" | "<") bound          rougeL >= base + 0.1
               | "forgetting" "<=" ("none" | "minor" | "major")
               | "contamination" "<=" share                      0: no question stands in the training data
               | "unanswered" "<=" share
    bound      = number | arm [ ("+" | "-") number ]
    arm        = "base" | "base+system" | "base+few-shot"

A bound that names an arm asks for a difference that is *shown*: `>= base + 0.1` wants at least 0.1 more, and the test
to say that there is a difference; `>= base - 0.02` wants the whole interval above -0.02.
"""

import math
import re
from dataclasses import dataclass
from typing import Final

from tanren.domain.errors import ValidationFailed
from tanren.evaluation.arms import ArmKind
from tanren.evaluation.metrics.registry import LOWER_IS_BETTER, METRICS

LEVELS: Final = ("none", "minor", "major")
FORGETTING: Final = "forgetting"
CONTAMINATION: Final = "contamination"
UNANSWERED: Final = "unanswered"
CORRECTNESS: Final = "correctness"
PREFERENCE: Final = "preference"
BERTSCORE: Final = "bertscore"
GRADER: Final = "grader"
_OTHERS: Final = (BERTSCORE, CORRECTNESS, GRADER, PREFERENCE, FORGETTING, CONTAMINATION, UNANSWERED)
_SHARES_OF_FAULTS: Final = (CONTAMINATION, UNANSWERED)
_SPANS: Final = {
    CORRECTNESS: (1.0, 10.0),
    GRADER: (-math.inf, math.inf),
    BERTSCORE: (-1.0, 1.0),
    **dict.fromkeys(LOWER_IS_BETTER, (0.0, math.inf)),
}
"""Of what is no share of 0 to 1, besides `METRICS`."""
_SUBJECTS: Final = (*METRICS, *LOWER_IS_BETTER, *_OTHERS)
_ARMS: Final = (ArmKind.BASE_FEW_SHOT, ArmKind.BASE_SYSTEM, ArmKind.BASE)
_CRITERION: Final = re.compile(r"\s*(?P<subject>[A-Za-z][\w-]*)\s*(?P<sign>>=|<=|>|<)\s*(?P<bound>.+?)\s*\Z")
_NUMBER: Final = r"\d+(?:\.\d+)?%?"
_RELATIVE: Final = re.compile(
    rf"(?P<arm>{'|'.join(re.escape(arm) for arm in _ARMS)})(?:\s*(?P<sign>[+-])\s*(?P<margin>{_NUMBER}))?\Z"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    text: str
    """As it was stated."""
    subject: str
    is_at_least: bool
    is_strict: bool
    """`>` or `<`: equality does not do."""
    number: float = 0.0
    """The bound, or what is added to the arm's value."""
    arm: str | None = None
    """Whose value the bound is relative to."""
    level: str | None = None
    """Of forgetting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    text: str
    criteria: tuple[Criterion, ...]


def parse_criteria(text: str) -> Criteria:
    """Raises   ValidationFailed with the column, and what would be right."""
    found: list[Criterion] = []
    column = 1
    for piece in text.split(";"):
        if piece.strip():
            found.append(_criterion(piece, column))
        column += len(piece) + 1
    if not found:
        raise ValidationFailed("No criterion is stated; write one such as: rougeL >= base + 0.1; forgetting <= minor")
    return Criteria(text=text.strip(), criteria=tuple(found))


def _criterion(piece: str, column: int) -> Criterion:
    stated = piece.strip()
    column += len(piece) - len(piece.lstrip())
    parts = _CRITERION.match(piece)
    if parts is None:
        raise ValidationFailed(
            f"column {column}: '{stated}' is no criterion; write a metric, one of >= > <= <, and a bound: "
            "rougeL >= base + 0.1"
        )
    subject, sign, bound = parts["subject"], parts["sign"], parts["bound"]
    if subject not in _SUBJECTS:
        raise ValidationFailed(
            f"column {column}: there is no '{subject}' to ask for; there are {', '.join(_SUBJECTS)}."
        )
    at_least, strict = sign.startswith(">"), len(sign) == 1
    if subject == FORGETTING:
        if sign != "<=" or bound not in LEVELS:
            raise ValidationFailed(
                f"column {column}: '{stated}'; forgetting is bounded as: forgetting <= minor, of {', '.join(LEVELS)}."
            )
        return Criterion(text=stated, subject=subject, is_at_least=False, is_strict=False, level=bound)
    if subject in _SHARES_OF_FAULTS and at_least:
        raise ValidationFailed(f"column {column}: '{stated}'; {subject} is a fault: write {subject} <= SHARE.")
    relative = _RELATIVE.match(bound)
    if relative is None and re.fullmatch(rf"-?{_NUMBER}", bound) is None:
        raise ValidationFailed(
            f"column {column + parts.start('bound')}: '{bound}' is no bound; write a number, or an arm ("
            f"{', '.join(reversed(_ARMS))}) and what is added to it: base + 0.1"
        )
    if relative is not None and subject in (CONTAMINATION, UNANSWERED, PREFERENCE):
        raise ValidationFailed(f"column {column}: {subject} is not relative to an arm; write {subject} {sign} NUMBER.")
    if relative is not None and subject in LOWER_IS_BETTER[1:]:
        raise ValidationFailed(
            f"column {column}: {subject} is {LOWER_IS_BETTER[0]} in another unit and is not compared by itself; write "
            f"{LOWER_IS_BETTER[0]} {sign} {bound}."
        )
    least, greatest = _span(subject)
    if "%" in bound and (least, greatest) != (0, 1):
        raise ValidationFailed(
            f"column {column + parts.start('bound')}: '{bound}'; {subject} is not between 0 and 1, so a percentage of "
            "it says nothing; write the number on its own scale."
        )
    if relative is None:
        number = _number(bound)
        if not least <= number <= greatest:
            raise ValidationFailed(
                f"column {column + parts.start('bound')}: '{bound}' is not between {least:g} and {greatest:g}, where "
                f"{subject} lies."
            )
        return Criterion(text=stated, subject=subject, is_at_least=at_least, is_strict=strict, number=number)
    margin = _number(relative["margin"] or "0")
    if margin > greatest - least:
        raise ValidationFailed(
            f"column {column + parts.start('bound')}: '{bound}'; two values of {subject}, between {least:g} and "
            f"{greatest:g}, cannot be so far apart."
        )
    return Criterion(
        text=stated,
        subject=subject,
        is_at_least=at_least,
        is_strict=strict,
        number=-margin if relative["sign"] == "-" else margin,
        arm=relative["arm"],
    )


def _span(subject: str) -> tuple[float, float]:
    """From the least to the greatest value that there can be."""
    if subject in METRICS:
        least, greatest = METRICS[subject].span.split("–")
        return float(least), float(greatest)
    return _SPANS.get(subject, (0.0, 1.0))


def _number(text: str) -> float:
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)
