"""Numbers as a reader takes them in: signs, digits, and a dash where there is none."""

import math

NONE = "—"
_MINUS = "−"


def value(number: float | None, *, name: str = "") -> str:
    """Three digits after the point; BLEU, chrF and the judge's points, whose spans are wider, one."""
    if number is None or not math.isfinite(number):
        return NONE
    return f"{number:.{_digits(name)}f}".replace("-", _MINUS)


def signed(number: float | None, *, name: str = "") -> str:
    if number is None or not math.isfinite(number):
        return NONE
    return f"{number:+.{_digits(name)}f}".replace("-", _MINUS)


def p(number: float) -> str:
    return "< 0.001" if number < 0.001 else f"{number:.3f}"


def p_says(number: float) -> str:
    return f"p {p(number)}" if number < 0.001 else f"p = {p(number)}"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _digits(name: str) -> int:
    return 1 if name in ("bleu", "chrf", "correctness") else 3
