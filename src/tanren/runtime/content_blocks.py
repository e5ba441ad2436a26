"""Converse's messages and content blocks → the turns of a conversation.

A block that a text model cannot take is refused by its name, as Bedrock refuses it; none is ignored. Blocks of text
are joined; tool results, documents, text and tool uses keep their kinds, and lose their order among kinds, which is
the order in which a model reads them (`domain/conversation.py`).

Source   botocore service model `bedrock-runtime/2023-09-30`; texts of refusals as Bedrock words them (fact sheet §5.4).
"""

import json
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final, cast

from tanren.domain.conversation import Conversation, Message, Role, Tool, ToolResult, ToolUse
from tanren.domain.documents import AttachedDocument, EnclosedDocument
from tanren.domain.errors import NotImplementedHere, ValidationFailed
from tanren.runtime.document_blocks import read_document_block, refuse_name

Members = Mapping[str, Any]
"""Members of a shape by name, as parsed from the request."""

BLOCK_SEPARATOR: Final = "\n"
"""Between the text blocks of one message."""

_TOOL_USE_ID: Final = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_NAMES_OF: Final = {Role.USER: ("text", "document", "toolResult"), Role.ASSISTANT: ("text", "toolUse")}


def read_conversation(params: Members, tools: tuple[Tool, ...] = ()) -> Conversation:
    """The turns of `messages` and `system`; documents are still to be read.

    Raises   ValidationFailed where they do not alternate, say nothing, or answer no tool use; NotImplementedHere for a
             kind of block that a text model does not take.
    """
    system = [
        _system_text(block, f"system.{index}", "SystemContentBlock")
        for index, block in enumerate(params.get("system") or ())
    ]
    given = params.get("messages") or ()
    messages = tuple(_read_message(message, index) for index, message in enumerate(given))
    refuse_turns(messages, tools)
    names: set[str] = set()
    for document in (each for message in messages for each in (*message.documents, *message.enclosed)):
        refuse_name(document.name, names)
        names.add(document.name)
    return Conversation(system=BLOCK_SEPARATOR.join(system) or None, messages=messages, tools=tools)


def refuse_turns(messages: tuple[Message, ...], tools: tuple[Tool, ...]) -> None:
    """Raises   ValidationFailed, in AWS's words, where turns do not follow each other as they must."""
    if not messages or messages[0].role is not Role.USER:
        raise ValidationFailed(
            "A conversation must start with a user message. Try again with a conversation that starts with a user "
            "message."
        )
    for index, (before, after) in enumerate(pairwise(messages)):
        if before.role is after.role:
            raise ValidationFailed(
                "A conversation must alternate between user and assistant roles. Make sure the conversation alternates "
                "between user and assistant roles and try again."
            )
        _match_results(before, after, f"messages.{index + 1}.content")
    if messages[0].tool_results:
        raise ValidationFailed(
            "The number of toolResult blocks at messages.0.content exceeds the number of toolUse blocks of previous "
            "turn."
        )
    if messages[-1].tool_uses:
        raise ValidationFailed(
            f"Expected toolResult blocks at messages.{len(messages)}.content for the following Ids: "
            f"{', '.join(use.id for use in messages[-1].tool_uses)}"
        )
    if messages[-1].role is Role.ASSISTANT and messages[-1].text != messages[-1].text.rstrip():
        raise ValidationFailed(
            "The final assistant message cannot end with trailing whitespace: the model goes on right behind it."
        )
    if not tools and any(message.tool_uses or message.tool_results for message in messages):
        raise ValidationFailed("The toolConfig field must be defined when using toolUse and toolResult content blocks.")


def _match_results(before: Message, after: Message, place: str) -> None:
    if after.role is not Role.USER:
        return
    used = [use.id for use in before.tool_uses]
    given = [result.tool_use_id for result in after.tool_results]
    missing = [each for each in used if each not in given]
    if missing:
        raise ValidationFailed(f"Expected toolResult blocks at {place} for the following Ids: {', '.join(missing)}")
    if len(given) > len(used):
        raise ValidationFailed(
            f"The number of toolResult blocks at {place} exceeds the number of toolUse blocks of previous turn."
        )


