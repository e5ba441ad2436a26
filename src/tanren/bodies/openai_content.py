"""Messages, tools and response formats of OpenAI's chat completions, and of those that are spelt alike (Mistral's).

Messages of the roles system and developer are the system prompt, wherever they stand; results (role tool) belong to the
user's turn; neighbours of one role are one turn.
"""

import json
from typing import Any, Final, cast

from tanren.bodies.base import Json
from tanren.bodies.schema_violations import NOT_SUPPORTED, Members, Violations, is_unicode, type_name
from tanren.bodies.tool_turns import check_tool_turns
from tanren.domain.conversation import Message, Role, Tool, ToolResult, ToolUse

SEPARATOR: Final = "\n"
"""Between texts of one turn."""

ROLES: Final = ("system", "developer", "user", "assistant", "tool")


def read_messages(
    members: Members, tools: tuple[Tool, ...], violations: Violations
) -> tuple[str | None, tuple[Message, ...]]:
    """The system prompt, and the turns."""
    system: list[str] = []
    turns: list[Message] = []
    for pointer, item in members.items("messages", min_items=1, is_required=True):
        if not isinstance(item, dict):
            violations.add(pointer, f"expected type: JSONObject, found: {type_name(item)}")
            continue
        message = Members(cast("Json", item), violations, pointer)
        role = message.text("role", is_required=True, one_of=ROLES)
        uses = _read_calls(message, violations) if role == "assistant" else ()
        text = _read_text(message, violations, is_required=not (role == "assistant" and message.has("tool_calls")))
        call_id = message.text("tool_call_id", is_required=True, min_length=1) if role == "tool" else None
        message.refuse("name", "refusal", "audio", "function_call")
        message.refuse_others()
        if role is None or text is None:
            continue
        if role in ("system", "developer"):
            system.append(text)
            continue
        if role == "tool":
            results = (ToolResult(tool_use_id=call_id or "", text=text),)
            turn = Message(role=Role.USER, text="", tool_results=results)
        else:
            turn = Message(role=Role(role), text=text, tool_uses=uses)
        turns.append(_joined(turns.pop(), turn) if turns and turns[-1].role is turn.role else turn)
    if turns and turns[0].role is not Role.USER:
        violations.add("#/messages", "the first message beside the system's must use the user role")
    if not turns:
        violations.add("#/messages", "a message of the user is missing")
    check_tool_turns(tuple(turns), tools, violations)
    return SEPARATOR.join(system) or None, tuple(turns)


def read_tools(
    members: Members, violations: Violations, *, any_tool: str = "required"
) -> tuple[tuple[Tool, ...], tuple[str, ...]]:
    """The tools, and the names of those of which one must be called. `any_tool`: the format's word for any of them."""
    tools: list[Tool] = []
    for pointer, item in members.items("tools"):
        if not isinstance(item, dict):
            violations.add(pointer, f"expected type: JSONObject, found: {type_name(item)}")
            continue
        holder = Members(cast("Json", item), violations, pointer)
        holder.text("type", is_required=True, one_of=("function",))
        function = holder.nested("function")
        holder.refuse_others()
        if function is None:
            violations.add(pointer, "required key [function] not found")
            continue
        name = function.text("name", is_required=True, min_length=1)
        description = function.text("description")
        parameters = function.nested("parameters")
        function.boolean("strict")  # here inputs always satisfy their schema
        function.refuse_others()
        schema = {"type": "object", "properties": {}} if parameters is None else parameters.whole()
        if name is not None:
            tools.append(Tool(name=name, description=description, input_schema=schema))
    return tuple(tools), _forced(members, tools, violations, any_tool)


def read_answer_schema(members: Members, violations: Violations) -> Json | None:
    response_format = members.nested("response_format")
    if response_format is None:
        return None
    kind = response_format.text("type", is_required=True, one_of=("text", "json_object", "json_schema"))
    holder = response_format.nested("json_schema") if kind == "json_schema" else None
    response_format.refuse_others()
    if kind == "json_object":
        return {"type": "object"}
    if kind != "json_schema":
        return None
    if holder is None:
        violations.add(response_format.pointer, "required key [json_schema] not found")
        return None
    holder.text("name")
    holder.text("description")
    holder.boolean("strict")
    schema = holder.nested("schema")
    holder.refuse_others()
    if schema is None:
        violations.add(holder.pointer, "required key [schema] not found")
        return None
    return schema.whole()


def _forced(members: Members, tools: list[Tool], violations: Violations, any_tool: str) -> tuple[str, ...]:
    choice: Any = members.take("tool_choice")
    if choice is None or choice == "auto":
        return ()
    if not tools:
        violations.add("#/tool_choice", "tool_choice may only be given where tools are")
        return ()
    if choice == any_tool:
        return tuple(tool.name for tool in tools)
    if choice == "none":
        violations.add("#/tool_choice", f"none is {NOT_SUPPORTED}; leave the tools out")
        return ()
    nested = members.nested("tool_choice")
    if nested is None:
        return ()
    nested.text("type", is_required=True, one_of=("function",))
    function = nested.nested("function")
    nested.refuse_others()
    name = None if function is None else function.text("name", is_required=True, min_length=1)
    if function is None:
        violations.add("#/tool_choice", "required key [function] not found")
    return () if name is None else (name,)


def _read_text(message: Members, violations: Violations, *, is_required: bool) -> str | None:
    """A string, or text blocks joined; "" where it is absent and may be."""
    if not is_required and (not message.has("content") or message.is_null("content")):
        return ""
    value: Any = message.take("content", is_required=True)
    if value is None:
        return None
    if isinstance(value, str):
        return message.text("content")
    texts: list[str] = []
    for pointer, item in message.items("content", min_items=1):
        if not isinstance(item, dict):
            violations.add(pointer, f"expected type: JSONObject, found: {type_name(item)}")
            continue
        block = Members(cast("Json", item), violations, pointer)
        kind = block.text("type", is_required=True)
        if kind is not None and kind != "text":
            violations.add(pointer, f"content parts of type {kind} are {NOT_SUPPORTED}")
            continue
        text = block.text("text", is_required=True)
        block.refuse_others()
        texts += [text] if text is not None else []
    return SEPARATOR.join(texts)


def _read_calls(message: Members, violations: Violations) -> tuple[ToolUse, ...]:
    uses: list[ToolUse] = []
    for pointer, item in message.items("tool_calls"):
        if not isinstance(item, dict):
            violations.add(pointer, f"expected type: JSONObject, found: {type_name(item)}")
            continue
        call = Members(cast("Json", item), violations, pointer)
        id = call.text("id", is_required=True, min_length=1)
        call.text("type", one_of=("function",))
        call.take("index")
        function = call.nested("function")
        call.refuse_others()
        if function is None:
            violations.add(pointer, "required key [function] not found")
            continue
        name, written = function.text("name", is_required=True), function.text("arguments", is_required=True)
        function.refuse_others()
        if id is None or name is None or written is None:
            continue
        try:
            given: Any = json.loads(written)
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict) or not is_unicode(json.dumps(given, ensure_ascii=False)):
            violations.add(f"{function.pointer}/arguments", "expected a JSON object in a string")
            continue
        uses.append(ToolUse(id=id, name=name, input=cast("Json", given)))
    return tuple(uses)


def _joined(before: Message, after: Message) -> Message:
    return Message(
        role=before.role,
        text=SEPARATOR.join(text for text in (before.text, after.text) if text),
        tool_uses=before.tool_uses + after.tool_uses,
        tool_results=before.tool_results + after.tool_results,
    )
