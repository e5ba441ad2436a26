"""Rows as other tools keep them → records of ours, in the format that a family takes.

| source | a row |
|---|---|
| pairs | two keys of any name |
| alpaca | instruction, input?, output, system? |
| sharegpt | conversations of {from: system, human or gpt, value} |
| openai | messages of {role: system, user or assistant, content: string or text parts} |
| nemo | input, output; or conversations of {from: User or Assistant, value} with a system text |
| together | prompt and completion; messages as OpenAI's; or text, which is written as a document |

Source   the documentation of the tools' fine-tuning data formats. Fields that hold none of the text (ids, masks,
         weights) are left out; tool calls and images are refused, since nothing here would learn them.
"""

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final, cast

from tanren.data.formats import SCHEMA_VERSION, DataFormat
from tanren.data.records import Document
from tanren.domain.conversation import Conversation, Message, Role, user_turn

Row = Mapping[str, Any]


class Source(StrEnum):
    PAIRS = "pairs"
    ALPACA = "alpaca"
    SHAREGPT = "sharegpt"
    OPENAI = "openai"
    NEMO = "nemo"
    TOGETHER = "together"


class NotOfSource(Exception):
    """A row is not as the source has them; says what is missing or too much."""


def read_source_row(row: Row, source: Source, *, prompt_key: str, completion_key: str) -> Conversation | Document:
    """What the row says. Raises NotOfSource."""
    if source is Source.PAIRS:
        return user_turn(_text(row, prompt_key)).answered(_text(row, completion_key))
    return _READERS[source](row)


def written(content: Conversation | Document, data_format: DataFormat) -> dict[str, Any]:
    """The record as an object of the format, keys in AWS's order. Raises NotOfSource where the format cannot say it."""
    if isinstance(content, Document) or data_format is DataFormat.INPUT:
        if not isinstance(content, Document) or data_format is not DataFormat.INPUT:
            raise NotOfSource(
                f"a {'document' if isinstance(content, Document) else 'conversation'} is no {data_format}"
            )
        return {"input": content.text}
    system, messages = content.system, content.messages
    if data_format is DataFormat.PROMPT_COMPLETION:
        if len(messages) != 2:
            raise NotOfSource(f"{data_format} has room for one question and one answer, not for {len(messages)} turns")
        prompt = messages[0].text if system is None else f"{system}\n\n{messages[0].text}"
        return {"prompt": prompt, "completion": messages[1].text}
    if data_format is DataFormat.CLAUDE_MESSAGES:
        head: dict[str, Any] = {} if system is None else {"system": system}
        return {**head, "messages": [{"role": str(each.role), "content": each.text} for each in messages]}
    head = {"schemaVersion": SCHEMA_VERSION} | ({} if system is None else {"system": [{"text": system}]})
    turns = [{"role": str(message.role), "content": [{"text": message.text}]} for message in messages]
    return {**head, "messages": turns}


def _alpaca(row: Row) -> Conversation:
    instruction, more = _text(row, "instruction"), _text(row, "input", "")
    asked = f"{instruction}\n\n{more}" if more.strip() else instruction
    return user_turn(asked, system=_text(row, "system", "") or None).answered(_text(row, "output"))


def _sharegpt(row: Row) -> Conversation:
    turns = [(_text(turn, "from"), _text(turn, "value")) for turn in _objects(row, "conversations")]
    return _conversation(turns, _text(row, "system", ""))


def _openai(row: Row) -> Conversation:
    turns: list[tuple[str, str]] = []
    for message in _objects(row, "messages"):
        if message.get("tool_calls") or message.get("function_call"):
            raise NotOfSource("a message calls a tool; tanren does not train on tool calls")
        turns.append((_text(message, "role"), _parts(message)))
    return _conversation(turns, "")


def _nemo(row: Row) -> Conversation:
    if "conversations" in row:
        return _sharegpt(row)
    return user_turn(_text(row, "input"), system=_text(row, "system", "") or None).answered(_text(row, "output"))


def _together(row: Row) -> Conversation | Document:
    if "messages" in row:
        return _openai(row)
    if "text" in row:
        return Document(text=_text(row, "text"))
    return user_turn(_text(row, "prompt")).answered(_text(row, "completion"))


_ROLES: Final = {
    "system": "system",
    "developer": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "model": "assistant",
    "chatgpt": "assistant",
}


def _conversation(turns: list[tuple[str, str]], system: str) -> Conversation:
    """System texts together at the head, the rest as turns. Raises NotOfSource where they are none to learn from."""
    systems = [system] if system else []
    messages: list[Message] = []
    for name, text in turns:
        role = _ROLES.get(name.lower())
        if role is None:
            raise NotOfSource(f'a turn is of "{name}"; known are {", ".join(_ROLES)}')
        if role == "system":
            systems.append(text)
        else:
            messages.append(Message(role=Role(role), text=text))
    expected = [Role.ASSISTANT if index % 2 else Role.USER for index in range(len(messages))]
    if not messages or len(messages) % 2 or [message.role for message in messages] != expected:
        raise NotOfSource("turns do not alternate from a user to an assistant's answer")
    return Conversation(system="\n\n".join(systems) or None, messages=tuple(messages))


def _text(row: Row, key: str, default: str | None = None) -> str:
    value = row.get(key, default)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        there = ", ".join(json.dumps(name, ensure_ascii=False) for name in row) or "none"
        raise NotOfSource(f'"{key}" is missing or no text; the keys are {there}')
    return value


def _objects(row: Row, key: str) -> list[Row]:
    value = row.get(key)
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in cast(list[Any], value)):
        raise NotOfSource(f'"{key}" is no list of objects')
    return cast(list[Row], value)


def _parts(message: Row) -> str:
    """The text of an OpenAI message, whose content may come in parts."""
    if not isinstance(message.get("content"), list):
        return _text(message, "content")
    parts = _objects(message, "content")
    foreign = next((part.get("type") for part in parts if part.get("type") != "text"), None)
    if foreign is not None:
        raise NotOfSource(f'a message has a part of the type "{foreign}"; tanren trains on text only')
    return "".join(_text(part, "text") for part in parts)


_READERS: Final[dict[Source, Callable[[Row], Conversation | Document]]] = {
    Source.ALPACA: _alpaca,
    Source.SHAREGPT: _sharegpt,
    Source.OPENAI: _openai,
    Source.NEMO: _nemo,
    Source.TOGETHER: _together,
}
