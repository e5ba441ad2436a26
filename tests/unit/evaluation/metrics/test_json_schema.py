"""Whether an answer is JSON that satisfies its schema."""

import pytest

from tanren.evaluation.metrics.json_schema import json_valid, violation
from tanren.evaluation.questions import Question

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.mark.parametrize("answer", ['{"city": "Oslo"}', '```json\n{"city": "Oslo"}\n```', ' {"city": "京都", "x": 1} '])
def test_an_answer_that_a_program_can_read_is_right(answer):
    assert violation(answer, SCHEMA) is None


@pytest.mark.parametrize(
    ("answer", "said"), [("Oslo", "not JSON"), ('{"city": 3}', r"\$.city"), ('Here: {"city": "Oslo"}', "not JSON")]
)
def test_another_is_told_with_what_is_wrong(answer, said):
    found = violation(answer, SCHEMA)
    assert found is not None
    assert found.startswith(said.replace("\\", ""))


def test_a_schema_fetches_nothing():
    found = violation("{}", {"$ref": "http://169.254.169.254/latest/meta-data"})
    assert found is not None
    assert "cannot be applied" in found


def test_only_questions_with_a_schema_count():
    questions = [
        Question(number=1, prompt="?", reference="", schema=SCHEMA, source="t:1"),
        Question(number=2, prompt="?", reference="x", source="t:2"),
    ]
    assert json_valid(questions, ['{"city": "Oslo"}', "no JSON"]).value == 1.0
