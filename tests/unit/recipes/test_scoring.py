import pytest

from tanren.recipes.collection import Question
from tanren.recipes.scoring import share_right

SCHEMA = {"type": "object", "required": ["days"], "properties": {"days": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("metric", "answer", "is_right"),
    [
        ("exact", " 7 ", True),
        ("exact", "7 days", False),
        ("contains", "In 7 days.", True),
        ("contains", "In a week.", False),
        ("json_valid", '{"days": 7}', True),
        ("json_valid", '{"days": "7"}', False),
        ("json_valid", 'Here: {"days": 7}', False),
    ],
)
def test_an_answer_is_right_by_its_metric(metric, answer: str, is_right: bool):
    question = Question(prompt="How long?", completion="7", schema=SCHEMA)
    assert share_right(metric, [question], [answer]) == is_right


def test_the_share_is_that_of_all_questions():
    questions = [Question(prompt="", completion=text) for text in "abcd"]
    assert share_right("contains", questions, ["A", "b", "x", "x"]) == 0.5


@pytest.mark.parametrize(("answer", "is_right"), [("In 7 days.", True), ("In a week.", True), ("Later.", False)])
def test_what_would_do_as_well_is_right_too(answer: str, is_right: bool):
    question = Question(prompt="How long?", completion="7", also=["a week"])
    assert share_right("contains", [question], [answer]) == is_right
