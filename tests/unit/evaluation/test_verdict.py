"""SHIP and DON'T SHIP by criteria that were stated before."""

import pytest

from tanren.domain.success_criteria import parse_criteria
from tanren.evaluation.arms import Arm, ArmKind
from tanren.evaluation.contamination import Row
from tanren.evaluation.plan import Plan
from tanren.evaluation.run import Models, evaluate
from tanren.evaluation.verdict import verdict_on
from tests.unit.evaluation.models import RuledJudge, SpokenModel, numbered

QUESTIONS = numbered(32)
BASE = Arm(name="base", kind=ArmKind.BASE, model_id="base")
TUNED = Arm(name="tuned", kind=ArmKind.TUNED, model_id="tuned")


def number_in(prompt: str) -> int:
    return int(prompt.removeprefix("What is number ").rstrip("?"))


def evaluation_of(count: int, tuned_right: int, **models):
    """The base answers every fourth question, the tuned model the first `tuned_right`."""
    say = {
        "base": lambda prompt: f"The answer to number {number_in(prompt) if number_in(prompt) % 4 == 0 else 'x'}.",
        "tuned": lambda prompt: (
            f"The answer to number {number_in(prompt) if number_in(prompt) <= tuned_right else 'x'}."
        ),
    }
    plan = Plan(
        name="test", questions=QUESTIONS[:count], arms=(BASE, TUNED), metrics=("exact",), asks_general_set=False
    )
    return evaluate(plan, Models(answerer=lambda model_id: SpokenModel(say[model_id]), **models))


def states(text: str, evaluation) -> list[str]:
    return [reason.state for reason in verdict_on(parse_criteria(text), evaluation.tuned[0], evaluation).reasons]


def test_a_gain_that_is_large_enough_and_shown_is_met():
    found = evaluation_of(32, 30)
    assert states("exact >= base + 0.1", found) == ["met"]
    assert verdict_on(parse_criteria("exact >= base + 0.1"), found.tuned[0], found).is_ship


def test_a_gain_from_four_questions_is_not_shown_and_not_shipped():
    found = evaluation_of(4, 4)
    assert found.tuned[0].comparisons[0].difference == 0.75
    assert states("exact >= base + 0.1", found) == ["not shown"]
    assert not verdict_on(parse_criteria("exact >= base + 0.1"), found.tuned[0], found).is_ship


def test_a_gain_that_is_too_small_is_not_met_however_sure():
    assert states("exact >= base + 0.9", evaluation_of(32, 30)) == ["not met"]


def test_a_loss_that_is_allowed_must_be_excluded_by_the_whole_interval():
    same = evaluation_of(32, 8)
    assert same.tuned[0].comparisons[0].difference == 0
    assert states("exact >= base - 0.02", same) == ["not shown"]
    assert states("exact >= base - 0.9", same) == ["met"]


def test_a_bound_without_an_arm_is_held_against_the_figure():
    assert states("exact >= 0.9; exact > 0.9375; unanswered <= 0", evaluation_of(32, 30)) == ["met", "not met", "met"]


@pytest.mark.parametrize(
    "criterion", ["forgetting <= minor", "contamination <= 0", "rougeL >= 0.1", "preference >= 0.6"]
)
def test_what_was_not_measured_is_not_met(criterion):
    assert states(criterion, evaluation_of(32, 32)) == ["not measured"]


def test_a_judge_that_was_exposed_has_no_say():
    fair = evaluation_of(32, 32, decider=RuledJudge(better=lambda a, b: "first" if "x" in b else "second"))
    biased = evaluation_of(32, 32, decider=RuledJudge(better=lambda a, b: "first"))
    assert states("preference >= 0.6", fair) == ["met"]
    assert states("preference >= 0.6", biased) == ["not measured"]


def test_leaked_questions_are_counted_once_over_training_and_validation():
    from dataclasses import replace

    from tanren.evaluation.contamination import contamination

    rows = [Row(asked=q.prompt, answered=q.reference, source=q.source) for q in QUESTIONS]
    found = replace(
        evaluation_of(32, 32),
        overlaps=contamination({"training": rows[:2], "validation": rows[:2], "test": rows}),
    )
    assert states("contamination <= 0; contamination <= 10%", found) == ["not met", "met"]


def test_a_difference_that_is_asked_for_is_of_the_questions_that_both_have_a_rating_of():
    """The judge rates the tuned model's good half only: of those 16 questions the base is as good."""
    rating = lambda prompt: None if "number x" in prompt.split("<answer>")[1] else 9  # noqa: E731
    found = evaluation_of(32, 16, decider=RuledJudge(rating=rating))
    comparison = found.tuned[0].comparison("correctness")
    assert comparison is not None
    assert comparison.question_count == 4
    assert verdict_on(parse_criteria("correctness >= base + 0.5"), found.tuned[0], found).reasons[0].state == "not met"
    assert (
        "9.000 → 9.000" in verdict_on(parse_criteria("correctness >= base"), found.tuned[0], found).reasons[0].figures
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (60, 60, ["met", "met"]), (82, 80, ["met", "met"]), (82, 75, ["not met", "not shown"]),
        (20, 15, ["not measured", "not measured"]), (10, 4, ["not met", "not met"]),
    ],
)  # fmt: skip
def test_forgetting_is_within_bounds_only_where_a_major_loss_is_excluded(before, after, expected):
    from dataclasses import replace

    from tanren.evaluation.forgetting import forgetting, general_questions

    general = [question for question in general_questions() if question.schema is None]
    general = (general * 2)[:82]
    texts = [
        [question.accepted[0] if index < count else "" for index, question in enumerate(general)]
        for count in (before, after)
    ]
    evaluation = evaluation_of(8, 8)
    tuned = replace(evaluation.tuned[0], forgetting=forgetting(general, *texts))
    reasons = verdict_on(parse_criteria("forgetting <= none; forgetting <= minor"), tuned, evaluation).reasons
    assert [reason.state for reason in reasons] == expected


def test_a_preference_is_harder_to_show_for_the_best_of_several_models():
    from dataclasses import replace

    judge = RuledJudge(better=lambda first, second: "first" if "x" in second else "second")
    evaluation = evaluation_of(10, 9, decider=judge)
    tuned = evaluation.tuned[0]
    assert (tuned.preference.count("tuned"), tuned.preference.count("base")) == (7, 0)
    several = replace(evaluation, arms=(*evaluation.arms, *(tuned for _ in range(3))))
    criteria = parse_criteria("preference >= 0.6")
    assert [verdict_on(criteria, tuned, each).reasons[0].state for each in (evaluation, several)] == [
        "met",
        "not shown",
    ]
