"""What Nova's format refuses, in AWS's words."""

from typing import Any

import pytest

from tanren.bodies.nova_content import NOT_TAKEN
from tanren.bodies.nova_messages import NovaMessages
from tanren.domain.errors import ValidationFailed

USER = {"role": "user", "content": [{"text": "hi"}]}
ASSISTANT = {"role": "assistant", "content": [{"text": "hello"}]}
TOOL = {"toolSpec": {"name": "get", "inputSchema": {"json": {"type": "object"}}}}
USE = {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "get", "input": {}}}]}
RESULT = {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": "1"}]}}]}


def document(**source: Any) -> dict[str, Any]:
    return {"document": {"format": "pdf", "name": "a", "source": source}}


def body(**changes: Any) -> dict[str, Any]:
    return {"messages": [USER], **changes}


def config(**members: Any) -> dict[str, Any]:
    return body(inferenceConfig=members)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "#: required key [messages] not found"),
    (body(schemaVersion="messages-v2"), "#/schemaVersion: messages-v2 is not a valid enum value"),
    (body(messages=[]), "#/messages: expected minimum item count: 1, found: 0"),
    (body(messages=["hi"]), "#/messages/0: expected type: JSONObject, found: String"),
    (body(messages=[{**USER, "content": "hi"}]), "#/messages/0/content: expected type: JSONArray, found: String"),
    (body(messages=[{**USER, "content": []}]), "#/messages/0/content: expected minimum item count: 1, found: 0"),
    (body(messages=[{**USER, "content": ["hi"]}]), "#/messages/0/content/0: expected type: JSONObject, found: String"),
    (body(messages=[{**USER, "content": [{}]}]), "#/messages/0/content/0: required key [text] not found"),
    (
        body(messages=[{**USER, "content": [{"text": "a", "type": "text"}]}]),
        "#/messages/0/content/0: extraneous key [type] is not permitted",
    ),
    (body(messages=[{**USER, "role": "system"}]), "#/messages/0/role: system is not a valid enum value"),
    (body(messages=[USER, USER]), "#/messages/1: roles must alternate between user and assistant"),
    (body(messages=[ASSISTANT, USER]), "#/messages/0: the first message must use the user role"),
    (body(system="Be short."), "#/system: expected type: JSONArray, found: String"),
    (body(system=[{"text": ""}]), "#/system/0/text: expected minLength: 1, actual: 0"),
    (body(toolConfig={}), "#/toolConfig: required key [tools] not found"),
    (body(toolConfig={"tools": [{"toolSpec": {"name": "a"}}]}), "#/toolConfig/tools/0/toolSpec: required key"),
    (body(toolConfig={"tools": [TOOL], "toolChoice": {}}), "#/toolConfig/toolChoice: expected exactly one of auto"),
    (body(messages=[USER, USE, USER], toolConfig={"tools": [TOOL]}), "#/messages/2: the tool use t1 of the turn"),
    (body(messages=[USER, USE, RESULT]), "#: tools must be given where messages use tools"),
    (body(messages=[USER, USE], toolConfig={"tools": [TOOL]}), "#/messages: the last message uses a tool"),
    (
        body(messages=[{"role": "user", "content": [document(bytes="%%")]}]),
        "#/messages/0/content/0/document/source/bytes: expected Base64",
    ),
    (
        body(messages=[{"role": "user", "content": [document(s3Location={})]}]),
        "#/messages/0/content/0/document/source/s3Location: not supported",
    ),
    (body(max_tokens=5), "#: extraneous key [max_tokens] is not permitted"),
    (config(maxTokens=0), "#/inferenceConfig/maxTokens: 0 is not greater or equal to 1"),
    (config(maxTokens=5, max_new_tokens=5), "#/inferenceConfig: maxTokens and max_new_tokens are the same"),
    (config(temperature=1.1), "#/inferenceConfig/temperature: 1.1 is not less or equal to 1"),
    (config(topK=129), "#/inferenceConfig/topK: 129 is not less or equal to 128"),
    (config(stopSequences=[1]), "#/inferenceConfig/stopSequences/0: expected type: String, found: Integer"),
    (config(reasoningConfig={}), "#/inferenceConfig/reasoningConfig: not supported by this model yet"),
    (config(top_k=5, seed=1), "#/inferenceConfig: extraneous key [seed] is not permitted"),
]


@pytest.mark.parametrize(("refused", "violation"), REFUSED, ids=[text for _, text in REFUSED])
def test_a_violation_is_named_in_awss_words(refused: dict[str, Any], violation: str):
    with pytest.raises(ValidationFailed) as raised:
        NovaMessages().decode(refused)
    assert str(raised.value).startswith(f"Malformed input request: {violation}")


@pytest.mark.parametrize("kind", [*NOT_TAKEN, "toolUse"])
def test_a_block_that_is_no_text_is_refused_by_name(kind: str):
    with pytest.raises(ValidationFailed, match=f"#/messages/0/content/0/{kind}: not supported by this model yet"):
        NovaMessages().decode(body(messages=[{"role": "user", "content": [{kind: {}}]}]))


def test_a_last_message_of_the_assistant_begins_the_answer():
    read = NovaMessages().decode(body(messages=[USER, ASSISTANT]))
    assert read.conversation.messages[-1].text == "hello"


def test_a_document_is_enclosed_with_its_bytes():
    asked = [{"role": "user", "content": [document(bytes="JVBERg=="), {"text": "sum up"}]}]
    (message,) = NovaMessages().decode(body(messages=asked)).conversation.messages
    (enclosed,) = message.enclosed
    assert (enclosed.name, enclosed.format, enclosed.content, message.text) == ("a", "pdf", b"%PDF", "sum up")


@pytest.mark.parametrize(
    ("choice", "forced"), [({"auto": {}}, ()), ({"any": {}}, ("get",)), ({"tool": {"name": "get"}}, ("get",))]
)
def test_a_tool_choice_says_which_tools_are_forced(choice: dict[str, Any], forced: tuple[str, ...]):
    read = NovaMessages().decode(body(toolConfig={"tools": [TOOL], "toolChoice": choice}))
    assert read.forced_tools == forced
    assert [tool.name for tool in read.conversation.tools] == ["get"]
