"""What Mistral's chat completion refuses, and how its choice of a tool is read."""

from typing import Any

import pytest

from tanren.bodies.mistral_chat import MistralChat
from tanren.domain.conversation import Message, Role, ToolResult, ToolUse
from tanren.domain.errors import ValidationFailed

USER = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "get", "parameters": {"type": "object"}}}
CALLED = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"id": "c1", "function": {"name": "get", "arguments": '{"a": 1}'}}],
}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "7"}


def body(**changes: Any) -> dict[str, Any]:
    return {"messages": [USER], **changes}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "2 schema violations found: #: required key [messages] not found"),
    (body(model="x"), "#: extraneous key [model] is not permitted"),
    (body(stop=["a"]), "#: extraneous key [stop] is not permitted"),
    (body(top_k=5), "#: extraneous key [top_k] is not permitted"),
    (body(parallel_tool_calls=False), "#: extraneous key [parallel_tool_calls] is not permitted"),
    (body(max_tokens=8193), "#/max_tokens: 8193 is not less or equal to 8192"),
    (body(temperature=1.5), "#/temperature: 1.5 is not less or equal to 1"),
    (body(top_p=0), "#/top_p: 0 is not greater than 0"),
    (body(tool_choice="any"), "#/tool_choice: tool_choice may only be given where tools are"),
    (body(tools=[TOOL], tool_choice="none"), "#/tool_choice: none is not supported"),
    (body(tools=[TOOL], tool_choice="required"), "#/tool_choice: expected type: JSONObject, found: String"),
    (body(messages=[USER, RESULT], tools=[TOOL]), "#/messages/0: a tool result has no tool use in the turn before"),
]


@pytest.mark.parametrize(("refused", "violation"), REFUSED, ids=[text for _, text in REFUSED])
def test_a_violation_is_named_in_awss_words(refused: dict[str, Any], violation: str):
    with pytest.raises(ValidationFailed) as raised:
        MistralChat().decode(refused)
    assert str(raised.value).startswith(f"Malformed input request: {violation}")


@pytest.mark.parametrize(("choice", "forced"), [("auto", ()), ("any", ("get",))])
def test_a_tool_choice_says_which_tools_are_forced(choice: str, forced: tuple[str, ...]):
    assert MistralChat().decode(body(tools=[TOOL], tool_choice=choice)).forced_tools == forced


def test_calls_and_results_are_read_as_they_are_answered():
    read = MistralChat().decode(body(messages=[USER, CALLED, RESULT], tools=[TOOL])).conversation
    assert read.messages[1:] == (
        Message(role=Role.ASSISTANT, text="", tool_uses=(ToolUse(id="c1", name="get", input={"a": 1}),)),
        Message(role=Role.USER, text="", tool_results=(ToolResult(tool_use_id="c1", text="7"),)),
    )
