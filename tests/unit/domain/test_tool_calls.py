"""A call is recognised in the manners that models were taught, and nothing else is a call."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanren.domain.tool_calls import (
    CALL_MEMBERS,
    STATED_FORM,
    ToolCall,
    may_begin_call,
    may_begin_empty_thought,
    read_calls,
    without_empty_thought,
)

ROME = ToolCall(name="get", input={"city": "Rome"})
WRITTEN = '{"name": "get", "arguments": {"city": "Rome"}}'


@pytest.mark.parametrize(
    "answer",
    [
        WRITTEN,
        f"\n {WRITTEN}\n",
        f"[{WRITTEN}]",
        '[{"name": "get", "arguments": {"city": "Rome"}, "id": "abc123def"}]',
        f"<tool_call>\n{WRITTEN}\n</tool_call>",
        *(json.dumps({name: "get", given: {"city": "Rome"}}) for name, given in CALL_MEMBERS),
        STATED_FORM.written("get", '{"city": "Rome"}'),
    ],
)
def test_a_call_is_read_in_each_manner(answer: str):
    read = read_calls(answer)
    assert (read.calls, read.text) == ((ROME,), "")


def test_text_may_stand_beside_tagged_calls_and_they_may_be_several():
    read = read_calls(f"Let me see.\n<tool_call>{WRITTEN}</tool_call>\n<tool_call>{WRITTEN}</tool_call>")
    assert (read.calls, read.text) == ((ROME, ROME), "Let me see.")


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "The weather is fine.",
        f"I would write {WRITTEN}",
        WRITTEN[:-1],
        '{"name": "get", "arguments": "Rome"}',
        '{"name": "get", "arguments": {}, "city": "Rome"}',
        '{"name": 1, "arguments": {}}',
        '{"name": "get", "arguments": {"a": NaN}}',
        '{"name": "get", "arguments": {"a": "\\ud800"}}',
        f"[{WRITTEN}, 1]",
        f"<tool_call>{WRITTEN}</tool_call> and <tool_call>nothing</tool_call>",
        "[" * 100_000,
    ],
)
def test_anything_else_is_text_as_it_stands(answer: str):
    assert read_calls(answer) == type(read_calls(""))(text=answer, calls=())


@given(st.text(alphabet='{[" \n1a', max_size=6), st.sampled_from([WRITTEN, f"[{WRITTEN}]", f" \n[ {WRITTEN}]"]))
def test_every_beginning_of_a_call_may_begin_one(text: str, call: str):
    assert all(may_begin_call(call[:size]) for size in range(len(call)))
    if read_calls(text + call).calls:
        assert may_begin_call(text)


@pytest.mark.parametrize("text", ["The", "[Note]", "{x", "  {1", '"{'])
def test_text_that_can_be_no_call_need_not_be_held_back(text: str):
    assert not may_begin_call(text)


NAMES = ("get", "get_more")


@pytest.mark.parametrize(
    ("answer", "calls"),
    [
        ('get{"city": "Rome"}', [ROME]),
        (' get {"city": "Rome"}\n', [ROME]),
        ('get{"city": "Rome"}get_more{"a": {"b": "}"}}', [ROME, ToolCall(name="get_more", input={"a": {"b": "}"}})]),
        ('<tool_call>get{"city": "Rome"}</tool_call>', [ROME]),
    ],
)
def test_a_known_name_with_its_input_beside_it_is_a_call(answer: str, calls: list[ToolCall]):
    assert read_calls(answer, NAMES).calls == tuple(calls)
    assert read_calls(answer).calls == ()


@pytest.mark.parametrize(
    "answer", ['got{"a": 1}', 'get{"a": 1', 'get{"a": 1} it', "get[1]", "get", 'get{"a": NaN}', ""]
)
def test_a_name_without_a_whole_input_or_an_unknown_one_is_text(answer: str):
    assert read_calls(answer, NAMES).calls == ()
    assert read_calls(answer, NAMES).text == answer


@given(st.sampled_from(['get{"a": 1}', ' get_more {"a": 1}get{}']), st.integers(0, 30))
def test_every_beginning_of_a_named_call_may_begin_one(call: str, size: int):
    assert may_begin_call(call[:size], NAMES)
    assert may_begin_call("The", NAMES) is may_begin_call("got", NAMES) is may_begin_call("getting", NAMES) is False


def test_an_empty_thought_in_front_is_left_out_and_a_thought_is_not():
    assert without_empty_thought("<think>\n\n</think>\n\nParis") == "Paris"
    assert without_empty_thought("<think>hm</think>Paris") == "<think>hm</think>Paris"
    thought = "<think>\n\n</think>\n\n"
    assert all(may_begin_empty_thought(thought[:size]) for size in range(1, len(thought) + 1))
    assert not any(may_begin_empty_thought(text) for text in ("", "P", " <think>", "<tool_call>", "<think>h"))
