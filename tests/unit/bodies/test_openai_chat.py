"""What the chat completions of imported models refuse, and how their turns are read."""

from typing import Any

import pytest

from tanren.bodies.openai_chat import OpenAIChat, random_completion_id
from tanren.domain.conversation import Message, Role, ToolResult, ToolUse
from tanren.domain.errors import ValidationFailed

USER = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "get", "parameters": {"type": "object"}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "get", "arguments": '{"a": 1}'}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "7"}


def body(**changes: Any) -> dict[str, Any]:
    return {"messages": [USER], **changes}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "2 schema violations found: #: required key [messages] not found"),
    (body(messages=[{"role": "system", "content": "a"}]), "#/messages: a message of the user is missing"),
    (body(messages=[{"role": "assistant", "content": "a"}]), "#/messages: the first message beside the system's"),
    (body(messages=[USER, {"role": "user", "content": None}]), "#/messages/1/content: expected a value, found: Null"),
    (body(messages=[{**USER, "name": "x"}]), "#/messages/0/name: not supported by this model yet"),
    (
        body(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]),
        "#/messages/0/content/0: content parts of type image_url are not supported",
    ),
    (body(model="x"), "#: extraneous key [model] is not permitted"),
    (body(stream=True), "#: extraneous key [stream] is not permitted"),
    (body(n=2), "#/n: 2 is not less or equal to 1"),
    (body(temperature=2.5), "#/temperature: 2.5 is not less or equal to 2"),
    (body(max_tokens=1, max_completion_tokens=1), "#: max_tokens and max_completion_tokens are the same"),
    (body(stop=["a"] * 17), "#/stop: expected maximum item count: 16, found: 17"),
    (body(logprobs=True), "#/logprobs: not supported by this model yet"),
    (body(tool_choice="required"), "#/tool_choice: tool_choice may only be given where tools are"),
    (body(tools=[TOOL], tool_choice="none"), "#/tool_choice: none is not supported"),
    (body(tools=[{"type": "function"}]), "#/tools/0: required key [function] not found"),
    (body(messages=[USER, CALLED, USER], tools=[TOOL]), "#/messages/2: the tool use c1 of the turn before has no"),
    (body(messages=[USER, RESULT], tools=[TOOL]), "#/messages/0: a tool result has no tool use in the turn before"),
    (
        body(messages=[USER, {**CALLED, "tool_calls": [{**CALL, "function": {"name": "get", "arguments": "["}}]}]),
        "#/messages/1/tool_calls/0/function/arguments: expected a JSON object in a string",
    ),
    (body(response_format={"type": "json_schema"}), "#/response_format: required key [json_schema] not found"),
    (
        body(tools=[TOOL], tool_choice="required", response_format={"type": "json_object"}),
        "#/response_format: a forced tool and a response_format exclude each other",
    ),
]


@pytest.mark.parametrize(("refused", "violation"), REFUSED, ids=[text for _, text in REFUSED])
def test_a_violation_is_named_in_awss_words(refused: dict[str, Any], violation: str):
    with pytest.raises(ValidationFailed) as raised:
        OpenAIChat().decode(refused)
    assert str(raised.value).startswith(f"Malformed input request: {violation}")


def test_results_belong_to_the_users_turn_and_neighbours_are_one():
    read = OpenAIChat().decode(body(messages=[USER, CALLED, RESULT, USER, USER], tools=[TOOL])).conversation
    assert read.messages[1:] == (
        Message(role=Role.ASSISTANT, text="", tool_uses=(ToolUse(id="c1", name="get", input={"a": 1}),)),
        Message(role=Role.USER, text="hi\nhi", tool_results=(ToolResult(tool_use_id="c1", text="7"),)),
    )


@pytest.mark.parametrize(
    ("choice", "forced"),
    [("auto", ()), ("required", ("get",)), ({"type": "function", "function": {"name": "get"}}, ("get",))],
)
def test_a_tool_choice_says_which_tools_are_forced(choice: Any, forced: tuple[str, ...]):
    assert OpenAIChat().decode(body(tools=[TOOL], tool_choice=choice)).forced_tools == forced


@pytest.mark.parametrize(
    ("response_format", "schema"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}, {"type": "object"}),
    ],
)
def test_a_response_format_is_a_schema_of_the_answer(response_format: dict[str, Any], schema: dict[str, Any] | None):
    assert OpenAIChat().decode(body(response_format=response_format)).answer_schema == schema


def test_ids_are_new_each_time():
    assert len({random_completion_id() for _ in range(100)}) == 100
