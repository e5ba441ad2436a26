"""Questions out of files."""

import json

import pytest

from tanren.domain.errors import ValidationFailed
from tanren.evaluation.questions import digest_of, read_questions


def read(*records) -> tuple:
    text = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    return read_questions([text.encode()], "q.jsonl")


def test_training_rows_evaluation_rows_generated_pairs_and_messages_are_all_questions():
    found = read(
        {"prompt": "p1", "completion": "r1"},
        {"prompt": "p2", "referenceResponse": "r2", "category": "c"},
        {"question": "p3", "answer": "r3", "document": "d"},
        {
            "system": "s",
            "messages": [{"role": "user", "content": "p4"}, {"role": "assistant", "content": [{"text": "r4"}]}],
        },
        {"prompt": "p5", "schema": {"type": "object"}},
    )
    assert [(q.prompt, q.reference) for q in found] == [
        ("p1", "r1"),
        ("p2", "r2"),
        ("p3", "r3"),
        ("p4", "r4"),
        ("p5", ""),
    ]
    assert found[1].category == "c"
    assert found[2].cluster == "document d"
    assert found[3].system == "s"
    assert [q.source for q in found][-1] == "q.jsonl:5"


def test_a_json_array_is_read_as_well_with_or_without_a_byte_order_mark():
    content = "\ufeff" + json.dumps([{"question": "東京?", "answer": "はい"}])
    assert read_questions([content.encode()], "label.json")[0].prompt == "東京?"


def test_all_bad_rows_are_named_at_once_with_file_and_line():
    text = b'{"prompt": "p", "completion": "r"}\n{"prompt": 3, "completion": "r"}\nnonsense\n\n{"text": "x"}\n'
    with pytest.raises(ValidationFailed) as raised:
        read_questions([text], "q.jsonl")
    assert [line.split(": ")[0] for line in str(raised.value).splitlines()] == ["q.jsonl:2", "q.jsonl:3:1", "q.jsonl:5"]


def test_an_empty_file_and_one_of_another_encoding_are_refused():
    with pytest.raises(ValidationFailed, match="has no questions"):
        read_questions([b"\n"], "q.jsonl")
    with pytest.raises(ValidationFailed, match="not UTF-8 at byte"):
        read_questions(["質問".encode("cp932")], "q.jsonl")


def test_the_digest_is_of_the_content_and_not_of_the_place():
    record = {"prompt": "p", "completion": "r"}
    other = read_questions([json.dumps(record).encode()], "elsewhere.jsonl")
    assert digest_of(read(record)) == digest_of(other)
    assert digest_of(read(record)) != digest_of(read({"prompt": "p", "completion": "R"}))


def test_half_a_surrogate_pair_is_replaced_as_it_is_read():
    (found,) = read_questions(
        [b'{"prompt": "a \\ud800 b", "completion": "\\ud83d\\ude00", "schema": {"x": "\\udc00"}}'], "q"
    )
    assert found.prompt == "a \ufffd b"
    assert found.reference == "\U0001f600"
    assert found.schema == {"x": "\ufffd"}


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a":' * 100_000])
def test_a_file_nested_without_end_is_refused(content):
    with pytest.raises(ValidationFailed, match="too deeply nested"):
        read_questions([content], "q.jsonl")
