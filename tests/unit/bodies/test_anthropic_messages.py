"""What Anthropic's format refuses, and how turns are read."""

import re
from typing import Any

import pytest

from tanren.bodies.anthropic_messages import NOT_YET, AnthropicMessages, random_message_id
from tanren.domain.conversation import Tool, ToolResult, ToolUse
from tanren.domain.errors import ValidationFailed

USER = {"role": "user", "content": "hi"}
ASSISTANT = {"role": "assistant", "content": "hello"}
TOOL = {"name": "get", "description": "Gets", "input_schema": {"type": "object"}}
USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "get", "input": {"a": 1}}]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "7", "is_error": True}]}


def document(**source: Any) -> dict[str, Any]:
    return {"type": "document", "title": "Report", "source": source}


def body(**changes: Any) -> dict[str, Any]:
    return {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": [USER], **changes}


REFUSED: list[tuple[dict[str, Any], str]] = [
    (body(anthropic_version="2023-06-01"), "#/anthropic_version: 2023-06-01 is not a valid enum value; expected "),
    (body(max_tokens=0), "#/max_tokens: 0 is not greater or equal to 1"),
    (body(max_tokens="5"), "#/max_tokens: expected type: Integer, found: String"),
    (body(temperature=1.1), "#/temperature: 1.1 is not less or equal to 1"),
    (body(top_k=501), "#/top_k: 501 is not less or equal to 500"),
    (body(model="claude"), "#: extraneous key [model] is not permitted"),
    (body(stream=True), "#: extraneous key [stream] is not permitted"),
    (body(messages=[]), "#/messages: expected minimum item count: 1, found: 0"),
    (body(messages="hi"), "#/messages: expected type: JSONArray, found: String"),
    (body(messages=["hi"]), "#/messages/0: expected type: JSONObject, found: String"),
    (body(messages=[{"role": "user"}]), "#/messages/0: required key [content] not found"),
    (body(messages=[{"role": "system", "content": "x"}]), "#/messages/0/role: system is not a valid enum value"),
    (body(messages=[{**USER, "name": "x"}]), "#/messages/0: extraneous key [name] is not permitted"),
    (body(messages=[{**USER, "content": ""}]), "#/messages/0/content: expected minLength: 1, actual: 0"),
    (body(messages=[{**USER, "content": []}]), "#/messages/0/content: expected minimum item count: 1, found: 0"),
    (
        body(messages=[{**USER, "content": 1}]),
        "#/messages/0/content: expected type: String or JSONArray, found: Integer",
    ),
    (body(messages=[{**USER, "content": ["x"]}]), "#/messages/0/content/0: expected type: JSONObject, found: String"),
    (
        body(messages=[{**USER, "content": [{"type": "image", "source": {}}]}]),
        "#/messages/0/content/0: content blocks of type image are not supported by this model yet",
    ),
    (
        body(messages=[{**USER, "content": [{"type": "text", "text": "a", "cache_control": {}}]}]),
        "#/messages/0/content/0/cache_control: not supported by this model yet",
    ),
    (body(messages=[ASSISTANT, USER]), "#/messages/0: the first message must use the user role"),
    (
        body(messages=[USER, {"role": "assistant", "content": "hello "}]),
        "#/messages: final assistant content cannot end with trailing whitespace",
    ),
    (body(messages=[USER, USE, USER], tools=[TOOL]), "#/messages/2: the tool use t1 of the turn before has no tool"),
    (body(messages=[RESULT], tools=[TOOL]), "#/messages/0: a tool result has no tool use in the turn before"),
    (body(messages=[USER, USE, RESULT]), "#: tools must be given where messages use tools"),
    (body(messages=[USER, USE], tools=[TOOL]), "#/messages: the last message uses a tool; its tool result is missing"),
    (body(tools=[{"type": "bash_20250124", "name": "bash"}]), "2 schema violations found: #/tools/0/type: tools that"),
    (body(tools=[{"name": "a", "input_schema": []}]), "#/tools/0/input_schema: expected type: JSONObject"),
    (body(tool_choice={"type": "any"}), "#/tool_choice: tool_choice may only be given where tools are"),
    (body(tools=[TOOL], tool_choice={"type": "none"}), "#/tool_choice/type: none is not supported"),
    (body(tools=[TOOL], tool_choice={"type": "tool"}), "#/tool_choice: required key [name] not found"),
    (
        body(messages=[{**USER, "content": [{"type": "document", "source": {"type": "url", "url": "http://x"}}]}]),
        "#/messages/0/content/0/source/type: a source of type url is not supported",
    ),
    (
        body(messages=[{**USER, "content": [document(type="base64", media_type="application/pdf", data="%")]}]),
        "#/messages/0/content/0/source/data: expected Base64",
    ),
    (body(system=[{"type": "text"}]), "#/system/0: required key [text] not found"),
    (body(stop_sequences=[1]), "#/stop_sequences/0: expected type: String, found: Integer"),
]


@pytest.mark.parametrize(("refused", "violation"), REFUSED, ids=[text for _, text in REFUSED])
def test_a_violation_is_named_in_awss_words(refused: dict[str, Any], violation: str):
    with pytest.raises(ValidationFailed) as raised:
        AnthropicMessages().decode(refused)
    assert str(raised.value).startswith(f"Malformed input request: {violation}")


@pytest.mark.parametrize("name", NOT_YET)
def test_what_bedrock_has_and_tanren_has_not_is_refused_by_name(name: str):
    with pytest.raises(ValidationFailed, match=f"#/{name}: not supported by this model yet"):
        AnthropicMessages().decode(body(**{name: []}))


def test_required_keys_are_all_named_at_once():
    with pytest.raises(ValidationFailed, match=r"^Malformed input request: 3 schema violations found"):
        AnthropicMessages().decode({})


def test_an_empty_system_prompt_is_none():
    assert AnthropicMessages().decode(body(system="")).conversation.system is None


def test_a_message_id_looks_like_bedrocks_and_is_new_each_time():
    assert re.fullmatch(r"msg_bdrk_[0-9A-Za-z]{24}", random_message_id())
    assert len({random_message_id() for _ in range(100)}) == 100


def test_tools_their_uses_and_their_results_are_read_and_neighbours_are_one_turn():
    text = {"role": "user", "content": "and then?"}
    read = AnthropicMessages().decode(body(messages=[USER, USE, RESULT, text], tools=[TOOL])).conversation
    assert read.tools == (Tool(name="get", description="Gets", input_schema={"type": "object"}),)
    assert read.messages[1].tool_uses == (ToolUse(id="t1", name="get", input={"a": 1}),)
    assert read.messages[2].tool_results == (ToolResult(tool_use_id="t1", text="7", is_error=True),)
    assert read.messages[2].text == "and then?"


@pytest.mark.parametrize(
    ("choice", "forced"),
    [
        ({"type": "auto"}, ()),
        ({"type": "any", "disable_parallel_tool_use": True}, ("get",)),
        ({"type": "tool", "name": "get"}, ("get",)),
    ],
)
def test_a_tool_choice_says_which_tools_are_forced(choice: dict[str, Any], forced: tuple[str, ...]):
    assert AnthropicMessages().decode(body(tools=[TOOL], tool_choice=choice)).forced_tools == forced


def test_documents_come_as_text_or_enclosed_as_bytes():
    blocks = [
        document(type="text", media_type="text/plain", data="the text"),
        document(type="base64", media_type="application/pdf", data="JVBERg=="),
        {"type": "text", "text": "sum up"},
    ]
    (message,) = AnthropicMessages().decode(body(messages=[{"role": "user", "content": blocks}])).conversation.messages
    assert (message.text, message.documents[0].text) == ("sum up", "the text")
    assert (message.enclosed[0].name, message.enclosed[0].content) == ("Report", b"%PDF")


def test_a_last_message_of_the_assistant_begins_the_answer():
    assert AnthropicMessages().decode(body(messages=[USER, ASSISTANT])).conversation.messages[-1].text == "hello"
