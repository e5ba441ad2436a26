"""The data formats, one function each: a JSON object → the content of a record, or every fault of the row.

| format | keys | customization |
|---|---|---|
| prompt-completion | prompt, completion | FINE_TUNING |
| claude-messages | system?, messages of {role, content: string} | FINE_TUNING |
| bedrock-conversation-2024 | schemaVersion, system? [{text}], messages of {role, content: [{text}]} | FINE_TUNING |
| input | input | CONTINUED_PRE_TRAINING |

Source   user guide, "Prepare your training datasets"; AWS's own validators (fact sheet §1.1).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast

from tanren.data.families import FamilyRules
from tanren.data.findings import shown
from tanren.data.garbling import garbling
from tanren.data.positions import JsonPath
from tanren.data.records import Document
from tanren.domain.conversation import Conversation, Message, Role, user_turn
from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.prompt_templates import ForeignTurn, PromptTemplate, followed, without_ending
from tanren.domain.sentences import joined, sentence

SCHEMA_VERSION = "bedrock-conversation-2024"


class DataFormat(StrEnum):
    PROMPT_COMPLETION = "prompt-completion"
    CLAUDE_MESSAGES = "claude-messages"
    CONVERSATION = SCHEMA_VERSION
    INPUT = "input"


EXAMPLES: dict[DataFormat, str] = {
    DataFormat.PROMPT_COMPLETION: '{"prompt": "<input text>", "completion": "<output text>"}',
    DataFormat.CLAUDE_MESSAGES: '{"system": "<text>", "messages": [{"role": "user", "content": "<text>"}, '
    '{"role": "assistant", "content": "<text>"}]}',
    DataFormat.CONVERSATION: f'{{"schemaVersion": "{SCHEMA_VERSION}", "messages": [{{"role": "user", "content": '
    '[{"text": "<text>"}]}, {"role": "assistant", "content": [{"text": "<text>"}]}]}',
    DataFormat.INPUT: '{"input": "<text>"}',
}
"""A minimal right record, for the messages of errors."""

FORMATS_OF: dict[CustomizationType, tuple[DataFormat, ...]] = {
    CustomizationType.FINE_TUNING: (
        DataFormat.PROMPT_COMPLETION,
        DataFormat.CLAUDE_MESSAGES,
        DataFormat.CONVERSATION,
    ),
    CustomizationType.CONTINUED_PRE_TRAINING: (DataFormat.INPUT,),
}

_DEFINING_KEYS = ("prompt", "completion", "messages", "schemaVersion", "input")
_UNSUPPORTED_BLOCKS = {
    "image": "images",
    "video": "videos",
    "document": "documents",
    "toolUse": "tool calls",
    "toolResult": "tool results",
    "reasoningContent": "reasoning",
    "audio": "audio",
    "cachePoint": "cache points",
    "guardContent": "guardrail content",
}
_SURROGATE = re.compile("[\ud800-\udfff]")
CLAUDE_RESERVED = ("\nHuman:", "\nAssistant:")
"""Control words of Claude's text completions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A broken rule of one row; the reader turns it into a `Finding` with file, line and column."""

    path: JsonPath
    rule: str
    message: str
    fix: str
    is_warning: bool = False
    text: str | None = None
    """The offending part of the value, where it is not its beginning."""


@dataclass(slots=True)
class _Faults:
    family: FamilyRules | None = None
    found: list[Fault] = field(default_factory=list[Fault])

    def add(self, path: JsonPath, rule: str, message: str, fix: str, text: str | None = None) -> None:
        self.found.append(Fault(path=path, rule=rule, message=message, fix=fix, text=text))

    def warn(self, path: JsonPath, rule: str, message: str, fix: str, text: str | None = None) -> None:
        self.found.append(Fault(path=path, rule=rule, message=message, fix=fix, is_warning=True, text=text))


