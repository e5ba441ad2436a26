"""A tool call as a model writes it: JSON text, read back into name and input.

    {"name": "get_weather", "arguments": {"city": "Rome"}}                 an object alone, or a list of them
    <tool_call>\\n{"name": …, "arguments": …}\\n</tool_call>                  the same in tags, anywhere in the text
    get_weather{"city": "Rome"}                                            a known name and its input, one or several

The names of the two members differ from model to model; those of `CALL_MEMBERS` are known. An object is a call only if
it has these two members (an `id` beside them is allowed), so JSON that merely looks like it stays text.

Both ends read with this module: the engine's side to learn the manner in which a chat template writes calls, the
gateway's side to recognise them in an answer.

Control tokens that a model writes around its calls ([TOOL_CALLS], [ARGS], <|python_tag|>) are no part of an answer's
text, so none is looked for. An empty thought, which some families write before an answer, is no part of it either.

Source   the chat templates of the open families (Hermes and Qwen: tags; Llama 3.1: "parameters"; Mistral: a list, and
         name and input side by side since its 11th tokenizer) and of nano, which was taught four pairs of names.
"""

import json
import re
from collections.abc import Mapping, Sequence
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
_EMPTY_THOUGHT: Final = re.compile(r"<think>\s*</think>\s*")
_EXTRA_MEMBERS: Final = frozenset({"id", "type"})


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_STRICT: Final = json.JSONDecoder(parse_constant=_refuse_constant)


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


def read_calls(answer: str, names: Sequence[str] = ()) -> ReadAnswer:
    """The calls of a whole answer, and the text beside them; the answer itself, without calls, where one is broken.

    `names`: of the tools that may be called, for the manner that has no JSON around the name.
    """
    tagged = _TAGGED.findall(answer)
    pieces = tagged or [answer]
    calls: list[ToolCall] = []
    for piece in pieces:
        found = _calls_of(piece) or _named_calls(piece, names)
        if not found:
            return ReadAnswer(text=answer, calls=())
        calls += found
    return ReadAnswer(text=_TAGGED.sub("", answer).strip() if tagged else "", calls=tuple(calls))


def may_begin_call(text: str, names: Sequence[str] = ()) -> bool:
    """Whether an answer that begins with `text` may turn out to be one call, or several of them."""
    if _BEGINNING.match(text) is not None:
        return True
    begun = text.lstrip()
    return any(
        name.startswith(begun) or (begun.startswith(name) and begun[len(name) :].lstrip()[:1] in ("", "{"))
        for name in names
    )


def without_empty_thought(answer: str) -> str:
    """The answer without a `<think></think>` that it begins with and that says nothing."""
    found = _EMPTY_THOUGHT.match(answer)
    return answer if found is None else answer[found.end() :]


def may_begin_empty_thought(text: str) -> bool:
    """Whether an answer that begins with `text` may turn out to begin with a thought that says nothing."""
    return text.startswith("<") and "<think></think>".startswith("".join(text.split()))


def _named_calls(text: str, names: Sequence[str]) -> list[ToolCall]:
    """Of `name{…}name{…}`; empty where anything else stands among them."""
    calls: list[ToolCall] = []
    rest = text.strip()
    while rest:
        name = next((each for each in names if rest.startswith(each) and rest[len(each) :].lstrip()[:1] == "{"), None)
        if name is None:
            return []
        rest = rest[len(name) :].lstrip()
        try:
            value, end = _STRICT.raw_decode(rest)
            json.dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            return []
        calls.append(ToolCall(name=name, input=cast("dict[str, Any]", value)))
        rest = rest[end:].lstrip()
    return calls


def _calls_of(text: str) -> list[ToolCall]:
    stripped = text.strip()
    if not stripped or stripped[0] not in "{[":
        return []
    try:
        value: Any = _STRICT.decode(stripped)
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError):
        return []
    items = cast("list[Any]", value) if isinstance(value, list) else [value]
    calls = [_call_of(item) for item in items]
    return [] if None in calls else [call for call in calls if call is not None]


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
