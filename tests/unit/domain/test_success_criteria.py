"""The grammar of what is asked of a tuned model."""

import re
from dataclasses import replace

import pytest

from tanren.domain.errors import ValidationFailed
from tanren.domain.success_criteria import COMPUTED_SPANS, FEW_SHOT_ARM, SYSTEM_ARM, in_words, parse_criteria
from tanren.evaluation.arms import ArmKind
from tanren.evaluation.metrics.registry import METRICS


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


@pytest.mark.parametrize(
    ("in_words", "in_signs"),
    [
        ("rougeL at least base + 0.1 and forgetting at most minor", "rougeL >= base + 0.1; forgetting <= minor"),
        ("exact more than 0.5 and contamination less  than 0.1", "exact > 0.5; contamination < 0.1"),
        ("f1 at least base+few-shot", "f1 >= base+few-shot"),
    ],
)
def test_what_a_tag_cannot_write_in_signs_it_writes_in_words(in_words: str, in_signs: str):
    assert re.fullmatch(r"[a-zA-Z0-9\s._:/=+@-]*", in_words), "TagValue"
    stated = [replace(each, text="") for each in parse_criteria(in_words).criteria]
    assert stated == [replace(each, text="") for each in parse_criteria(in_signs).criteria]


@pytest.mark.parametrize(
    "stated",
    [
        "rougeL >= base + 0.1; forgetting <= minor; contamination <= 5%",
        "bleu > base+few-shot - 2; loss < base; unanswered <= 0; bertscore >= -0.5",
        "f1 >= base + 0.000001",
    ],
)
def test_signs_put_into_words_mean_the_same(stated: str):
    told = in_words(parse_criteria(stated))
    assert re.fullmatch(r"[a-zA-Z0-9\s._:/=+@-]*", told)
    again, meant = parse_criteria(told).criteria, parse_criteria(stated).criteria
    assert [replace(each, text="") for each in again] == [replace(each, text="") for each in meant]


def test_the_spans_and_arms_are_those_of_the_evaluation():
    spans = {name: tuple(map(float, metric.span.split("–"))) for name, metric in METRICS.items()}
    assert spans == COMPUTED_SPANS
    assert {FEW_SHOT_ARM, SYSTEM_ARM} == {ArmKind.BASE_FEW_SHOT.value, ArmKind.BASE_SYSTEM.value}


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
