"""A conversation crosses a socket and comes back the same; a plain one is written as it always was."""

import json

import pytest

from tanren.domain.conversation import Conversation, Message, Role, Tool, ToolResult, ToolUse, user_turn
from tanren.domain.documents import AttachedDocument, DocumentFormat, EnclosedDocument

WITH_ALL = Conversation(
    system="Be brief.",
    messages=(
        Message(role=Role.USER, text="Weather?", documents=(AttachedDocument(name="towns", text="Rome"),)),
        Message(role=Role.ASSISTANT, text="", tool_uses=(ToolUse(id="t1", name="get", input={"city": "Rome"}),)),
        Message(role=Role.USER, text="and?", tool_results=(ToolResult(tool_use_id="t1", text="cold", is_error=True),)),
    ),
    tools=(Tool(name="get", description=None, input_schema={"type": "object"}),),
)


def test_a_conversation_comes_back_from_json_as_it_went():
    assert Conversation.from_json(json.loads(json.dumps(WITH_ALL.to_json()))) == WITH_ALL


def test_a_plain_conversation_has_the_json_that_digests_of_training_data_are_made_of():
    assert user_turn("hi", system="s").to_json() == {"system": "s", "messages": [{"role": "user", "text": "hi"}]}


def test_a_document_that_is_not_read_goes_nowhere():
    enclosed = EnclosedDocument(name="a", format=DocumentFormat.PDF, content=b"")
    with pytest.raises(AssertionError, match="documents are read before"):
        Message(role=Role.USER, text="", enclosed=(enclosed,)).to_json()
