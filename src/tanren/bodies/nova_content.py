"""Turns, content blocks and tools of Nova's messages, read into a conversation.

Source   https://docs.aws.amazon.com/nova/latest/userguide/complete-request-schema.html. In this body, unlike in
         Converse, a document's bytes are a Base64 string.
"""

import base64
import binascii
import json
from typing import Any, Final, cast

from tanren.bodies.base import Json
from tanren.bodies.schema_violations import Members, Violations, is_unicode, type_name
from tanren.bodies.tool_turns import check_tool_turns
from tanren.domain.conversation import Message, Role, Tool, ToolResult, ToolUse
from tanren.domain.documents import DocumentFormat, EnclosedDocument

BLOCK_SEPARATOR: Final = "\n"
"""Between the text blocks of one message."""

NOT_TAKEN: Final = ("image", "video", "audio", "reasoningContent", "cachePoint")
TAKEN: Final = {Role.USER: ("text", "document", "toolResult"), Role.ASSISTANT: ("text", "toolUse")}
OTHERS: Final = ("text", "document", "toolResult", "toolUse")


def read_system(members: Members, violations: Violations) -> str | None:
    texts = [_read_text(pointer, block, violations) for pointer, block in members.items("system")]
    return BLOCK_SEPARATOR.join(text for text in texts if text) or None


def read_messages(members: Members, tools: tuple[Tool, ...], violations: Violations) -> tuple[Message, ...]:
    """The turns, alternating, the user's first. Violations are recorded where they are not."""
    messages: list[Message] = []
    for pointer, item in members.items("messages", min_items=1, is_required=True):
        if not isinstance(item, dict):
            violations.add(pointer, f"expected type: JSONObject, found: {type_name(item)}")
            continue
        message = Members(cast("Json", item), violations, pointer)
        role = message.text("role", is_required=True, one_of=("user", "assistant"))
        given = message.items("content", min_items=1, is_required=True)
        message.refuse_others()
        if role is None:
            continue
        blocks = [_read_block(place, block, Role(role), violations) for place, block in given]
        if messages and messages[-1].role == role:
            violations.add(pointer, "roles must alternate between user and assistant")
        messages.append(
            Message(
                role=Role(role),
                text=BLOCK_SEPARATOR.join(block for block in blocks if isinstance(block, str)),
                tool_uses=tuple(block for block in blocks if isinstance(block, ToolUse)),
                tool_results=tuple(block for block in blocks if isinstance(block, ToolResult)),
                enclosed=tuple(block for block in blocks if isinstance(block, EnclosedDocument)),
            )
        )
    if messages and messages[0].role is not Role.USER:
        violations.add("#/messages/0", "the first message must use the user role")
    check_tool_turns(tuple(messages), tools, violations)
    return tuple(messages)


def read_tools(members: Members, violations: Violations) -> tuple[tuple[Tool, ...], tuple[str, ...]]:
    """The tools, and the names of those of which one must be called."""
    config = members.nested("toolConfig")
    if config is None:
        return (), ()
    tools: list[Tool] = []
    for pointer, item in config.items("tools", min_items=1, is_required=True):
        if not isinstance(item, dict):
            violations.add(pointer, f"expected type: JSONObject, found: {type_name(item)}")
            continue
        holder = Members(cast("Json", item), violations, pointer)
        spec = holder.nested("toolSpec")
        holder.refuse("systemTool", "cachePoint")
        holder.refuse_others()
        if spec is None:
            continue
        name, description = spec.text("name", is_required=True, min_length=1), spec.text("description", min_length=1)
        schema_holder = spec.nested("inputSchema")
        schema = None if schema_holder is None else schema_holder.nested("json")
        spec.refuse_others()
        if schema is None:
            violations.add(spec.pointer, "required key [inputSchema.json] not found")
        elif name is not None:
            tools.append(Tool(name=name, description=description, input_schema=schema.whole()))
    choice = config.nested("toolChoice")
    config.refuse_others()
    return tuple(tools), () if choice is None else _forced(choice, tools, violations)


