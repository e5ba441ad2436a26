"""A conversation as the model sees it, whatever body format or training format it came in.

One shape for training and for serving is what keeps them equal: the chat template takes a `Conversation` on both roads.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    role: Role
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    system: str | None = None
    messages: tuple[Message, ...]
    """Alternating, the user first. In training the last is the assistant's; in serving, usually the user's."""

    def to_json(self) -> dict[str, Any]:
        return {
            "system": self.system,
            "messages": [{"role": str(message.role), "text": message.text} for message in self.messages],
        }

    @staticmethod
    def from_json(value: dict[str, Any]) -> "Conversation":
        return Conversation(
            system=value["system"],
            messages=tuple(Message(role=Role(m["role"]), text=m["text"]) for m in value["messages"]),
        )


def user_turn(text: str, *, system: str | None = None) -> Conversation:
    return Conversation(system=system, messages=(Message(role=Role.USER, text=text),))
