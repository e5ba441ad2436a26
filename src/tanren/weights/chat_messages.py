"""A conversation → the messages that a chat template takes: turns, tools, their uses and results, documents.

Two manners of writing tools:

    native    the template knows `tools`, `tool_calls` and the role `tool` (the convention of transformers), and what it
              writes for a call is JSON that `domain/tool_calls.py` reads back
    stated    the template knows nothing of them: the tools stand in the system message, as nano was taught them, a call
              is the assistant's text, a result a message of the role `tool`, or of the user where there is no such role

A document stands in front of the text of the user's turn it came with, in tags that its own text cannot close:

    <document name="report">
    …
    </document>

    What does the report say?

The same on the training road and on the serving road, since both go through here.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from tanren.domain.conversation import Conversation, Message, Role, Tool, ToolResult, ToolUse
from tanren.domain.documents import AttachedDocument
from tanren.domain.tool_calls import STATED_FORM

TemplateMessages = list[dict[str, Any]]


class ToolManner(StrEnum):
    NATIVE = "native"
    STATED = "stated"
    """In the system message; results in the role `tool`."""
    STATED_TO_USER = "stated-to-user"
    """The same; results in a turn of the user."""
    NONE = "none"
    """The template has not even a place for a system message."""


_STATED_TOOLS: Final = 'You can call these tools:\n{tools}\nCall one by writing {{"name": ..., "arguments": ...}}'
_RESULT_TO_USER: Final = "Result of the tool {name}:\n{text}"
_ERROR: Final = "Error: {text}"
_UNQUOTABLE: Final = re.compile(r'["<>\x00-\x1f]+')
_CLOSING_TAG: Final = re.compile(r"</(?=document)", re.IGNORECASE)


def template_messages(conversation: Conversation, manner: ToolManner) -> TemplateMessages:
    system = conversation.system
    if conversation.tools and manner is not ToolManner.NATIVE:
        stated = _STATED_TOOLS.format(tools=json_text([_stated_tool(tool) for tool in conversation.tools]))
        system = stated if system is None else f"{system}\n\n{stated}"
    messages: TemplateMessages = [] if system is None else [{"role": "system", "content": system}]
    names = {use.id: use.name for message in conversation.messages for use in message.tool_uses}
    for message in conversation.messages:
        if message.role is Role.ASSISTANT:
            messages.append(_assistant(message, manner))
        else:
            messages += _user(message, manner, names)
    return messages


def template_tools(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """As functions with a JSON schema, the convention of transformers."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description or "",
                "parameters": tool.input_schema,
            },
        }
        for tool in tools
    ]


def json_text(value: object) -> str:
    """As templates write it with `tojson`: one space behind each comma and colon, characters as they are."""
    return json.dumps(value, ensure_ascii=False)


def _assistant(message: Message, manner: ToolManner) -> dict[str, Any]:
    if not message.tool_uses:
        return {"role": "assistant", "content": message.text}
    if manner is ToolManner.NATIVE:
        calls = [_native_call(use) for use in message.tool_uses]
        return {"role": "assistant", "content": message.text, "tool_calls": calls}
    written = [STATED_FORM.written(use.name, json_text(use.input)) for use in message.tool_uses]
    call = written[0] if len(written) == 1 else f"[{', '.join(written)}]"
    return {"role": "assistant", "content": f"{message.text}\n{call}" if message.text else call}


def _user(message: Message, manner: ToolManner, names: Mapping[str, str]) -> TemplateMessages:
    parts = [*(_document(document) for document in message.documents), *([message.text] if message.text else [])]
    content = "\n\n".join(parts)
    if not message.tool_results:
        return [{"role": "user", "content": content}]
    if manner is ToolManner.STATED_TO_USER:
        results = [
            _RESULT_TO_USER.format(name=names.get(result.tool_use_id, ""), text=_result_text(result))
            for result in message.tool_results
        ]
        return [{"role": "user", "content": "\n\n".join([*results, *([content] if content else [])])}]
    messages: TemplateMessages = [
        {
            "role": "tool",
            "content": _result_text(result),
            "name": names.get(result.tool_use_id, ""),
            "tool_call_id": _short_id(result.tool_use_id),
        }
        for result in message.tool_results
    ]
    return [*messages, *([{"role": "user", "content": content}] if content else [])]


def _native_call(use: ToolUse) -> dict[str, Any]:
    return {
        "id": _short_id(use.id),
        "type": "function",
        "function": {"name": use.name, "arguments": use.input},
    }


def _short_id(tool_use_id: str) -> str:
    # Mistral's templates refuse anything but nine letters and digits.
    return hashlib.sha256(tool_use_id.encode()).hexdigest()[:9]


def _stated_tool(tool: Tool) -> dict[str, Any]:
    described = {"description": tool.description} if tool.description else {}
    return {"name": tool.name, **described, "parameters": tool.input_schema}


def _result_text(result: ToolResult) -> str:
    return _ERROR.format(text=result.text) if result.is_error else result.text


def _document(document: AttachedDocument) -> str:
    text = _CLOSING_TAG.sub("<\\\\/", document.text)
    name = _UNQUOTABLE.sub(" ", document.name)
    return f'<document name="{name}">\n{text}\n</document>'
