"""A tool call as a model writes it: JSON text, read back into name and input.

    {"name": "get_weather", "arguments": {"city": "Rome"}}                 an object alone, or a list of them
    <tool_call>\\n{"name": …, "arguments": …}\\n</tool_call>                  the same in tags, anywhere in the text

The names of the two members differ from model to model; those of `CALL_MEMBERS` are known. An object is a call only if
it has these two members (an `id` beside them is allowed), so JSON that merely looks like it stays text.

Both ends read with this module: the engine's side to learn the manner in which a chat template writes calls, the
gateway's side to recognise them in an answer.

Source   the chat templates of the open families (Hermes and Qwen: tags; Llama 3.1: "parameters"; Mistral: a list) and
         of nano, which was taught four pairs of names.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, cast

CALL_MEMBERS: Final = (
    ("name", "arguments"),
    ("name", "parameters"),
    ("tool", "arguments"),
    ("function", "args"),
)
"""Of the tool's name and of its input."""

TAG_OPENS: Final = "<tool_call>"
TAG_CLOSES: Final = "</tool_call>"

_TAGGED: Final = re.compile(f"{TAG_OPENS}(.*?){TAG_CLOSES}", re.DOTALL)
_BEGINNING: Final = re.compile(r"\s*(\[\s*)?(\Z|\{\s*(\Z|\"))")
_EXTRA_MEMBERS: Final = frozenset({"id", "type"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallForm:
    """How a model writes a call: `before` name `between` input `after`, special tokens as they are spelt."""

    before: str
    between: str
    after: str

    def written(self, name: str, input_json: str) -> str:
        return f"{self.before}{name}{self.between}{input_json}{self.after}"


STATED_FORM: Final = CallForm(before='{"name": "', between='", "arguments": ', after="}")
"""Where the model's chat template has no manner of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    name: str
    input: Mapping[str, Any]

    @property
    def input_json(self) -> str:
        return json.dumps(self.input, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAnswer:
    text: str
    """What stands beside the calls."""
    calls: tuple[ToolCall, ...]


def read_calls(answer: str) -> ReadAnswer:
    """The calls of a whole answer, and the text beside them; the answer itself, without calls, where one is broken."""
    tagged = _TAGGED.findall(answer)
    pieces = tagged or [answer]
    calls: list[ToolCall] = []
    for piece in pieces:
        found = _calls_of(piece)
        if not found:
            return ReadAnswer(text=answer, calls=())
        calls += found
    return ReadAnswer(text=_TAGGED.sub("", answer).strip() if tagged else "", calls=tuple(calls))


def may_begin_call(text: str) -> bool:
    """Whether an answer that begins with `text` may turn out to be one call, or a list of them."""
    return _BEGINNING.match(text) is not None


def _calls_of(text: str) -> list[ToolCall]:
    stripped = text.strip()
    if not stripped or stripped[0] not in "{[":
        return []
    try:
        value: Any = json.loads(stripped, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError):
        return []
    items = cast("list[Any]", value) if isinstance(value, list) else [value]
    calls = [_call_of(item) for item in items]
    return [] if None in calls else [call for call in calls if call is not None]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _call_of(value: object) -> ToolCall | None:
    if not isinstance(value, dict):
        return None
    members = cast("dict[str, Any]", value)
    for name, arguments in CALL_MEMBERS:
        if {name, arguments} <= members.keys() <= {name, arguments, *_EXTRA_MEMBERS}:
            called, given = members[name], members[arguments]
            if isinstance(called, str) and isinstance(given, dict):
                return ToolCall(name=called, input=cast("dict[str, Any]", given))
    return None