def sniff(row: dict[str, Any]) -> DataFormat | None:
    """The format that the row is meant to be in, from its keys; None where nothing points to one."""
    if "schemaVersion" in row:
        return DataFormat.CONVERSATION
    if "messages" in row:
        messages = row["messages"]
        first: Any = messages[0] if isinstance(messages, list) and messages else None
        has_blocks = isinstance(first, dict) and isinstance(cast(dict[str, Any], first).get("content"), list)
        return DataFormat.CONVERSATION if has_blocks else DataFormat.CLAUDE_MESSAGES
    if "prompt" in row or "completion" in row:
        return DataFormat.PROMPT_COMPLETION
    return DataFormat.INPUT if "input" in row else None


def read_content(
    row: dict[str, Any],
    data_format: DataFormat,
    templates: Sequence[PromptTemplate] = (),
    family: FamilyRules | None = None,
) -> tuple[Conversation | Document | None, list[Fault]]:
    """The content of a row that is sniffed as `data_format`, and its faults; no content where one is an error.

    `templates`   in which a `prompt` may be written: those of the body format in which the model will be asked
    `family`      whose rules for rows are looked after, too; what breaks them is a warning
    """
    faults = _Faults(family=family)
    if data_format is DataFormat.PROMPT_COMPLETION:
        content = _read_prompt_completion(row, templates, faults)
    else:
        content = _READERS[data_format](row, faults)
    if any(not fault.is_warning for fault in faults.found):
        return None, faults.found
    if family is not None and content is not None:
        _check_length(content, family, faults)
    return content, faults.found


def _check_length(content: Conversation | Document, family: FamilyRules, faults: _Faults) -> None:
    if isinstance(content, Document):
        asked, answered = len(content.text), 0
    else:
        answered = sum(len(message.text) for message in content.messages if message.role is Role.ASSISTANT)
        asked = sum(len(message.text) for message in content.messages) - answered + len(content.system or "")
    for characters, bound, what in (
        (asked, family.maximum_input_tokens, "the input of the record"),
        (answered, family.maximum_output_tokens, "the output of the record"),
        (asked + answered, family.maximum_tokens, "the record"),
    ):
        if bound is not None and characters > bound * family.characters_per_token:
            faults.warn(
                (),
                "too-many-tokens",
                sentence(
                    "{what} has {characters} characters, about {tokens} tokens at {each} characters each; AWS takes "
                    "{bound} tokens for {family}.",
                    what=what,
                    characters=characters,
                    tokens=characters // family.characters_per_token,
                    each=family.characters_per_token,
                    bound=bound,
                    family=family.name,
                ),
                sentence(
                    "Split it into several records, or shorten it; tanren trains on it where it fits the model's "
                    "window."
                ),
            )


def _read_prompt_completion(
    row: dict[str, Any], templates: Sequence[PromptTemplate], faults: _Faults
) -> Conversation | None:
    _check_keys(row, ("prompt", "completion"), (), DataFormat.PROMPT_COMPLETION, faults)
    prompt = _text(row, "prompt", (), faults)
    completion = _text(row, "completion", (), faults)
    try:
        found = followed(prompt, templates)
    except ForeignTurn as turn:
        faults.add(
            ("prompt",),
            "foreign-turn",
            sentence("the prompt has a turn of the role {role}; tanren does not train on it.", role=turn.role),
            sentence("Leave this record out, or write what the turn says into a message of the user."),
        )
        return None
    if found is None:
        return user_turn(prompt).answered(completion)
    template, asked = found
    if asked.messages[-1].role is Role.ASSISTANT:
        faults.add(
            ("prompt",),
            "answer-begun-in-prompt",
            sentence("the prompt ends with the beginning of the answer, which would not be learned."),
            sentence("Move that text to the start of the completion."),
        )
        return None
    faults.warn(
        ("prompt",),
        "prompt-in-template",
        sentence(
            "prompts written in the template {template} are read as the turns that they stand for, as they are when "
            "the model is invoked: the base model's own template goes around them, and answers in them are learned "
            "too.",
            template=template,
        ),
        sentence("Nothing needs to be changed; plain text in prompt and completion says the same."),
    )
    return asked.answered(without_ending(completion, template))