def _read_message(message: Members, index: int) -> Message:
    role = message.get("role")
    if role not in ("user", "assistant"):
        raise ValidationFailed(f"The role '{role}' at messages.{index}.role is not valid; expected user or assistant.")
    blocks = message.get("content") or ()
    if not blocks:
        raise ValidationFailed(
            f"The content field in the Message object at messages.{index} is empty. Add a ContentBlock object to the "
            "content field and try again."
        )
    texts: list[str] = []
    uses: list[ToolUse] = []
    results: list[ToolResult] = []
    documents: list[AttachedDocument | EnclosedDocument] = []
    for number, block in enumerate(blocks):
        place = f"messages.{index}.content.{number}"
        match _kind(block, place, "ContentBlock", _NAMES_OF[Role(role)]):
            case "toolUse":
                uses.append(_tool_use(block["toolUse"], f"{place}.toolUse"))
            case "toolResult":
                results.append(_tool_result(block["toolResult"], f"{place}.toolResult"))
            case "document":
                documents.append(read_document_block(block["document"], f"{place}.document"))
            case _:
                texts.append(_text(block, place, "ContentBlock"))
    return Message(
        role=Role(role),
        text=BLOCK_SEPARATOR.join(texts),
        tool_uses=tuple(uses),
        tool_results=tuple(results),
        documents=tuple(each for each in documents if isinstance(each, AttachedDocument)),
        enclosed=tuple(each for each in documents if isinstance(each, EnclosedDocument)),
    )


def _tool_use(members: Members, place: str) -> ToolUse:
    given = members.get("input")
    if not isinstance(given, Mapping):
        raise ValidationFailed(f"The value at {place}.input must be a JSON object.")
    refuse_broken_text(json.dumps(given, ensure_ascii=False), f"{place}.input")
    return ToolUse(
        id=_tool_use_id(members, place), name=str(members.get("name", "")), input=cast("dict[str, Any]", given)
    )


def _tool_result(members: Members, place: str) -> ToolResult:
    status = members.get("status") or "success"
    if status not in ("success", "error"):
        raise ValidationFailed(f"The status '{status}' at {place}.status must be one of success, error.")
    texts: list[str] = []
    for index, block in enumerate(members.get("content") or ()):
        block_place = f"{place}.content.{index}"
        is_json = _kind(block, block_place, "ToolResultContentBlock", ("text", "json")) == "json"
        text = json.dumps(block["json"], ensure_ascii=False) if is_json else block["text"]
        refuse_broken_text(text, block_place)
        texts.append(text)
    return ToolResult(
        tool_use_id=_tool_use_id(members, place), text=BLOCK_SEPARATOR.join(texts), is_error=status == "error"
    )


def _tool_use_id(members: Members, place: str) -> str:
    value = members.get("toolUseId")
    if not isinstance(value, str) or not _TOOL_USE_ID.fullmatch(value):
        raise ValidationFailed(
            f"The value at {place}.toolUseId must match the pattern [a-zA-Z0-9_.:-]+ and have at most 64 characters."
        )
    return value


def _kind(block: Members, place: str, shape: str, taken: tuple[str, ...]) -> str:
    for kind in block:
        if kind not in taken:
            raise NotImplementedHere(
                f"This model doesn't support the {kind} content block at {place}. Remove it and try again."
            )
    if len(block) != 1:
        raise ValidationFailed(f"The {shape} object at {place} must set one of the following keys: {', '.join(taken)}.")
    return next(iter(block))


def _system_text(block: Members, place: str, shape: str) -> str:
    _kind(block, place, shape, ("text",))
    return _text(block, place, shape)


def _text(block: Members, place: str, shape: str) -> str:
    text = block.get("text")
    if not isinstance(text, str):
        raise ValidationFailed(f"The {shape} object at {place} must set one of the following keys: text.")
    if not text.strip():
        raise ValidationFailed(
            f"The text field in the {shape} object at {place} is blank. Add text to the text field, and try again."
        )
    refuse_broken_text(text, place)
    return text


def refuse_broken_text(text: str, place: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValidationFailed(
            f"The text at {place} holds half of a surrogate pair, which is not a character."
        ) from error
