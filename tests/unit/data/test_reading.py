import codecs
import gzip
import json
import pickle
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tanren.data.findings import FINDINGS_CAP, MESSAGE_CAP, DataInvalid, Severity
from tanren.data.formats import DataFormat
from tanren.data.reading import FileSummary, read_records, validate_file
from tanren.data.records import Document
from tanren.domain.conversation import Conversation, user_turn
from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.foundation_models import RecordLimits
from tanren.domain.prompt_templates import PromptTemplate

FINE_TUNING = CustomizationType.FINE_TUNING
PRE_TRAINING = CustomizationType.CONTINUED_PRE_TRAINING

Row = dict[str, Any]


def turn(role: str, text: str) -> Row:
    return {"role": role, "content": text}


def block_turn(role: str, text: str) -> Row:
    return {"role": role, "content": [{"text": text}]}


PROMPT: Row = {"prompt": "What?", "completion": "That."}
CLAUDE: Row = {"system": "Be short.", "messages": [turn("user", "What?"), turn("assistant", "That.")]}
CONVERSATION: Row = {
    "schemaVersion": "bedrock-conversation-2024",
    "system": [{"text": "Be short."}],
    "messages": [block_turn("user", "What?"), block_turn("assistant", "That.")],
}
PROMPT_TEXT = json.dumps(PROMPT).encode() + b"\n"
INPUT: Row = {"input": "Once upon a time."}


def lines(*rows: Row | str | bytes) -> list[bytes]:
    return [
        (row if isinstance(row, bytes) else (row if isinstance(row, str) else json.dumps(row)).encode()) + b"\n"
        for row in rows
    ]


def check(*rows: Row | str | bytes, kind: CustomizationType = FINE_TUNING) -> FileSummary:
    return validate_file(lines(*rows), file="f.jsonl", customization_type=kind)


def rules(summary: FileSummary, severity: Severity = Severity.ERROR) -> list[tuple[int, str]]:
    return [(finding.line, finding.rule) for finding in summary.findings if finding.severity is severity]


@pytest.mark.parametrize(
    ("row", "kind", "data_format"),
    [
        (PROMPT, FINE_TUNING, DataFormat.PROMPT_COMPLETION),
        (CLAUDE, FINE_TUNING, DataFormat.CLAUDE_MESSAGES),
        (CONVERSATION, FINE_TUNING, DataFormat.CONVERSATION),
        (INPUT, PRE_TRAINING, DataFormat.INPUT),
    ],
)
def test_every_format_is_sniffed_and_read(row: Row, kind: CustomizationType, data_format: DataFormat) -> None:
    summary = check(row, row, kind=kind)
    assert (summary.format, summary.rows, summary.findings) == (data_format, 2, ())
    first, second = read_records(lines(row, row), file="f.jsonl", customization_type=kind)
    assert (first.source.line, second.source.line) == (1, 2)
    assert first.digest() == second.digest()
    if isinstance(first.content, Conversation):
        assert [message.text for message in first.content.messages] == ["What?", "That."]
        assert first.content.system == (None if row is PROMPT else "Be short.")
    else:
        assert first.content == Document(text="Once upon a time.")


def changed(row: Row, **changes: Any) -> Row:
    return {key: value for key, value in {**row, **changes}.items() if value is not ...}


U, A = turn("user", "q"), turn("assistant", "a")
BU, BA = block_turn("user", "q"), block_turn("assistant", "a")

