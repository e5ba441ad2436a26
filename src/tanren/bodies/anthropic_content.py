"""Turns, content blocks and tools of Anthropic's Messages, read into a conversation.

Neighbouring messages of one role are one turn. Blocks of text, documents, tool uses and tool results are taken; images,
extended thinking, citations and cache marks are refused by name.

Source   https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
         and Anthropic's Messages API.
"""

import base64
import binascii
import json
from typing import Any, Final, cast

from tanren.bodies.base import Json
from tanren.bodies.schema_violations import NOT_SUPPORTED, Members, Violations, is_unicode, type_name
from tanren.bodies.tool_turns import check_tool_turns
from tanren.domain.conversation import Message, Role, Tool, ToolResult, ToolUse
from tanren.domain.documents import AttachedDocument, DocumentFormat, EnclosedDocument

BLOCK_SEPARATOR: Final = "\n"
"""Between the text blocks of one turn."""

MEDIA_TYPES: Final = {"application/pdf": DocumentFormat.PDF}

TAKEN: Final = {Role.USER: ("text", "document", "tool_result"), Role.ASSISTANT: ("text", "tool_use")}


def read_messages(members: Members, tools: tuple[Tool, ...], violations: Violations) -> tuple[Message, ...]:
    """The turns. Violations are recorded where the rules of turns are broken."""
    turns: list[Message] = []
    for pointer, item in members.items("messages", min_items=1, is_required=True):
        if not isinstance(item, dict):
            violations.add(pointer, f"expected type: JSONObject, found: {type_name(item)}")
            continue
        message = Members(cast("Json", item), violations, pointer)
        role = message.text("role", is_required=True, one_of=("user", "assistant"))
        turn = None if role is None else _read_content(message, Role(role), violations, len(turns))
        if role is None:
            message.take("content", is_required=True)
        message.refuse_others()
        if turn is None:
            continue
        turns.append(_joined(turns.pop(), turn) if turns and turns[-1].role is turn.role else turn)
    if turns and turns[0].role is not Role.USER:
        violations.add("#/messages/0", "the first message must use the user role")
    messages = tuple(turns)
    check_tool_turns(messages, tools, violations)
    return messages


def read_tools(members: Members, violations: Violations) -> tuple[tuple[Tool, ...], tuple[str, ...]]:
    """The tools, and the names of those of which one must be called."""
    tools: list[Tool] = []
    for pointer, item in members.items("tools"):
        if not isinstance(item, dict):
            violations.add(pointer, f"expected type: JSONObject, found: {type_name(item)}")
            continue
        tool = Members(cast("Json", item), violations, pointer)
        if (tool.text("type") or "custom") != "custom":
            violations.add(f"{pointer}/type", f"tools that Anthropic runs are {NOT_SUPPORTED}")
        name = tool.text("name", is_required=True, min_length=1)
        description = tool.text("description")
        schema = tool.take("input_schema", is_required=True)
        if schema is not None and not isinstance(schema, dict):
            violations.add(f"{pointer}/input_schema", f"expected type: JSONObject, found: {type_name(schema)}")
            schema = None
        tool.refuse("cache_control", "defer_loading", "allowed_callers", "input_examples")
        tool.boolean("strict")  # here inputs always satisfy their schema
        tool.refuse_others()
        if name is not None and schema is not None:
            tools.append(Tool(name=name, description=description, input_schema=cast("Json", schema)))
    return tuple(tools), _forced(members, tools, violations)


def read_text(members: Members, name: str, violations: Violations) -> str | None:
    """A string, or the texts of text blocks joined; None, with violations recorded, where it is neither."""
    pointer = f"{members.pointer}/{name}"
    value: Any = members.take(name, is_required=True)
    if value is None:
        return None
    if isinstance(value, str):
        return members.text(name, min_length=0 if name == "system" else 1)
    if not isinstance(value, list):
        violations.add(pointer, f"expected type: String or JSONArray, found: {type_name(value)}")
        return None
    texts = [_read_text_block(place, block, violations) for place, block in members.items(name, min_items=1)]
    return None if None in texts else BLOCK_SEPARATOR.join(text for text in texts if text is not None)


def _forced(members: Members, tools: list[Tool], violations: Violations) -> tuple[str, ...]:
    choice = members.nested("tool_choice")
    if choice is None:
        return ()
    kind = choice.text("type", is_required=True, one_of=("auto", "any", "tool", "none"))
    name = choice.text("name", is_required=kind == "tool") if kind == "tool" else None
    is_single = choice.boolean("disable_parallel_tool_use")
    choice.refuse_others()
    if not tools:
        violations.add(choice.pointer, "tool_choice may only be given where tools are")
    if kind == "none":
        violations.add(f"{choice.pointer}/type", f"none is {NOT_SUPPORTED}; leave the tools out")
    if is_single and kind == "auto":
        violations.add(f"{choice.pointer}/disable_parallel_tool_use", f"with auto it is {NOT_SUPPORTED}")
    if kind == "any":
        return tuple(tool.name for tool in tools)
    return (name,) if name is not None else ()


