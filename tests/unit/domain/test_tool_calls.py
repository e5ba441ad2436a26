"""A call is recognised in the manners that models were taught, and nothing else is a call."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanren.domain.tool_calls import CALL_MEMBERS, STATED_FORM, ToolCall, may_begin_call, read_calls

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