BROKEN: list[tuple[Row, Row | str | bytes, str]] = [
    (PROMPT, '{"prompt": "a", "completion": }', "invalid-json"),
    (PROMPT, '{"prompt": "a", "completion": NaN}', "invalid-json"),
    (PROMPT, "[" * 100_000, "invalid-json"),
    (PROMPT, '"text"', "not-an-object"),
    (PROMPT, "", "blank-line"),
    (PROMPT, "   ", "blank-line"),
    (PROMPT, b'{"prompt": "\xff", "completion": "b"}', "invalid-utf-8"),
    (PROMPT, '{"prompt": "a", "prompt": "b", "completion": "c"}', "duplicate-key"),
    (PROMPT, changed(PROMPT, completion=...), "missing-key"),
    (PROMPT, changed(PROMPT, completion=3), "wrong-type"),
    (PROMPT, changed(PROMPT, completion=None), "wrong-type"),
    (PROMPT, changed(PROMPT, completion=""), "empty-text"),
    (PROMPT, changed(PROMPT, prompt=" \n"), "empty-text"),
    (PROMPT, changed(PROMPT, prompt="\ud800"), "lone-surrogate"),
    (PROMPT, changed(PROMPT, input="x"), "mixed-formats"),
    (PROMPT, {"question": "a", "answer": "b"}, "unknown-format"),
    (PROMPT, CLAUDE, "mixed-formats"),
    (CLAUDE, CONVERSATION, "mixed-formats"),
    (CLAUDE, changed(CLAUDE, messages=[A, U]), "first-role-not-user"),
    (CLAUDE, changed(CLAUDE, messages=[U, A, U]), "last-role-not-assistant"),
    (CLAUDE, changed(CLAUDE, messages=[U, U, A]), "roles-not-alternating"),
    (CLAUDE, changed(CLAUDE, messages=[U]), "too-few-messages"),
    (CLAUDE, changed(CLAUDE, messages=[]), "too-few-messages"),
    (CLAUDE, changed(CLAUDE, messages="hello"), "wrong-type"),
    (CLAUDE, changed(CLAUDE, messages=[U, "x"]), "wrong-type"),
    (CLAUDE, changed(CLAUDE, messages=[turn("system", "s"), U, A]), "system-role"),
    (CLAUDE, changed(CLAUDE, messages=[turn("human", "s"), A]), "unknown-role"),
    (CLAUDE, changed(CLAUDE, messages=[{"content": "q"}, A]), "missing-key"),
    (CLAUDE, changed(CLAUDE, messages=[{"role": "user"}, A]), "missing-key"),
    (CLAUDE, changed(CLAUDE, messages=[turn("user", "a\nHuman: b"), A]), "reserved-text"),
    (CLAUDE, changed(CLAUDE, system="a\nAssistant: b"), "reserved-text"),
    (CLAUDE, changed(CLAUDE, system=[{"text": "x"}]), "wrong-type"),
    (CONVERSATION, changed(CONVERSATION, schemaVersion=...), "missing-key"),
    (CONVERSATION, changed(CONVERSATION, schemaVersion=1), "wrong-type"),
    (CONVERSATION, changed(CONVERSATION, system=[]), "not-one-block"),
    (CONVERSATION, changed(CONVERSATION, system="text"), "wrong-type"),
    (CONVERSATION, changed(CONVERSATION, messages=[turn("user", "q"), BA]), "wrong-type"),
    (
        CONVERSATION,
        changed(CONVERSATION, messages=[{"role": "user", "content": [{"image": {"format": "png"}}]}, BA]),
        "unsupported-block",
    ),
    (
        CONVERSATION,
        changed(CONVERSATION, messages=[BU, {"role": "assistant", "content": [{"toolUse": {}}]}]),
        "unsupported-block",
    ),
    (
        CONVERSATION,
        changed(CONVERSATION, messages=[{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}, BA]),
        "not-one-block",
    ),
    (CONVERSATION, changed(CONVERSATION, messages=[{"role": "user", "content": [{}]}, BA]), "missing-key"),
]


@pytest.mark.parametrize(("good", "bad", "rule"), BROKEN, ids=[f"{n}-{rule}" for n, (_, _, rule) in enumerate(BROKEN)])
def test_a_broken_row_is_named_with_its_line_and_rule(good: Row, bad: Row | str | bytes, rule: str) -> None:
    summary = check(good, bad, good)
    assert (2, rule) in rules(summary)
    assert {line for line, _ in rules(summary)} == {2}
    assert summary.rows == 2
    assert not summary.is_valid
    assert all(finding.fix and finding.message for finding in summary.findings)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_broken_row_of_a_file_is_found_and_no_other(data: st.DataObject) -> None:
    good = data.draw(st.sampled_from([PROMPT, CLAUDE, CONVERSATION]))
    broken = [bad for start, bad, _ in BROKEN if start is good]
    count = data.draw(st.integers(1, 12))
    wrong = data.draw(st.dictionaries(st.integers(2, count + 1), st.sampled_from(broken)))
    rows = [wrong.get(line, good) for line in range(1, count + 2)]
    summary = check(*rows)
    assert {line for line, _ in rules(summary)} == set(wrong)
    assert summary.rows == len(rows) - len(wrong)
    given_out: list[int] = []
    if wrong:
        records = read_records(lines(*rows), file="f.jsonl", customization_type=FINE_TUNING)
        with pytest.raises(DataInvalid) as caught:
            given_out.extend(record.source.line for record in records)
        assert tuple(caught.value.findings) == summary.findings
        assert given_out == list(range(1, min(wrong)))


