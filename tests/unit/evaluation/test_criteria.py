"""The grammar of what is asked of a tuned model."""

import pytest

from tanren.domain.errors import ValidationFailed
from tanren.evaluation.criteria import parse_criteria


def test_a_metric_is_bounded_by_a_number_or_by_an_arm_and_what_is_added():
    first, second, third, fourth = parse_criteria(
        "rougeL >= base + 0.1; forgetting <= minor ;accuracy>0.9; bleu >= base+few-shot - 2"
    ).criteria
    assert (first.subject, first.arm, first.number, first.is_at_least, first.is_strict) == (
        "rougeL", "base", 0.1, True, False,
    )  # fmt: skip
    assert (second.subject, second.level) == ("forgetting", "minor")
    assert (third.number, third.arm, third.is_strict) == (0.9, None, True)
    assert (fourth.arm, fourth.number) == ("base+few-shot", -2.0)


def test_shares_may_be_written_as_percent():
    assert parse_criteria("contamination <= 5%").criteria[0].number == 0.05


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "No criterion"),
        ("rougeL better", "column 1: 'rougeL better' is no criterion"),
        ("f1 >= 0.5; rouge >= 0.5", "column 12: there is no 'rouge' to ask for"),
        ("f1 >= much", "column 7: 'much' is no bound"),
        ("f1 >= tuned + 1", "'tuned \\+ 1' is no bound"),
        ("forgetting >= minor", "forgetting is bounded as"),
        ("forgetting <= slight", "none, minor, major"),
        ("contamination <= base", "not relative to an arm"),
        ("contamination >= 0.5", "contamination is a fault"),
        ("unanswered > 1%", "unanswered is a fault"),
        ("bleu >= base + 5%", "column 9: 'base \\+ 5%'; bleu is not between 0 and 1"),
        ("correctness >= base + 10%", "on its own scale"),
        ("exact >= 500%", "not between 0 and 1"),
        ("correctness >= 11", "not between 1 and 10"),
        ("loss <= -1", "not between 0 and inf"),
        ("rougeL >= base + 2", "cannot be so far apart"),
        ("perplexity <= base", "write loss <= base"),
    ],
)
def test_what_is_no_criterion_is_refused_with_its_column_and_what_would_be_right(text, said):
    with pytest.raises(ValidationFailed, match=said):
        parse_criteria(text)