def _read_input(row: dict[str, Any], faults: _Faults) -> Document:
    _check_keys(row, ("input",), (), DataFormat.INPUT, faults)
    return Document(text=_text(row, "input", (), faults))


def _read_claude_messages(row: dict[str, Any], faults: _Faults) -> Conversation:
    _check_keys(row, ("messages",), ("system",), DataFormat.CLAUDE_MESSAGES, faults)
    system = _text(row, "system", (), faults) if "system" in row else None
    if system is not None:
        _check_reserved(system, ("system",), faults)
    messages: list[Message] = []
    for index, role, message in _turns(row, faults):
        path: JsonPath = ("messages", index)
        _check_keys(message, ("content",), ("role",), DataFormat.CLAUDE_MESSAGES, faults, path)
        text = _text(message, "content", path, faults)
        _check_reserved(text, (*path, "content"), faults)
        messages.append(Message(role=role, text=text))
    return Conversation(system=system, messages=tuple(messages))


def _read_conversation(row: dict[str, Any], faults: _Faults) -> Conversation:
    _check_keys(row, ("schemaVersion", "messages"), ("system",), DataFormat.CONVERSATION, faults)
    version = row.get("schemaVersion", SCHEMA_VERSION)
    if not isinstance(version, str):
        faults.add(
            ("schemaVersion",),
            "wrong-type",
            sentence('"{key}" is {kind}.', key="schemaVersion", kind=_kind(version)),
            sentence('Write "schemaVersion": "{version}".', version=SCHEMA_VERSION),
        )
    elif version != SCHEMA_VERSION:
        # Nova takes any string, Llama's and the distillation validator only this one.
        faults.warn(
            ("schemaVersion",),
            "other-schema-version",
            sentence(
                '"schemaVersion" is "{version}"; it was read as "{known}".', version=version, known=SCHEMA_VERSION
            ),
            sentence('Write "{known}"; some families refuse anything else.', known=SCHEMA_VERSION),
        )
    system: str | None = None
    if "system" in row:
        system = _one_text_block(row["system"], ("system",), faults)
    messages: list[Message] = []
    for index, role, message in _turns(row, faults):
        path: JsonPath = ("messages", index)
        _check_keys(message, ("content",), ("role",), DataFormat.CONVERSATION, faults, path)
        if "content" in message:
            text = _one_text_block(message["content"], (*path, "content"), faults)
            messages.append(Message(role=role, text=text))
    return Conversation(system=system, messages=tuple(messages))


def _turns(row: dict[str, Any], faults: _Faults) -> Iterator[tuple[int, Role, dict[str, Any]]]:
    """Every message that is an object, with its role; faults of type, role and order are noted on the way."""
    if "messages" not in row:
        return
    messages = row["messages"]
    if not isinstance(messages, list):
        faults.add(
            ("messages",),
            "wrong-type",
            sentence('"{key}" is {kind}.', key="messages", kind=_kind(messages)),
            sentence("Make it a list of messages."),
        )
        return
    items = cast(list[Any], messages)
    if len(items) < 2:
        faults.add(
            ("messages",),
            "too-few-messages",
            sentence('"messages" has {count} of at least 2 messages.', count=len(items)),
            sentence("Give a user message and the assistant's answer."),
        )
    expected = Role.USER
    for index, item in enumerate(items):
        path: JsonPath = ("messages", index)
        if not isinstance(item, dict):
            faults.add(
                path,
                "wrong-type",
                sentence("message {number} is {kind}.", number=index + 1, kind=_kind(item)),
                sentence("Make it an object."),
            )
            expected = _other(expected)
            continue
        message = cast(dict[str, Any], item)
        role = _role(message, index, expected, faults)
        yield index, role, message
        is_last = index == len(items) - 1
        if is_last and role is not Role.ASSISTANT:
            faults.add(
                (*path, "role"),
                "last-role-not-assistant",
                sentence('the last message has the role "{role}".', role=role),
                sentence("End with the assistant's answer: it is what is learned."),
            )
        # A system message among the others is said above; it is nobody's turn.
        expected = expected if message.get("role") == "system" else _other(role)


