"""A conversation as the model sees it, whatever body format or training format it came in.

One shape for training and for serving is what keeps them equal: the chat template takes a `Conversation` on both roads.
Tools, their uses, their results and documents are part of it, as data; how they are written for a model is the chat
template's business (`weights/chat_template.py`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from tanren.domain.documents import AttachedDocument, EnclosedDocument


class Role(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """What the model may call."""

    name: str
    description: str | None = None
    input_schema: Mapping[str, Any]
    """JSON schema of an object."""

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "description": self.description, "input_schema": self.input_schema}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """One call of a tool by the assistant."""

    id: str
    """Joins the call to its result; never seen by the model unless its template writes it."""
    name: str
    input: Mapping[str, Any]

    @property
    def input_json(self) -> str:
        return json.dumps(self.input, ensure_ascii=False)

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "input": self.input}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool gave back, in a message of the user."""

    tool_use_id: str
    text: str
    """JSON results as JSON text."""
    is_error: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"tool_use_id": self.tool_use_id, "text": self.text, "is_error": self.is_error}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn. In the order in which a model reads it: tool results, documents, text, tool uses."""

    role: Role
    text: str
    """May be empty where there is something else."""
    tool_uses: tuple[ToolUse, ...] = ()
    """Of the assistant only."""
    tool_results: tuple[ToolResult, ...] = ()
    """Of the user only: one for each tool use of the turn before."""
    documents: tuple[AttachedDocument, ...] = ()
    """Of the user only."""
    enclosed: tuple[EnclosedDocument, ...] = ()
    """Documents still to be read; none when an engine is asked."""

    def to_json(self) -> dict[str, Any]:
        """What is empty is left out, so that a plain message has the JSON that it always had."""
        assert not self.enclosed, "documents are read before a conversation goes anywhere"
        parts = {
            "tool_uses": [use.to_json() for use in self.tool_uses],
            "tool_results": [result.to_json() for result in self.tool_results],
            "documents": [document.to_json() for document in self.documents],
        }
        return {"role": str(self.role), "text": self.text, **{name: part for name, part in parts.items() if part}}

    @staticmethod
    def from_json(value: dict[str, Any]) -> "Message":
        return Message(
            role=Role(value["role"]),
            text=value["text"],
            tool_uses=tuple(ToolUse(**use) for use in value.get("tool_uses", ())),
            tool_results=tuple(ToolResult(**result) for result in value.get("tool_results", ())),
            documents=tuple(AttachedDocument(**document) for document in value.get("documents", ())),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    system: str | None = None
    messages: tuple[Message, ...]
    """Alternating, the user first. In training the last is the assistant's. In serving it is the user's, or the
    beginning of the answer (prefill), which the model goes on with."""
    tools: tuple[Tool, ...] = ()
    prompt: str | None = None
    """In place of all else: the model's whole input as its caller wrote it, control tokens meant. No template is
    applied. In serving only, and only of models that were imported."""

    def answered(self, text: str) -> "Conversation":
        return replace(self, messages=(*self.messages, Message(role=Role.ASSISTANT, text=text)))

    def to_json(self) -> dict[str, Any]:
        tools = {"tools": [tool.to_json() for tool in self.tools]} if self.tools else {}
        prompt = {} if self.prompt is None else {"prompt": self.prompt}
        messages = [message.to_json() for message in self.messages]
        return {"system": self.system, "messages": messages, **tools, **prompt}

    @staticmethod
    def from_json(value: dict[str, Any]) -> "Conversation":
        return Conversation(
            system=value["system"],
            messages=tuple(Message.from_json(message) for message in value["messages"]),
            tools=tuple(Tool(**tool) for tool in value.get("tools", ())),
            prompt=value.get("prompt"),
        )


def user_turn(text: str, *, system: str | None = None) -> Conversation:
    return Conversation(system=system, messages=(Message(role=Role.USER, text=text),))


def written_prompt(text: str) -> Conversation:
    return Conversation(messages=(), prompt=text)
