"""The tool uses in an answer: read out of the engine's text as it comes, whatever body format goes on with them.

    forced      the text is one call, held to its schema by the engine's grammar: its input is passed on piece by piece
    free        an answer that begins like a call, or has a <tool_call> in it, is held back from there to its end. If
                all that was held are calls of offered tools, and each input satisfies its schema, they become tool
                uses, several as several, with the text before them; else (unfinished JSON, a name that was not
                offered, an input of another shape) all of it goes on as text, and the answer ends as it ended
    no tools    text is text

An empty thought at the beginning (`<think></think>`, which some families write where they do not think) is left out.

A forced call that the token budget had no room for is not begun (`serving/grammars.py`), so the answer is empty and
ends in MAX_TOKENS; a tool use is never half. Stop sequences end text, not calls: a forced call has none.
"""

import re
import secrets
import string
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from tanren.domain.conversation import Tool
from tanren.domain.errors import ValidationFailed
from tanren.domain.generation import (
    AnswerEvent,
    FinishReason,
    GenerationEnd,
    GenerationEvent,
    GenerationRequest,
    GenerationStart,
    TextDelta,
    ToolInputDelta,
    ToolUseEnd,
    ToolUseStart,
)
from tanren.domain.tool_calls import (
    CALL_MEMBERS,
    TAG_OPENS,
    ToolCall,
    may_begin_call,
    may_begin_empty_thought,
    read_calls,
    without_empty_thought,
)
from tanren.runtime.tool_schemas import check_schema, satisfies
from tanren.serving.grammars import refuse_schema

MAX_TOOLS: Final = 256
"""Ours: each costs tokens of every prompt."""

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}")
"""What every family takes; some ask for less."""
_ID_CHARACTERS: Final = string.ascii_letters + string.digits
_FORCED_HEAD: Final = re.compile(
    "|".join(rf'"{name}": *"([^"\\]*)", *"{arguments}": *' for name, arguments in CALL_MEMBERS)
)


def new_tool_use_id() -> str:
    return "tooluse_" + "".join(secrets.choice(_ID_CHARACTERS) for _ in range(22))


def check_tools(request: GenerationRequest) -> None:
    """Whether the request's tools and schemas can be used as it asks. Takes milliseconds.

    Raises   ValidationFailed with the place, and with the keyword's name where a grammar cannot hold an answer to it.
    """
    tools = request.conversation.tools
    if len(tools) > MAX_TOOLS:
        raise ValidationFailed(f"The request has {len(tools)} tools; at most {MAX_TOOLS} are taken.")
    names: set[str] = set()
    for index, tool in enumerate(tools):
        if tool.name in names:
            raise ValidationFailed(f"The tool name {tool.name} is given twice; tool names must be unique.")
        names.add(tool.name)
        if not _NAME.fullmatch(tool.name):
            raise ValidationFailed(
                f"The tool name '{tool.name[:140]}' must match the pattern [a-zA-Z0-9_-]+ and have 1 to 128 characters."
            )
        place = f"toolConfig.tools.{index}.toolSpec.inputSchema.json"
        check_schema(tool.input_schema, place)
        if tool.name in request.forced_tools:
            refuse_schema(tool.input_schema, place)
    for name in request.forced_tools:
        if name not in names:
            raise ValidationFailed(
                f"The tool '{name}' that toolChoice names is not among the tools: {', '.join(sorted(names)) or 'none'}."
            )
    if request.answer_schema is not None:
        refuse_schema(check_schema(request.answer_schema, "the answer's schema"), "the answer's schema")
    if request.forced_tools and request.conversation.messages[-1].role == "assistant":
        raise ValidationFailed(
            "An answer that must call a tool cannot go on from a beginning of it: remove the last message of the "
            "assistant, or let the model choose freely."
        )


async def with_tool_uses(
    events: AsyncGenerator[GenerationEvent],
    request: GenerationRequest,
    *,
    new_id: Callable[[], str] = new_tool_use_id,
) -> AsyncGenerator[AnswerEvent]:
    """The same answer with its tool uses read."""
    reader = tool_use_reader(request, new_id)
    async with aclosing(events):
        async for event in events:
            for read in reader(event):
                yield read


Reader = Callable[[GenerationEvent], Sequence[AnswerEvent]]
"""Given every event of an answer in order; what goes on to the caller for each."""


def tool_use_reader(request: GenerationRequest, new_id: Callable[[], str]) -> Reader:
    if request.forced_tools:
        return _ForcedReader(request.forced_tools, new_id).read
    if not request.conversation.tools:
        return _ThoughtReader().read
    thoughts, calls = _ThoughtReader(), _FreeReader(request.conversation.tools, new_id)
    return lambda event: [read for passed in thoughts.read(event) for read in calls.read(passed)]