def _role(message: dict[str, Any], index: int, expected: Role, faults: _Faults) -> Role:
    path: JsonPath = ("messages", index, "role")
    if "role" not in message:
        faults.add(
            path[:2],
            "missing-key",
            sentence('message {number} has no "role".', number=index + 1),
            sentence('Add "role": "{role}".', role=expected),
        )
        return expected
    value = message["role"]
    if value == "system":
        faults.add(
            path,
            "system-role",
            sentence('message {number} has the role "system".', number=index + 1),
            sentence('Move its text to the key "system" of the record; `tanren data preprocess --from openai` does.'),
        )
        return expected
    if value not in ("user", "assistant"):
        faults.add(
            path,
            "unknown-role",
            sentence('message {number} has the role "{role}".', number=index + 1, role=value)
            if isinstance(value, str)
            else sentence("the role of message {number} is {kind}.", number=index + 1, kind=_kind(value)),
            sentence('Use "user" or "assistant".'),
        )
        return expected
    role = Role(value)
    if index == 0 and role is not Role.USER:
        faults.add(
            path,
            "first-role-not-user",
            sentence('the first message has the role "{role}".', role=role),
            sentence("Begin with a user message."),
        )
    elif role is not expected:
        faults.add(
            path,
            "roles-not-alternating",
            sentence('message {number} has the role "{role}", as the one before it.', number=index + 1, role=role),
            sentence("Let user and assistant alternate; join messages of one role."),
        )
    return role


def _one_text_block(value: Any, path: JsonPath, faults: _Faults) -> str:
    """The text of `[{"text": …}]`. Exactly one block, as AWS's validators ask; "" where a fault is noted."""
    name = str(path[0]) if len(path) == 1 else sentence("content of message {number}", number=int(path[1]) + 1)
    if not isinstance(value, list):
        faults.add(
            path,
            "wrong-type",
            joined(name, sentence(" is {kind}.", kind=_kind(value))),
            sentence('Write a list: [{{"text": "…"}}].'),
        )
        return ""
    blocks = cast(list[Any], value)
    text = ""
    for index, block in enumerate(blocks):
        block_path = (*path, index)
        if not isinstance(block, dict):
            faults.add(
                block_path,
                "wrong-type",
                joined(name, sentence(" has a block that is {kind}.", kind=_kind(block))),
                sentence('Write {{"text": "…"}}.'),
            )
            continue
        members = cast(dict[str, Any], block)
        for key in members:
            if key in _UNSUPPORTED_BLOCKS:
                faults.add(
                    (*block_path, key),
                    "unsupported-block",
                    joined(
                        name,
                        sentence(
                            ' has a block "{key}"; tanren does not train on {what}.',
                            key=key,
                            what=_UNSUPPORTED_BLOCKS[key],
                        ),
                    ),
                    sentence("Leave this record out, or describe it in text."),
                )
            elif key != "text":
                faults.add(
                    (*block_path, key),
                    "unknown-key",
                    joined(name, sentence(' has a block with the key "{key}".', key=key)),
                    sentence('Use only "text".'),
                )
        if "text" in members:
            text = _text(members, "text", block_path, faults)
        elif not members:
            faults.add(
                block_path,
                "missing-key",
                joined(name, sentence(" has an empty block.")),
                sentence('Write {{"text": "…"}}.'),
            )
    if len(blocks) != 1:
        faults.add(
            path,
            "not-one-block",
            joined(name, sentence(" has {count} blocks, 1 is expected.", count=len(blocks))),
            sentence("Join the texts in one block."),
        )
    return text


