"""What is to be true of a tuned model for it to be shipped, stated before it is asked.

    criteria   = criterion { (";" | "and") criterion }
    criterion  = metric sign bound                               rougeL >= base + 0.1
               | "forgetting" sign ("none" | "minor" | "major")  forgetting <= minor
               | "contamination" sign share                      0: no question stands in the training data
               | "unanswered" sign share
    sign       = ">=" | "at least" | ">" | "more than" | "<=" | "at most" | "<" | "less than"
    bound      = number | arm [ ("+" | "-") number ]
    arm        = "base" | "base+system" | "base+few-shot"

A bound that names an arm asks for a difference that is *shown*: `>= base + 0.1` wants at least 0.1 more, and the test
to say that there is a difference; `>= base - 0.02` wants the whole interval above -0.02.

Why signs in words   the value of a tag has neither > nor < nor ; nor %: TagValue in the service model.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tanren.domain.errors import ValidationFailed

COMPUTED_SPANS: Final[Mapping[str, tuple[float, float]]] = {
    **dict.fromkeys(
        ("exact", "contains", "f1", "accuracy", "macro_f1", "json_valid", "rouge1", "rouge2", "rougeL"), (0.0, 1.0)
    ),
    **dict.fromkeys(("bleu", "chrf"), (0.0, 100.0)),
}
"""Of what is computed from answers alone, `evaluation/metrics/registry.py`: from the least to the greatest value."""
LOWER_IS_BETTER: Final = ("loss", "perplexity", "bits_per_byte")
"""How probable a model finds the references; it takes the weights."""
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
    **COMPUTED_SPANS,
    CORRECTNESS: (1.0, 10.0),
    GRADER: (-math.inf, math.inf),
    BERTSCORE: (-1.0, 1.0),
    **dict.fromkeys(LOWER_IS_BETTER, (0.0, math.inf)),
}
"""Of all but shares, which lie between 0 and 1."""
_SUBJECTS: Final = (*COMPUTED_SPANS, *LOWER_IS_BETTER, *_OTHERS)
FEW_SHOT_ARM: Final = "base+few-shot"
SYSTEM_ARM: Final = "base+system"
_ARMS: Final = (FEW_SHOT_ARM, SYSTEM_ARM, "base")
"""Names of `evaluation/arms.py`; the longest first."""
_WORDS: Final = {"at least": ">=", "more than": ">", "at most": "<=", "less than": "<"}
_SIGN: Final = "|".join((">=", "<=", ">", "<", *(word.replace(" ", r"\s+") + r"\b" for word in _WORDS)))
_CRITERION: Final = re.compile(rf"\s*(?P<subject>[A-Za-z][\w-]*)\s*(?P<sign>{_SIGN})\s*(?P<bound>.+?)\s*\Z")
_BETWEEN: Final = re.compile(r";|\band\b")
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
    begin = 0
    for end, after in (*((between.start(), between.end()) for between in _BETWEEN.finditer(text)), (len(text), 0)):
        if text[begin:end].strip():
            found.append(_criterion(text[begin:end], begin + 1))
        begin = after
    if not found:
        raise ValidationFailed("No criterion is stated; write one such as: rougeL >= base + 0.1; forgetting <= minor")
    return Criteria(text=text.strip(), criteria=tuple(found))


def in_words(criteria: Criteria) -> str:
    """The same criteria without signs that a tag cannot hold."""
    return " and ".join(_in_words(criterion) for criterion in criteria.criteria)


def _in_words(criterion: Criterion) -> str:
    sign = (">" if criterion.is_at_least else "<") + ("" if criterion.is_strict else "=")
    word = next(word for word, meant in _WORDS.items() if meant == sign)
    number = f"{abs(criterion.number):.12f}".rstrip("0").rstrip(".")
    minus = "-" if criterion.number < 0 else ""
    bound = criterion.level or f"{minus}{number}"
    if criterion.arm is not None:
        bound = f"{criterion.arm} {minus or '+'} {number}" if criterion.number else criterion.arm
    return f"{criterion.subject} {word} {bound}"


def _criterion(piece: str, column: int) -> Criterion:
    stated = piece.strip()
    column += len(piece) - len(piece.lstrip())
    parts = _CRITERION.match(piece)
    if parts is None:
        raise ValidationFailed(
            f"column {column}: '{stated}' is no criterion; write a metric, one of >= > <= < (in words: at least, more "
            "than, at most, less than), and a bound: rougeL >= base + 0.1"
        )
    subject, sign, bound = parts["subject"], " ".join(parts["sign"].split()), parts["bound"]
    sign = _WORDS.get(sign, sign)
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
    return _SPANS.get(subject, (0.0, 1.0))


def _number(text: str) -> float:
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)