@pytest.mark.parametrize("file", ["f.jsonl", "f.csv"])
@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=80))
@example(content=b"\x00\r\x00")
def test_no_bytes_break_the_reader(file: str, content: bytes) -> None:
    raw = content.splitlines(keepends=True)
    raw = [piece for line in raw for piece in line.split(b"\n") if piece]
    summary = validate_file(raw, file=file, customization_type=FINE_TUNING)
    assert summary.rows == 0
    assert summary.error_count >= 1


def test_the_column_points_at_the_value() -> None:
    row = '{"prompt": "a", "completion":  7}'
    (finding,) = check(PROMPT, row).findings
    assert finding.column is not None
    assert row[finding.column - 1 :].startswith("7")
    row = json.dumps(changed(CLAUDE, messages=[U, turn("assistant", "x\nHuman: y")]))
    (finding,) = check(CLAUDE, row).findings
    assert finding.column is not None
    assert row[finding.column - 1 :].startswith('"x\\n')
    row = '{"prompt": "a", "completion": "b", "prompt": "c"}'
    (finding,) = check(PROMPT, row).findings
    assert finding.column is not None
    assert row[finding.column - 1 :] == '"prompt": "c"}'


def test_the_byte_offset_of_bad_utf_8_is_given() -> None:
    (finding,) = check(PROMPT, b'{"prompt": "\xff"}').findings
    assert "byte offset 12" in finding.message


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ([json.dumps([PROMPT, PROMPT]).encode()], "json-array"),
        ([b"[\n", PROMPT_TEXT, b",", PROMPT_TEXT, b"]\n"], "json-array"),
        ([json.dumps(PROMPT, indent=1).encode(), b"\n", json.dumps(PROMPT, indent=1).encode()], "pretty-printed-json"),
        ([gzip.compress(PROMPT_TEXT + PROMPT_TEXT, mtime=0)], "compressed-file"),
        ([(PROMPT_TEXT + PROMPT_TEXT).decode().encode("utf-16")], "utf-16-file"),
        ([(PROMPT_TEXT + PROMPT_TEXT).decode().encode("utf-16-be")], "utf-16-file"),
        ([b"prompt;completion\r\n", b"What?;That.\r\nWhat?;That.\r\n"], "csv-file"),
        ([codecs.BOM_UTF8, PROMPT_TEXT + PROMPT_TEXT], "byte-order-mark"),
    ],
)
def test_another_kind_of_file_is_read_with_a_warning(content: list[bytes], rule: str) -> None:
    summary = validate_file(content, file="f", customization_type=FINE_TUNING)
    assert [(finding.rule, finding.severity) for finding in summary.findings] == [(rule, Severity.WARNING)]
    assert summary.size_bytes == sum(len(piece) for piece in content)
    first, second = read_records(content, file="f", customization_type=FINE_TUNING)
    assert first.content == second.content == user_turn("What?").answered("That.")


def test_a_byte_order_mark_is_tolerated_with_a_warning() -> None:
    summary = check(b"\xef\xbb\xbf" + json.dumps(PROMPT).encode())
    assert summary.is_valid
    assert rules(summary, Severity.WARNING) == [(0, "byte-order-mark")]


@pytest.mark.parametrize(("row", "kind"), [(INPUT, FINE_TUNING), (PROMPT, PRE_TRAINING), (CLAUDE, PRE_TRAINING)])
def test_data_for_another_customization_are_refused_once(row: Row, kind: CustomizationType) -> None:
    summary = check(row, row, row, kind=kind)
    assert rules(summary) == [(1, "wrong-customization-type")]
    assert summary.line_count == 3


