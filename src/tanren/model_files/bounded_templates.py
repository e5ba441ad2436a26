"""A model's chat template, run as what it is: a stranger's program.

Jinja's sandbox keeps a template from Python's insides and from nothing else: `range(10**5)` twice nested runs for
hours, `'a' * 10**10` takes all memory. Here a template has an allowance of steps, of characters and of seconds, and
only the filters and methods that chat templates use. Ordinary templates render exactly as in transformers.

Algorithm   the syntax tree gets a count at the head of every loop body and macro; joining text (`~`), arithmetic,
            filters and calls go through the environment, which knows the size of what they would make before they do.
Cost        one comparison an iteration; a template is compiled once.
"""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

from jinja2 import TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

from tanren.domain.errors import UnsafeModel

TEMPLATE_CHARACTERS_CAP: Final = 256 * 1024
STEPS_CAP: Final = 200_000
"""Iterations and macro calls of one rendering: a conversation of thousands of messages takes some ten thousand."""
SECONDS_CAP: Final = 5.0
"""Of the processor, so that a busy machine refuses nothing that an idle one renders."""
_UNCLOCKED_CHARACTERS: Final = 8192
"""Made between two looks at the clock: a look costs as much as some hundred characters."""
_CALL_CHARACTERS: Final = 256
"""What a call counts for beside the characters that it makes."""
_FACTOR: Final = 8
"""Characters that a rendering may make: this many times those it is given, and _FREE_CHARACTERS."""
_FREE_CHARACTERS: Final = 4 * 1024 * 1024
STANDING_DATE: Final = datetime(2024, 7, 26, tzinfo=UTC)
"""What a template is told to be today, always; the date that Llama 3's templates take where they have no clock.

Why      a model would be asked otherwise on every day than on the day it was trained, a run that is resumed after
         midnight would go on with other tokens, and no prompt of yesterday would be found in the cache. Who wants the
         model to know the date, says it in the system prompt.
"""
_FILTERS: Final = frozenset(
    """abs attr batch capitalize count d default dictsort e escape first float forceescape groupby indent int items join
    last length list lower map max min reject rejectattr replace reverse round safe select selectattr sort string title
    tojson trim truncate unique upper wordcount""".split()  # noqa: SIM905 (a word a name reads better)
)
_METHODS: Final = frozenset(
    """capitalize casefold count endswith find get index isalnum isalpha isdecimal isdigit islower isnumeric isspace
    istitle isupper items join keys lower lstrip partition removeprefix removesuffix replace rfind rpartition rsplit
    rstrip split splitlines startswith strip swapcase title upper values""".split()  # noqa: SIM905
)
_INTEGER_BITS_CAP: Final = 4096
_BUILTINS: Final = (str, bytes, int, float, list, tuple, dict, set, frozenset)


class TemplateOverrun(TemplateError):
    """The template takes more than it is allowed."""