def _read_content(message: Members, role: Role, violations: Violations, number: int) -> Message | None:
    """The turn of one message; None, with violations recorded, where a block of it cannot be taken."""
    if not message.has("content") or not isinstance(message.take("content"), list):
        text = read_text(message, "content", violations)
        return None if text is None else Message(role=role, text=text)
    blocks = [
        _read_block(pointer, block, role, violations, number)
        for pointer, block in message.items("content", min_items=1)
    ]
    kept = [block for block in blocks if block is not None]
    if len(kept) < len(blocks) or not kept:
        return None
    return Message(
        role=role,
        text=BLOCK_SEPARATOR.join(block for block in kept if isinstance(block, str)),
        tool_uses=tuple(block for block in kept if isinstance(block, ToolUse)),
        tool_results=tuple(block for block in kept if isinstance(block, ToolResult)),
        documents=tuple(block for block in kept if isinstance(block, AttachedDocument)),
        enclosed=tuple(block for block in kept if isinstance(block, EnclosedDocument)),
    )


def _read_block(
    pointer: str, value: object, role: Role, violations: Violations, number: int
) -> str | ToolUse | ToolResult | AttachedDocument | EnclosedDocument | None:
    if not isinstance(value, dict):
        violations.add(pointer, f"expected type: JSONObject, found: {type_name(value)}")
        return None
    block = Members(cast("Json", value), violations, pointer)
    kind = block.text("type", is_required=True)
    if kind is not None and kind not in TAKEN[role]:
        violations.add(pointer, f"content blocks of type {kind} are {NOT_SUPPORTED}")
        return None
    match kind:
        case "tool_use":
            return _tool_use(block, violations)
        case "tool_result":
            return _tool_result(block, violations)
        case "document":
            return _document(block, violations, f"document {number + 1}-{int(pointer.rpartition('/')[2]) + 1}")
        case _:
            return _text_of(block)


def _read_text_block(pointer: str, value: object, violations: Violations) -> str | None:
    if not isinstance(value, dict):
        violations.add(pointer, f"expected type: JSONObject, found: {type_name(value)}")
        return None
    block = Members(cast("Json", value), violations, pointer)
    kind = block.text("type", is_required=True)
    if kind is not None and kind != "text":
        violations.add(pointer, f"content blocks of type {kind} are {NOT_SUPPORTED}")
        return None
    return _text_of(block)


def _text_of(block: Members) -> str | None:
    text = block.text("text", is_required=True, min_length=1)
    block.refuse("cache_control", "citations")
    block.refuse_others()
    return text


def _tool_use(block: Members, violations: Violations) -> ToolUse | None:
    id, name = block.text("id", is_required=True, min_length=1), block.text("name", is_required=True, min_length=1)
    given = block.take("input", is_required=True)
    block.refuse("cache_control")
    block.refuse_others()
    if not isinstance(given, dict):
        violations.add(f"{block.pointer}/input", f"expected type: JSONObject, found: {type_name(given)}")
        return None
    if not is_unicode(json.dumps(given, ensure_ascii=False)):
        violations.add(f"{block.pointer}/input", "half of a surrogate pair is not a character")
        return None
    return None if id is None or name is None else ToolUse(id=id, name=name, input=cast("Json", given))


def _tool_result(block: Members, violations: Violations) -> ToolResult | None:
    id = block.text("tool_use_id", is_required=True, min_length=1)
    is_error = block.boolean("is_error")
    content = block.take("content") if block.has("content") else ""
    text = content if content == "" else read_text(block, "content", violations)
    block.refuse("cache_control")
    block.refuse_others()
    return None if id is None or text is None else ToolResult(tool_use_id=id, text=text, is_error=bool(is_error))


def _document(block: Members, violations: Violations, unnamed: str) -> AttachedDocument | EnclosedDocument | None:
    name = block.text("title", min_length=1) or unnamed
    source = block.nested("source")
    block.refuse("cache_control", "context")
    citations = block.nested("citations")
    if citations is not None and citations.boolean("enabled"):
        violations.add(f"{block.pointer}/citations", NOT_SUPPORTED)
    block.refuse_others()
    if source is None:
        violations.add(block.pointer, "required key [source] not found")
        return None
    kind = source.text("type", is_required=True)
    match kind:
        case "base64":
            media_type = source.text("media_type", is_required=True, one_of=tuple(MEDIA_TYPES))
            data = source.text("data", is_required=True, min_length=1)
            source.refuse_others()
            content = None if data is None else _decoded(data, f"{source.pointer}/data", violations)
            if content is None or media_type is None:
                return None
            return EnclosedDocument(name=name, format=MEDIA_TYPES[media_type], content=content)
        case "text":
            source.text("media_type", is_required=True, one_of=("text/plain",))
            text = source.text("data", is_required=True, min_length=1)
        case "content":
            text = read_text(source, "content", violations)
        case _:
            source.whole()
            violations.add(f"{source.pointer}/type", f"a source of type {kind} is {NOT_SUPPORTED}")
            return None
    source.refuse_others()
    return None if text is None else AttachedDocument(name=name, text=text)


def _decoded(data: str, pointer: str, violations: Violations) -> bytes | None:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        violations.add(pointer, "expected Base64")
        return None


def _joined(before: Message, after: Message) -> Message:
    """Two messages of one role as one turn."""
    return Message(
        role=before.role,
        text=BLOCK_SEPARATOR.join(text for text in (before.text, after.text) if text),
        tool_uses=before.tool_uses + after.tool_uses,
        tool_results=before.tool_results + after.tool_results,
        documents=before.documents + after.documents,
        enclosed=before.enclosed + after.enclosed,
    )
