"""What an answer costs in each arm: tokens, seconds, and money where rates are given.

A tuned model carries in its weights what few-shot examples carry in every prompt: that is what is saved.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tanren.evaluation.answers import Answer, Unanswered


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Money per thousand tokens, in whatever currency."""

    input_per_thousand: float
    output_per_thousand: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of an arm, over the questions that were answered; None where none was."""

    mean_input_tokens: float | None
    mean_output_tokens: float | None
    median_seconds: float | None
    p95_seconds: float | None
    money_per_thousand_answers: float | None
    """None also where there are no rates."""


def cost_of(answers: Sequence[Answer | Unanswered], rates: Rates | None = None) -> Cost:
    given = [answer for answer in answers if isinstance(answer, Answer)]
    if not given:
        return Cost(
            mean_input_tokens=None,
            mean_output_tokens=None,
            median_seconds=None,
            p95_seconds=None,
            money_per_thousand_answers=None,
        )
    asked = float(np.mean([answer.input_token_count for answer in given]))
    made = float(np.mean([answer.output_token_count for answer in given]))
    seconds = np.asarray([answer.seconds for answer in given])
    # A mean per answer in tokens, at a price per thousand tokens, is the price of a thousand answers.
    money = asked * rates.input_per_thousand + made * rates.output_per_thousand if rates else None
    return Cost(
        mean_input_tokens=asked,
        mean_output_tokens=made,
        median_seconds=float(np.median(seconds)),
        p95_seconds=float(np.quantile(seconds, 0.95)),
        money_per_thousand_answers=money,
    )