def _text(holder: dict[str, Any], key: str, path: JsonPath, faults: _Faults) -> str:
    """`holder[key]`, a string that says something; "" where it is not there, which `_check_keys` has noted."""
    if key not in holder:
        return ""
    value = holder[key]
    where = (*path, key)
    if not isinstance(value, str):
        faults.add(
            where,
            "wrong-type",
            sentence('"{key}" is {kind}, a string is expected.', key=key, kind=_kind(value)),
            sentence("Make it a string."),
        )
        return ""
    if not value.strip():
        faults.add(
            where,
            "empty-text",
            sentence('"{key}" is empty.', key=key),
            sentence("Give it text, or remove the record."),
        )
    if _SURROGATE.search(value):
        faults.add(
            where,
            "lone-surrogate",
            sentence('"{key}" has half of a surrogate pair (\\ud800 to \\udfff), which no text can hold.', key=key),
            sentence("Write the whole character."),
        )
    if (garbled := garbling(value)) is not None:
        at = max(0, garbled.at - 10)
        # No faithful text can be shown where bytes are missing.
        meant = f" → {garbled.repaired[at : at + 50]}" if garbled.is_lossless else ""
        faults.warn(
            where,
            "garbled-text",
            sentence('"{key}" is garbled: UTF-8 that was read in another encoding and saved again.', key=key),
            "tanren data doctor FILE --repair NEW"
            if garbled.is_lossless
            else sentence("Characters were lost on the way; take the text from its source again."),
            shown(value[at : at + 50] + meant),
        )
    if faults.family is not None:
        for reserved in faults.family.reserved:
            if reserved in value:
                faults.warn(
                    where,
                    "reserved-text",
                    sentence(
                        '"{key}" holds {reserved}, which AWS reserves in data for {family}.',
                        key=key,
                        reserved=repr(reserved),
                        family=faults.family.name,
                    ),
                    sentence("Rephrase it, for instance without the colon; tanren trains on it as it is."),
                    shown(value[max(0, value.index(reserved) - 20) :]),
                )
    return value


def _check_keys(
    holder: dict[str, Any],
    required: tuple[str, ...],
    optional: tuple[str, ...],
    data_format: DataFormat,
    faults: _Faults,
    path: JsonPath = (),
) -> None:
    example = EXAMPLES[data_format]
    expected = sentence("Expected {example}", example=example)
    for key in required:
        if key not in holder:
            faults.add(path, "missing-key", sentence('"{key}" is missing.', key=key), expected)
    for key in holder:
        if key in required or key in optional:
            continue
        if not path and key in _DEFINING_KEYS:
            faults.add(
                (key,),
                "mixed-formats",
                sentence('"{key}" belongs to another format than {format}.', key=key, format=data_format),
                expected,
            )
        else:
            # AWS's validators tolerate other keys; a misspelt "system" would be one, so it is said.
            faults.warn(
                (*path, key),
                "unknown-key",
                sentence('the key "{key}" was not used.', key=key),
                sentence("Remove or rename it. Expected {example}", example=example),
            )


def _check_reserved(text: str, path: JsonPath, faults: _Faults) -> None:
    for reserved in CLAUDE_RESERVED:
        if reserved in text:
            faults.add(
                path,
                "reserved-text",
                sentence("the text holds {reserved}, which is reserved in this format.", reserved=repr(reserved)),
                sentence("Rephrase it, for instance without the colon."),
            )


def _other(role: Role) -> Role:
    return Role.ASSISTANT if role is Role.USER else Role.USER


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    return {str: "a string", list: "a list", dict: "an object"}[type(value)]


_READERS: dict[DataFormat, Callable[[dict[str, Any], _Faults], Conversation | Document]] = {
    DataFormat.CLAUDE_MESSAGES: _read_claude_messages,
    DataFormat.CONVERSATION: _read_conversation,
    DataFormat.INPUT: _read_input,
}