class BoundedTemplate:
    """Raises UnsafeModel at construction where the template is too long or is none; at a rendering TemplateError."""

    def __init__(self, source: str) -> None:
        if len(source) > TEMPLATE_CHARACTERS_CAP:
            raise UnsafeModel(
                f"The chat template has {len(source)} characters; at most {TEMPLATE_CHARACTERS_CAP} are read."
            )
        environment = _Environment()
        try:
            self._template = environment.from_string(source)
        except (TemplateError, RecursionError, SyntaxError, ValueError, MemoryError) as error:
            raise UnsafeModel(f"The chat template cannot be read: {str(error)[:300]}.") from error
        self._environment = environment

    def render(self, variables: Mapping[str, Any]) -> str:
        """Raises   TemplateError where the template refuses, fails, or takes more than it is allowed.

        For use by one thread at a time.
        """
        self._environment.begin(len(str(variables)))
        try:
            return self._template.render(**variables)
        except TemplateError:
            raise
        except RecursionError as error:
            raise TemplateOverrun("the chat template calls itself without end") from error
        except (OverflowError, MemoryError) as error:
            raise TemplateOverrun(f"the chat template asks for too much: {str(error)[:200]}") from error
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise TemplateError(f"the chat template fails: {type(error).__name__}: {str(error)[:200]}") from error


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%", "**"))

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[_Generation, loopcontrols],
            finalize=self.written,
            optimized=False,
        )
        self._steps = 0
        self._characters = 0
        self._unclocked = 0
        """Characters made since the clock was last looked at."""
        self._deadline = 0.0
        self.filters = {name: self._filter(name, call) for name, call in self.filters.items() if name in _FILTERS}
        self.filters["tojson"] = self._filter("tojson", _tojson)
        self.globals = {
            "range": self.globals["range"],
            "dict": dict,
            "namespace": _Namespace,
            "raise_exception": _raise,
            "strftime_now": _strftime_now,
        }
        self.begin(0)

    def begin(self, given_characters: int) -> None:
        self._steps = STEPS_CAP
        self._characters = _FREE_CHARACTERS + _FACTOR * given_characters
        self._unclocked = 0
        self._deadline = time.thread_time() + SECONDS_CAP

    # What the rewritten template calls.

    def step(self, characters: int) -> str:
        self._steps -= 1
        if self._steps < 0:
            raise TemplateOverrun(f"the chat template takes more than {STEPS_CAP} steps; it may never end")
        self._make(characters)
        return ""

    def joined(self, *parts: Any) -> str:
        texts = [str(part) for part in parts]
        self._make(sum(map(len, texts)))
        return "".join(texts)

    def held(self, value: Any) -> Any:
        self._make(_weight(value), "lists")
        return value

    def written(self, value: Any) -> Any:
        if isinstance(value, str):
            self._make(len(value))
            return value
        text = str(value)
        self._make(len(text))
        return text

    # What the sandbox asks.

    def wrap_str_format(self, value: Any) -> Any:
        if super().wrap_str_format(value) is not None:
            raise SecurityError("the chat template uses str.format, which is not allowed; use ~")
        return None

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, _BUILTINS) and attr not in _METHODS:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def unsafe_undefined(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, _BUILTINS) and not attribute.startswith("_"):
            # A template that only asks whether there is such a thing is answered no.
            return self.undefined(obj=obj, name=attribute)
        raise SecurityError(
            f"the chat template reaches for {attribute!r} of {type(obj).__name__}, which is not allowed"
        )

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**":
            raise SecurityError("the chat template uses **, which is not allowed")
        if operator == "%" and isinstance(left, (str, bytes)):
            raise SecurityError("the chat template formats with %, which is not allowed; use ~")
        if isinstance(left, int) and isinstance(right, int):
            if left.bit_length() + right.bit_length() > _INTEGER_BITS_CAP:
                raise TemplateOverrun(f"the chat template makes numbers of over {_INTEGER_BITS_CAP} bits")
        elif operator == "*":
            self._make(_product_size(left, right))
        elif operator == "+":
            self._make(_weight(left) + _weight(right))
        return super().call_binop(context, operator, left, right)

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        owner = getattr(obj, "__self__", None)
        if obj is dict:
            self._make(_weight([*args, kwargs]))
        elif isinstance(owner, str):
            name = getattr(obj, "__name__", "")
            if name == "replace" and len(args) >= 2:
                self._make(_replaced_size(owner, args[0], args[1]))
            elif name == "join" and args:
                args = (self._counted(args[0], len(owner)), *args[1:])
            else:
                self._make(len(owner))
        return super().call(context, obj, *args, **kwargs)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = Parser(self, source, name, filename).parse()
        return cast(nodes.Template, _Counting().visit(tree))

    def _filter(self, name: str, call: Any) -> Any:
        passed = getattr(call, "jinja_pass_arg", None)

        def counted(*args: Any, **kwargs: Any) -> Any:
            given = list(args)
            at = 0 if passed is None else 1
            value = given[at] if len(given) > at else None
            rest = given[at + 1 :]
            if name == "replace" and len(rest) >= 2:
                self._make(_replaced_size(str(value), rest[0], rest[1]))
            elif name == "join":
                joiner = str(rest[0] if rest else kwargs.get("d", ""))
                given[at] = self._counted(value, len(joiner))
            elif name == "indent":
                width = rest[0] if rest else kwargs.get("width", 4)
                wide = len(width) if isinstance(width, str) else int(width)
                text = str(value)
                self._make(len(text) + wide * (text.count("\n") + 1))
            elif name in ("tojson", "batch"):
                if name == "tojson":
                    wide = kwargs.get("indent", rest[1] if len(rest) > 1 else None)
                    if wide is not None and not (type(wide) is int and 0 <= wide <= 16):
                        raise SecurityError("the chat template asks tojson for an indent over 16, which is not allowed")
                if name == "batch" and rest and not (type(rest[0]) is int and 0 < rest[0] <= 1000):
                    raise SecurityError("the chat template asks for batches over 1000, which is not allowed")
            elif isinstance(value, str):
                self._make(len(value))
            return call(*given, **kwargs)

        if passed is not None:
            counted.jinja_pass_arg = passed  # type: ignore[attr-defined]
        return counted

    def _counted(self, values: Any, joiner: int) -> list[Any]:
        found: list[Any] = list(values)
        self._make(sum(_weight(each) + joiner for each in found))
        return found

    def _make(self, size: int, what: str = "text") -> None:
        self._characters -= size
        if self._characters < 0:
            raise TemplateOverrun(f"the chat template makes more {what} than a conversation could need")
        self._unclocked += size + _CALL_CHARACTERS
        if self._unclocked < _UNCLOCKED_CHARACTERS:
            return
        self._unclocked = 0
        if time.thread_time() > self._deadline:
            raise TemplateOverrun(
                f"the chat template takes more than {SECONDS_CAP:g} seconds of computing; it may never end"
            )