class _ThoughtReader:
    """Of an answer without tools: everything, but for an empty thought in front."""

    def __init__(self) -> None:
        self._held = ""
        self._has_begun = False

    def read(self, event: GenerationEvent) -> list[GenerationEvent]:
        if self._has_begun:
            return [event]
        if isinstance(event, TextDelta):
            self._held += event.text
            if may_begin_empty_thought(self._held):
                return []
            self._has_begun = self._held != ""
            return [replace(event, text=without_empty_thought(self._held))]
        if isinstance(event, GenerationEnd) and self._held:
            rest = TextDelta(text=without_empty_thought(self._held), output_token_count=event.output_token_count)
            return [rest, event]
        return [event]


class _ForcedReader:
    """Of one call: what stands before its input, the input, and no more."""

    def __init__(self, names: tuple[str, ...], new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        named = "|".join(re.escape(name) for name in names)
        self._opens = re.compile(rf"{_FORCED_HEAD.pattern}|\A\s*({named})\s*(?={{)")
        """Whose name is in a group; the last manner is that of a name without JSON around it."""
        self._head = ""
        self._depth: int | None = None
        """Of open brackets in the input; None before it, 0 behind it."""
        self._is_in_string = False
        self._is_escaped = False

    def read(self, event: GenerationEvent) -> list[AnswerEvent]:
        match event:
            case GenerationStart():
                return [event]
            case TextDelta():
                return self._text(event.text)
            case GenerationEnd():
                if self._depth == 0:
                    return [replace(event, finish_reason=FinishReason.TOOL_USE)]
                # Only too little room keeps a forced call from its end; the engine may have ended the turn for it.
                is_full = event.finish_reason is FinishReason.CONTEXT_FULL
                return [event if is_full else replace(event, finish_reason=FinishReason.MAX_TOKENS)]

    def _text(self, text: str) -> list[AnswerEvent]:
        if self._depth is not None:
            return self._input(text)
        self._head += text
        found = self._opens.search(self._head)
        if found is None or found.end() == len(self._head):
            return []  # the space before the input may still come
        name = next(name for name in found.groups() if name is not None)
        self._depth = -1
        return [ToolUseStart(id=self._new_id(), name=name), *self._input(self._head[found.end() :])]

    def _input(self, text: str) -> list[AnswerEvent]:
        if self._depth == 0:
            return []
        for index, character in enumerate(text):
            self._step(character)
            if self._depth == 0:
                return [ToolInputDelta(json_text=text[: index + 1]), ToolUseEnd()]
        return [ToolInputDelta(json_text=text)] if text else []

    def _step(self, character: str) -> None:
        if self._is_escaped:
            self._is_escaped = False
        elif character == '"':
            self._is_in_string = not self._is_in_string
        elif self._is_in_string:
            self._is_escaped = character == "\\"
        elif character in "{[":
            self._depth = max(self._depth or 0, 0) + 1
        elif character in "}]":
            self._depth = (self._depth or 0) - 1


class _FreeReader:
    def __init__(self, tools: tuple[Tool, ...], new_id: Callable[[], str]) -> None:
        self._schemas = {tool.name: tool.input_schema for tool in tools}
        self._names = tuple(self._schemas)
        self._new_id = new_id
        self._held = ""
        self._is_held_to_end = False
        self._has_text = False
        self._token_count = 0

    def read(self, event: GenerationEvent) -> list[AnswerEvent]:
        match event:
            case GenerationStart():
                return [event]
            case TextDelta():
                self._held += event.text
                self._token_count = event.output_token_count
                return self._release()
            case GenerationEnd():
                return self._ending(event)

    def _release(self) -> list[AnswerEvent]:
        """What can be no part of a call."""
        if self._is_held_to_end or (not self._has_text and may_begin_call(self._held, self._names)):
            return []
        at = self._held.find(TAG_OPENS)
        self._is_held_to_end = at >= 0
        if at < 0:
            at = next(
                (
                    len(self._held) - size
                    for size in range(len(TAG_OPENS) - 1, 0, -1)
                    if self._held.endswith(TAG_OPENS[:size])
                ),
                len(self._held),
            )
        free, self._held = self._held[:at], self._held[at:]
        return self._as_text(free)

    def _as_text(self, text: str) -> list[AnswerEvent]:
        if not text:
            return []
        self._has_text = True
        return [TextDelta(text=text, output_token_count=self._token_count)]

    def _ending(self, end: GenerationEnd) -> list[AnswerEvent]:
        read = read_calls(self._held, self._names) if self._held else None
        if read is None or not read.calls or not all(self._is_offered(call) for call in read.calls):
            return [*self._as_text(self._held), end]
        events: list[AnswerEvent] = self._as_text(read.text)
        for call in read.calls:
            events += [
                ToolUseStart(id=self._new_id(), name=call.name),
                ToolInputDelta(json_text=call.input_json),
                ToolUseEnd(),
            ]
        return [*events, replace(end, finish_reason=FinishReason.TOOL_USE)]

    def _is_offered(self, call: ToolCall) -> bool:
        schema = self._schemas.get(call.name)
        try:
            return schema is not None and satisfies(schema, call.input)
        except (ValidationFailed, RecursionError):
            return False