def test_an_unknown_key_is_warned_of_once() -> None:
    row = changed(PROMPT, note="x")
    summary = check(row, row, row)
    assert summary.is_valid
    assert rules(summary, Severity.WARNING) == [(1, "unknown-key")]


def test_findings_are_capped_and_counted() -> None:
    summary = check(PROMPT, *["{"] * 250)
    assert len(summary.findings) == FINDINGS_CAP
    assert summary.error_count == 250
    with pytest.raises(DataInvalid) as caught:
        summary.raise_if_invalid()
    message = str(caught.value)
    assert len(message) <= MESSAGE_CAP
    assert "f.jsonl line 2 column 2" in message
    assert message.endswith("more.")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.findings, again.error_count) == (message, caught.value.findings, 250)


def test_record_counts_outside_the_limits_are_warnings() -> None:
    limits = RecordLimits(minimum=32, maximum=40, maximum_validation=1)
    few = validate_file(lines(PROMPT), file="f", customization_type=FINE_TUNING, limits=limits)
    assert (few.is_valid, rules(few, Severity.WARNING)) == (True, [(0, "too-few-records")])
    many = validate_file(
        lines(PROMPT, PROMPT), file="f", customization_type=FINE_TUNING, limits=limits, is_validation=True
    )
    assert (many.is_valid, rules(many, Severity.WARNING)) == (True, [(0, "too-many-records")])


def test_a_file_larger_than_the_familys_or_in_a_format_of_another_is_a_warning() -> None:
    limits = RecordLimits(maximum_bytes=20, maximum_validation_bytes=1000, formats=("claude-messages",))
    other = validate_file(lines(PROMPT), file="f", customization_type=FINE_TUNING, limits=limits)
    assert other.is_valid
    assert sorted(rules(other, Severity.WARNING)) == [(0, "other-format"), (0, "too-many-bytes")]
    assert "the format is prompt-completion; AWS takes claude-messages for this model" in str(other.findings)
    own = validate_file(lines(CLAUDE), file="f", customization_type=FINE_TUNING, limits=limits, is_validation=True)
    assert rules(own, Severity.WARNING) == []


IN_LLAMA_3: Row = {
    "prompt": "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe short.<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nWhat?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    "completion": "That.<|eot_id|>",
}


def test_a_prompt_in_its_familys_template_is_read_as_its_turns_and_that_is_said_once() -> None:
    of_llama = {"prompt_templates": (PromptTemplate.LLAMA_3, PromptTemplate.INST)}
    rows = lines(IN_LLAMA_3, IN_LLAMA_3)
    first, _ = read_records(rows, file="f.jsonl", customization_type=FINE_TUNING, **of_llama)
    assert first.content == user_turn("What?", system="Be short.").answered("That.")
    summary = validate_file(rows, file="f.jsonl", customization_type=FINE_TUNING, **of_llama)
    assert rules(summary, Severity.WARNING) == [(1, "prompt-in-template")]


def test_a_prompt_in_another_familys_template_is_text_as_it_is_when_the_model_is_asked() -> None:
    (record,) = read_records(lines(IN_LLAMA_3), file="f.jsonl", customization_type=FINE_TUNING)
    assert record.content == user_turn(IN_LLAMA_3["prompt"]).answered(IN_LLAMA_3["completion"])


@pytest.mark.parametrize(
    ("ending", "rule"),
    [
        ("That", "answer-begun-in-prompt"),
        ("<|eot_id|><|start_header_id|>ipython<|end_header_id|>\n\n4<|eot_id|>", "foreign-turn"),
    ],
)
def test_a_prompt_that_its_template_cannot_teach_is_an_error_of_its_line(ending: str, rule: str) -> None:
    row = {**IN_LLAMA_3, "prompt": IN_LLAMA_3["prompt"] + ending}
    summary = validate_file(
        lines(row), file="f.jsonl", customization_type=FINE_TUNING, prompt_templates=(PromptTemplate.LLAMA_3,)
    )
    assert rules(summary) == [(1, rule)]