class _Counting(NodeTransformer):
    """Rewrites a template: every loop body and macro counts a step, and `~` goes through the environment."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        return self._counted(node)

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:
        return self._counted(node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:
        return self._counted(node)

    def visit_List(self, node: nodes.List) -> nodes.Node:
        return self._held(node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        return self._held(node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        return self._held(node) if node.ctx == "load" else node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return nodes.Call(nodes.EnvironmentAttribute("joined"), node.nodes, [], None, None, lineno=node.lineno)

    def _held(self, node: Any) -> nodes.Node:
        self.generic_visit(node)
        return nodes.Call(nodes.EnvironmentAttribute("held"), [node], [], None, None, lineno=node.lineno)

    def _refuse(self, node: nodes.Node) -> nodes.Node:
        raise SecurityError(f"it uses {type(node).__name__.lower()}, which a chat template has no need of")

    visit_Include = visit_Import = visit_FromImport = visit_Extends = _refuse

    def _counted(self, node: Any) -> nodes.Node:
        self.generic_visit(node)
        static = sum(len(data.data) for part in node.body for data in part.find_all(nodes.TemplateData))
        static += sum(len(part.data) for part in node.body if isinstance(part, nodes.TemplateData))
        call = nodes.Call(nodes.EnvironmentAttribute("step"), [nodes.Const(static)], [], None, None, lineno=node.lineno)
        node.body.insert(0, nodes.ExprStmt(call, lineno=node.lineno))
        return node


class _Generation(Extension):
    """`{% generation %}`, with which some templates mark what the assistant says: rendered as it stands."""

    tags = {"generation"}  # noqa: RUF012 (as Extension declares it)

    def parse(self, parser: Any) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


class _Namespace(Namespace):
    def __repr__(self) -> str:
        # Namespaces that hold each other would be written out without end.
        return "<namespace>"

    def __setitem__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            raise SecurityError(f"the chat template stores {name!r} on a namespace, which is not allowed")
        super().__setitem__(name, value)


def _weight(value: Any) -> int:
    """About as many as the characters that the value would be written with.

    Why      lists of lists that are the same list weigh as often as they would be written.
    """
    found, waiting = 0, [value]
    while waiting:
        each = waiting.pop()
        found += len(each) if isinstance(each, (str, bytes)) else 8
        if found > 2 * _FREE_CHARACTERS:
            return found
        if isinstance(each, dict):
            waiting.extend(cast("dict[Any, Any]", each).keys())
            waiting.extend(cast("dict[Any, Any]", each).values())
        elif isinstance(each, (list, tuple)):
            waiting.extend(cast("list[Any]", each))
    return found


def _product_size(left: Any, right: Any) -> int:
    for sequence, times in ((left, right), (right, left)):
        if isinstance(sequence, (str, bytes, list, tuple)) and isinstance(times, int):
            return _weight(sequence) * max(times, 0)
    return 32


def _replaced_size(text: str, old: Any, new: Any) -> int:
    places = text.count(str(old)) if str(old) else len(text) + 1
    return len(text) + places * len(str(new))


def _raise(message: Any) -> None:
    raise TemplateError(str(message))


def _strftime_now(pattern: str) -> str:
    if len(pattern) > 100 or any(character.isdigit() for character in pattern):
        # %0999999999Y would fill its field.
        raise SecurityError("the chat template asks strftime_now for an odd pattern, which is not allowed")
    return STANDING_DATE.strftime(pattern)


def _tojson(
    x: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
