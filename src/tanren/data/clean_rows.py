"""The quick road of validation: whether all rows of a block of lines are right, beyond doubt.

A block that is not, or of which it cannot be said cheaply, is read row by row by the exact road (`formats.py`), which
alone makes findings. So the two can differ in one way only: that this one calls right what the other would not. A
property test holds them together.

Algorithm   msgspec decodes each line into the types of the format and refuses every other key. What types cannot say is
            asked of the whole block's bytes where a search can answer: a key that stands twice leaves more quotation
            marks than the decoded rows account for; a control word, a template's mark, garbled text need certain bytes.
            Where escapes could hide these, the decoded texts are searched instead.
Cost        about 2 µs a row of 600 bytes, on one core; no memory beside the block.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import msgspec

from tanren.data.families import FamilyRules
from tanren.data.formats import CLAUDE_RESERVED, SCHEMA_VERSION, DataFormat
from tanren.data.garbling import SUSPECT, SUSPECT_BYTES
from tanren.data.json_lines import LineBlock
from tanren.domain.prompt_templates import PromptTemplate

_TEMPLATE_MARKS: Final = {
    PromptTemplate.LLAMA_3: "<|start_header_id|>",
    PromptTemplate.INST: "[INST]",
    PromptTemplate.HUMAN_ASSISTANT: "Human:",
}


class _PromptCompletion(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    prompt: str
    completion: str


class _Input(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    input: str


class _Turn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["user", "assistant"]
    content: str


class _ClaudeMessages(msgspec.Struct, forbid_unknown_fields=True):
    messages: list[_Turn]
    system: str | msgspec.UnsetType = msgspec.UNSET


class _Block(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    text: str


class _BlockTurn(msgspec.Struct, forbid_unknown_fields=True):
    role: Literal["user", "assistant"]
    content: list[_Block]


class _Conversation(msgspec.Struct, forbid_unknown_fields=True, rename={"schema_version": "schemaVersion"}):
    schema_version: str
    messages: list[_BlockTurn]
    system: list[_Block] | msgspec.UnsetType = msgspec.UNSET


class CleanRows:
    """Of one format and one family."""

    def __init__(
        self, data_format: DataFormat, *, templates: Sequence[PromptTemplate] = (), family: FamilyRules | None = None
    ) -> None:
        row_type, self._texts_of = _FORMATS[data_format]
        self._decode = msgspec.json.Decoder(row_type).decode
        marks: list[str] = []
        if data_format is DataFormat.PROMPT_COMPLETION:
            marks += [_TEMPLATE_MARKS[template] for template in templates]
        if data_format is DataFormat.CLAUDE_MESSAGES:
            marks += CLAUDE_RESERVED
        if family is not None:
            marks += family.reserved
        self._marks = tuple(dict.fromkeys(marks))
        written = [json.dumps(mark)[1:-1].encode() for mark in self._marks]
        self._plain_marks = tuple(mark for mark in written if b"\\" not in mark)
        self._escaped_marks = tuple(mark for mark in written if b"\\" in mark)
        self._maximum_characters = None if family is None else family.maximum_characters

    def are_clean(self, block: LineBlock) -> bool:
        """True: every line is a record without any finding. False: not, or not sure."""
        raw, lines = block.raw, block.lines
        # A character takes a byte at least.
        if self._maximum_characters is not None and max(map(len, lines)) > self._maximum_characters:
            return False
        has_escapes = b"\\" in raw
        has_code_points = has_escapes and b"\\u" in raw
        if (b"\xc3" in raw or b"\xc4" in raw) and any(pattern.search(raw) for pattern in SUSPECT_BYTES):
            return False
        if any(mark in raw for mark in self._plain_marks):
            return False
        if has_escapes and any(mark in raw for mark in self._escaped_marks):
            return False
        decode = self._decode
        try:
            rows = [decode(line) for line in lines]
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return False
        read = self._texts_of(rows)
        if read is None:
            return False
        texts, string_count = read
        if _unescaped_quotes(raw, has_escapes) != 2 * string_count:
            return False
        for text in texts:
            if not text or text.isspace():
                return False
        return not has_code_points or not any(self._is_suspect(text) for text in texts)

    def _is_suspect(self, text: str) -> bool:
        return SUSPECT.search(text) is not None or any(mark in text for mark in self._marks)


def _unescaped_quotes(raw: bytes, has_escapes: bool) -> int:
    """The quotation marks that open and close strings."""
    if not has_escapes:
        return raw.count(b'"')
    # Behind an escaped backslash, a quotation mark is not escaped.
    bare = raw.replace(b"\\\\", b"") if b"\\\\" in raw else raw
    return bare.count(b'"') - bare.count(b'\\"')


def _prompt_completion_texts(rows: list[_PromptCompletion]) -> tuple[list[str], int] | None:
    texts = [row.prompt for row in rows]
    texts.extend([row.completion for row in rows])
    return texts, 2 * len(texts)


def _input_texts(rows: list[_Input]) -> tuple[list[str], int] | None:
    return [row.input for row in rows], 2 * len(rows)


def _claude_texts(rows: list[_ClaudeMessages]) -> tuple[list[str], int] | None:
    texts: list[str] = []
    turns: list[_Turn] = []
    for row in rows:
        messages = row.messages
        if not _alternate(messages):
            return None
        turns += messages
        if row.system is not msgspec.UNSET:
            texts.append(row.system)
    # "messages"; "system" and its text; two keys and two values a turn.
    string_count = len(rows) + 2 * len(texts) + 4 * len(turns)
    texts.extend([turn.content for turn in turns])
    return texts, string_count


def _conversation_texts(rows: list[_Conversation]) -> tuple[list[str], int] | None:
    texts: list[str] = []
    turns: list[_BlockTurn] = []
    for row in rows:
        messages = row.messages
        if row.schema_version != SCHEMA_VERSION or not _alternate(messages):
            return None
        turns += messages
        if row.system is not msgspec.UNSET:
            if len(row.system) != 1:
                return None
            texts.append(row.system[0].text)
    # "messages", "schemaVersion" and its value; "system", "text" and its text; a turn's three keys and two values.
    string_count = 3 * len(rows) + 3 * len(texts) + 5 * len(turns)
    for turn in turns:
        if len(turn.content) != 1:
            return None
        texts.append(turn.content[0].text)
    return texts, string_count


def _alternate(messages: Sequence[_Turn | _BlockTurn]) -> bool:
    """User and assistant in turn, from a user to an assistant."""
    if len(messages) == 2:
        return messages[0].role == "user" and messages[1].role == "assistant"
    if not messages or len(messages) % 2:
        return False
    return all(message.role == ("assistant" if index % 2 else "user") for index, message in enumerate(messages))


_Texts = Callable[[Any], tuple[list[str], int] | None]
_FORMATS: Final[dict[DataFormat, tuple[Any, _Texts]]] = {
    DataFormat.PROMPT_COMPLETION: (_PromptCompletion, _prompt_completion_texts),
    DataFormat.INPUT: (_Input, _input_texts),
    DataFormat.CLAUDE_MESSAGES: (_ClaudeMessages, _claude_texts),
    DataFormat.CONVERSATION: (_Conversation, _conversation_texts),
}
"""The type of a row; and of decoded rows their texts, with the number of strings, keys included, that they were written
with, or None where roles or blocks are not as they should be."""
