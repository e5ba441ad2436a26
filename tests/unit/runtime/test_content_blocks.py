"""Turns with tools follow each other as Bedrock asks; every other kind of block is refused by its name."""

from typing import Any

import pytest

from tanren.domain.conversation import Message, Role, Tool, ToolResult, ToolUse
from tanren.domain.errors import NotImplementedHere, ValidationFailed
from tanren.runtime.content_blocks import read_conversation

TOOLS = (Tool(name="get", input_schema={"type": "object"}),)
USER = {"role": "user", "content": [{"text": "hi"}]}
USE = {"toolUse": {"toolUseId": "t1", "name": "get", "input": {"a": 1}}}
CALLED = {"role": "assistant", "content": [{"text": "I look."}, USE]}


def result(id: str = "t1", **more: Any) -> dict[str, Any]:
    members = {"toolUseId": id, "content": [{"json": {"b": "é"}}, {"text": "two"}], **more}
    return {"role": "user", "content": [{"toolResult": members}, {"text": "and?"}]}


def test_uses_and_results_are_read_with_the_text_beside_them():
    read = read_conversation({"messages": [USER, CALLED, result(status="error")]}, TOOLS)
    assert read.tools == TOOLS
    assert read.messages[1:] == (
        Message(role=Role.ASSISTANT, text="I look.", tool_uses=(ToolUse(id="t1", name="get", input={"a": 1}),)),
        Message(
            role=Role.USER,
            text="and?",
            tool_results=(ToolResult(tool_use_id="t1", text='{"b": "é"}\ntwo', is_error=True),),
        ),
    )


REFUSED: list[tuple[list[dict[str, Any]], str]] = [
    ([USER, CALLED, USER], "Expected toolResult blocks at messages.2.content for the following Ids: t1"),
    ([USER, CALLED, result("t2")], "Expected toolResult blocks at messages.2.content for the following Ids: t1"),
    ([result()], "The number of toolResult blocks at messages.0.content exceeds the number of toolUse blocks of previ"),
    (
        [USER, {"role": "assistant", "content": [{"text": "a"}]}, result()],
        "The number of toolResult blocks at messages.2.content exceeds the number of toolUse blocks of previous turn.",
    ),
    ([USER, CALLED], "Expected toolResult blocks at messages.2.content for the following Ids: t1"),
    ([USER, CALLED, result("x y")], "The value at messages.2.content.0.toolResult.toolUseId must match the pattern"),
    ([USER, CALLED, result(status="odd")], "The status 'odd' at messages.2.content.0.toolResult.status must be one of"),
    (
        [USER, {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "get", "input": [1]}}]}],
        "The value at messages.1.content.0.toolUse.input must be a JSON object.",
    ),
    (
        [USER, CALLED, result(content=[{"json": {"a": "\ud800"}}])],
        "The text at messages.2.content.0.toolResult.content.0 holds half of a surrogate pair",
    ),
]


@pytest.mark.parametrize(("messages", "text"), REFUSED)
def test_turns_that_do_not_follow_each_other_are_refused_in_awss_words(messages: list[dict[str, Any]], text: str):
    with pytest.raises(ValidationFailed) as raised:
        read_conversation({"messages": messages}, TOOLS)
    assert str(raised.value).startswith(text)


def test_uses_without_tools_are_refused():
    with pytest.raises(
        ValidationFailed, match="The toolConfig field must be defined when using toolUse and toolResult"
    ):
        read_conversation({"messages": [USER, CALLED, result()]})


@pytest.mark.parametrize(
    "kind", ["image", "video", "audio", "guardContent", "cachePoint", "reasoningContent", "toolUse"]
)
def test_a_block_that_a_text_model_does_not_take_is_refused_by_name(kind: str):
    message = {"role": "user", "content": [{"text": "a"}, {kind: {}}]}
    with pytest.raises(
        NotImplementedHere, match=rf"doesn't support the {kind} content block at messages\.0\.content\.1"
    ):
        read_conversation({"messages": [message]}, TOOLS)


def test_a_result_with_an_image_is_refused_by_name():
    with pytest.raises(
        NotImplementedHere, match=r"the image content block at messages\.2\.content\.0\.toolResult\.cont"
    ):
        read_conversation({"messages": [USER, CALLED, result(content=[{"image": {}}])]}, TOOLS)
