import json

import pytest

from tanren.data import evaluation_rows
from tanren.data.evaluation_rows import EvaluationRecords, read_evaluation_records
from tanren.data.findings import DataInvalid


def read(*rows: object, needs_reference: bool = False, sources: tuple[str, ...] = (), most: int = 5):
    lines = [(row if isinstance(row, str) else json.dumps(row)).encode() + b"\n" for row in rows]
    return read_evaluation_records(
        lines, file="s3://b/q.jsonl", needs_reference=needs_reference, sources=sources, most=most
    )


def test_a_row_is_read_with_all_that_bedrock_has_and_is_kept_whole():
    row = {
        "prompt": "2 + 2?",
        "referenceResponse": "4",
        "category": "sums",
        "modelResponses": [{"response": "5", "modelIdentifier": "my-app"}],
        "id": 17,
    }
    found: EvaluationRecords = read(row, needs_reference=True, sources=("my-app",))
    (record,) = found.records
    assert (record.prompt, record.reference, record.category) == ("2 + 2?", "4", "sums")
    assert (record.responses, record.record, record.line) == ({"my-app": "5"}, row, 1)
    (warning,) = found.warnings
    assert '"id"' in warning


def test_a_prompt_alone_is_enough_where_nothing_is_compared():
    assert read({"prompt": "Hello"}).records[0].reference == ""


@pytest.mark.parametrize(
    ("row", "rule", "named"),
    [
        ({"referenceResponse": "4"}, "no-prompt", '"prompt" is missing'),
        ({"prompt": 3, "referenceResponse": "4"}, "no-prompt", "no text"),
        ({"prompt": "2 + 2?"}, "no-referenceResponse", "compare the answers with it"),
        ({"prompt": "2 + 2?", "referenceResponse": " "}, "no-referenceResponse", "no text"),
        ({"prompt": "a", "referenceResponse": "b", "category": 1}, "no-category", "no text"),
        ({"prompt": "a", "referenceResponse": "b"}, "no-response", 'no answer of "my-app"'),
        (
            {
                "prompt": "a",
                "referenceResponse": "b",
                "modelResponses": [{"response": "x", "modelIdentifier": "app"}],
            },
            "no-response",
            'no answer of "my-app"',
        ),
        ({"prompt": "a", "referenceResponse": "b", "completion": "c"}, "two-references", "two answers"),
        ("{", "invalid-json", "invalid JSON"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_line_and_rule(row: object, rule: str, named: str):
    right = {
        "prompt": "a",
        "referenceResponse": "b",
        "modelResponses": [{"response": "x", "modelIdentifier": "my-app"}],
    }
    with pytest.raises(DataInvalid) as refused:
        read(right, row, needs_reference=True, sources=("my-app",))
    (finding,) = refused.value.findings
    assert (finding.line, finding.rule) == (2, rule)
    assert named in finding.message


@pytest.mark.parametrize(
    "row",
    [
        {"system": "Be short.", "prompt": "2 + 2?", "completion": "4"},
        {
            "system": "Be short.",
            "messages": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "4"}],
        },
        {
            "schemaVersion": "bedrock-conversation-2024",
            "system": [{"text": "Be short."}],
            "messages": [
                {"role": "user", "content": [{"text": "2 + 2?"}]},
                {"role": "assistant", "content": [{"text": "4"}]},
            ],
        },
    ],
)
def test_a_row_of_training_data_asks_its_question_and_takes_its_answer_as_the_reference(row: dict):
    found = read(row, needs_reference=True)
    (record,) = found.records
    assert (record.system, record.prompt, record.reference, found.warnings) == ("Be short.", "2 + 2?", "4", ())
    # Who reads the results finds them under AWS's names, beside the row as it stood.
    assert record.record == {**row, "prompt": "2 + 2?", "referenceResponse": "4"}


@pytest.mark.parametrize(
    "messages",
    [
        "2 + 2?",
        [],
        [{"role": "user", "content": "2 + 2?"}],
        [{"role": "assistant", "content": "4"}, {"role": "user", "content": "2 + 2?"}],
        [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": " "}],
        [{"role": "user", "content": [{"image": {}}]}, {"role": "assistant", "content": "4"}],
        [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}] * 2,
    ],
)
def test_a_conversation_that_is_not_one_question_and_its_answer_is_refused(messages: object):
    with pytest.raises(DataInvalid) as refused:
        read({"messages": messages})
    assert refused.value.findings[0].rule == "no-exchange"


def test_all_bad_rows_are_named_at_once_and_an_empty_or_overlong_file_is_wrong():
    with pytest.raises(DataInvalid) as refused:
        read({}, {"prompt": "fine"}, {})
    assert [finding.line for finding in refused.value.findings] == [1, 3]
    with pytest.raises(DataInvalid, match="empty-file"):
        read()
    with pytest.raises(DataInvalid, match="the file has more than 5 prompts"):
        read(*[{"prompt": "again"}] * 6)


def test_a_file_that_would_not_fit_into_memory_is_refused(monkeypatch):
    monkeypatch.setattr(evaluation_rows, "MOST_BYTES", 100)
    assert len(read({"prompt": "x" * 60}).records) == 1
    with pytest.raises(DataInvalid, match="more than 100 bytes"):
        read({"prompt": "x" * 60}, {"prompt": "x" * 60})