def _forced(choice: Members, tools: list[Tool], violations: Violations) -> tuple[str, ...]:
    kinds = [kind for kind in ("auto", "any", "tool") if choice.has(kind)]
    chosen = {kind: choice.nested(kind) for kind in kinds}
    choice.refuse_others()
    if len(kinds) != 1:
        violations.add(choice.pointer, "expected exactly one of auto, any, tool")
        return ()
    if kinds[0] == "any":
        return tuple(tool.name for tool in tools)
    named = chosen.get("tool")
    name = None if named is None else named.text("name", is_required=True, min_length=1)
    return () if name is None else (name,)


def _read_block(
    pointer: str, value: object, role: Role, violations: Violations
) -> str | ToolUse | ToolResult | EnclosedDocument | None:
    if not isinstance(value, dict):
        violations.add(pointer, f"expected type: JSONObject, found: {type_name(value)}")
        return None
    block = Members(cast("Json", value), violations, pointer)
    block.refuse(*NOT_TAKEN, *(kind for kind in OTHERS if kind not in TAKEN[role]))
    for kind, read in (("toolUse", _tool_use), ("toolResult", _tool_result), ("document", _document)):
        if kind in TAKEN[role] and (nested := block.nested(kind)) is not None:
            block.refuse_others()
            return read(nested, violations)
    is_other = any(block.has(kind) for kind in (*NOT_TAKEN, *OTHERS) if kind != "text")
    text = block.text("text", is_required=not is_other, min_length=1)
    block.refuse_others()
    return text


def _read_text(pointer: str, value: object, violations: Violations) -> str | None:
    if not isinstance(value, dict):
        violations.add(pointer, f"expected type: JSONObject, found: {type_name(value)}")
        return None
    block = Members(cast("Json", value), violations, pointer)
    block.refuse(*NOT_TAKEN)
    text = block.text("text", is_required=not block.has("cachePoint"), min_length=1)
    block.refuse_others()
    return text


def _tool_use(members: Members, violations: Violations) -> ToolUse | None:
    id = members.text("toolUseId", is_required=True, min_length=1)
    name = members.text("name", is_required=True, min_length=1)
    given = members.nested("input")
    members.refuse_others()
    if id is None or name is None or given is None:
        return None
    if not is_unicode(json.dumps(given.whole(), ensure_ascii=False)):
        violations.add(given.pointer, "half of a surrogate pair is not a character")
        return None
    return ToolUse(id=id, name=name, input=given.whole())


def _tool_result(members: Members, violations: Violations) -> ToolResult | None:
    id = members.text("toolUseId", is_required=True, min_length=1)
    status = members.text("status", one_of=("success", "error"))
    texts: list[str] = []
    for pointer, item in members.items("content"):
        if not isinstance(item, dict):
            violations.add(pointer, f"expected type: JSONObject, found: {type_name(item)}")
            continue
        block = Members(cast("Json", item), violations, pointer)
        block.refuse("image", "document", "video")
        given: Any = block.take("json") if block.has("json") else None
        text = block.text("text", is_required=given is None)
        block.refuse_others()
        texts += [text] if text is not None else [json.dumps(given, ensure_ascii=False)]
    members.refuse_others()
    if not is_unicode("".join(texts)):
        violations.add(f"{members.pointer}/content", "half of a surrogate pair is not a character")
    if id is None:
        return None
    return ToolResult(tool_use_id=id, text=BLOCK_SEPARATOR.join(texts), is_error=status == "error")


def _document(members: Members, violations: Violations) -> EnclosedDocument | None:
    known = tuple(each.value for each in DocumentFormat)
    document_format = members.text("format", is_required=True, one_of=known)
    name = members.text("name", is_required=True, min_length=1)
    source = members.nested("source")
    members.refuse_others()
    if source is None:
        violations.add(members.pointer, "required key [source] not found")
        return None
    if source.has("s3Location"):
        source.refuse("s3Location")
        return None
    data = source.text("bytes", is_required=True, min_length=1)
    source.refuse_others()
    if document_format is None or name is None or data is None:
        return None
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        violations.add(f"{source.pointer}/bytes", "expected Base64")
        return None
    return EnclosedDocument(name=name, format=DocumentFormat(document_format), content=content)
