"""The general set, and what is called forgetting."""

import json

import pytest

from tanren.evaluation.forgetting import forgetting, general_questions

GENERAL = general_questions()


def right_answer(question) -> str:
    if question.schema is None:
        return question.accepted[0]
    schema = question.schema
    if "const" in schema:
        return json.dumps(schema["const"])
    return json.dumps({name: each.get("const", "Kim") for name, each in schema["properties"].items()})


RIGHT = [right_answer(question) for question in GENERAL]


def with_wrong(count: int, *, first: int = 0) -> list[str]:
    return ["" if first <= index < first + count else text for index, text in enumerate(RIGHT)]


def test_the_set_is_of_60_to_120_questions_half_of_them_japanese_and_none_twice():
    assert 60 <= len(GENERAL) <= 120
    assert len({question.id for question in GENERAL}) == len({question.prompt for question in GENERAL}) == len(GENERAL)
    assert sum(question.id.startswith("ja-") for question in GENERAL) == len(GENERAL) // 2


@pytest.mark.parametrize(
    ("question", "answer"), list(zip(GENERAL, RIGHT, strict=True)), ids=lambda v: getattr(v, "id", "")
)
def test_each_question_takes_its_right_answer_and_no_empty_one(question, answer):
    assert question.is_right(answer)
    assert not question.is_right("")


@pytest.mark.parametrize(("answer", "is_right"), [("12", True), ("It is 12.", True), ("120", False), ("1 2", False)])
def test_a_number_is_a_number_of_its_own(answer, is_right):
    question = next(question for question in GENERAL if question.id == "en-arithmetic-1")
    assert question.is_right(answer) is is_right


def test_an_unchanged_model_has_forgotten_nothing():
    assert forgetting(GENERAL, with_wrong(20), with_wrong(20)).level == "none"


def test_a_model_that_forgot_is_called_so_with_what_it_lost():
    found = forgetting(GENERAL, RIGHT, with_wrong(20))
    assert found.level == "major"
    assert list(found.lost) == [question.id for question in GENERAL[:20]]


def test_a_small_loss_is_minor():
    assert forgetting(GENERAL, RIGHT, with_wrong(7)).level == "minor"


def test_a_loss_that_may_be_chance_is_not_called_one():
    assert forgetting(GENERAL, with_wrong(3), with_wrong(3, first=10)).level == "none"


def test_a_base_that_knows_next_to_nothing_can_forget_nothing_that_would_show():
    assert forgetting(GENERAL, with_wrong(80), with_wrong(82)).level == "unknown"


def only(count: int, of: int = 0) -> list[str]:
    return [text if of <= index < of + count else "" for index, text in enumerate(RIGHT)]


@pytest.mark.parametrize(
    ("before", "after", "level"),
    [(10, 4, "major"), (9, 4, "unknown"), (20, 15, "unknown"), (30, 30, "none"), (82, 75, "minor")],
)
def test_half_of_what_a_weak_base_knew_is_no_small_loss_and_an_unseen_one_is_not_none(before, after, level):
    found = forgetting(GENERAL, only(before), only(after))
    assert found.level == level
    assert found.is_major_excluded is (level == "none")


def test_an_answer_that_repeats_its_question_is_wrong():
    """Half of the questions hold the accepted word themselves."""
    echoes = (lambda prompt: prompt, lambda prompt: f"{prompt}\n{prompt}", lambda prompt: prompt.upper())
    assert [q.id for q in GENERAL for echo in echoes if q.is_right(echo(q.prompt))] == []


@pytest.mark.parametrize(
    ("question", "answer"), list(zip(GENERAL, RIGHT, strict=True)), ids=lambda v: getattr(v, "id", "")
)
def test_a_question_that_is_repeated_before_the_answer_does_no_harm(question, answer):
    if question.schema is None:
        assert question.is_right(f"{question.prompt}\n{answer}")


@pytest.mark.parametrize(
    ("id", "answer", "is_right"),
    [
        ("en-choice-1", "B) pear", True), ("en-choice-1", "b", True), ("en-choice-1", "The answer is B.", True),
        ("en-choice-1", "Ｂ", True), ("en-choice-1", "A, B or C", False), ("en-choice-1", "A) hammer B) pear", False),
        ("en-choice-4", "A", True), ("en-choice-4", "A is right.", True), ("en-choice-4", "She turns a blue", False),
        ("ja-choice-1", "Bです。", True), ("ja-choice-1", "AとBです。", False),
        ("en-reading-4", "Negative.", True), ("en-reading-4", "positive or negative", False),
        ("ja-chat-5", "はい、いいえ", False),
        ("en-chat-6", "No, they cannot.", True), ("en-chat-6", "yes and no", False),
    ],
)  # fmt: skip
def test_an_answer_that_names_several_options_is_no_answer(id, answer, is_right):
    question = next(question for question in GENERAL if question.id == id)
    assert question.is_right(answer) is is_right
