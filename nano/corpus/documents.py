"""What the corpus is made of, and how a document becomes text with special tokens.

The rendering of a conversation here and the chat template in `nano.tokenizer` say the same; a test holds them together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

BOS, PAD, END = "<|bos|>", "<|pad|>", "<|end|>"
ROLES = ("system", "user", "assistant", "tool")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    role: str
    """One of `ROLES`."""
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    source: str
    """`prose/<package>`, `grounded/<kind>`, `english/<family>` or `japanese/<family>`; its first part is its kind."""
    text: str
    """Complete: begins with <|bos|> and ends with <|end|>."""


def without_markers(text: str) -> str:
    """The text with `<|` opened up, so that documentation about other models' special tokens cannot spell ours."""
    return text.replace("<|", "< |")


def prose_text(text: str) -> str:
    return f"{BOS}{without_markers(text)}{END}"


def conversation_text(messages: Sequence[Message]) -> str:
    """<|bos|> once, then each message between its role and <|end|>."""
    return BOS + "".join(f"<|{message.role}|>{without_markers(message.content)}{END}" for message in messages)
