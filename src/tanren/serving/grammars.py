"""Answers that satisfy a JSON schema: the tokens that may come next, and the way out before the budget ends.

    grammar     a forced tool call is `before` name `between` input `after` in the model's own form, the name one of the
                forced tools and the input by its schema; compiled for the model's tokenizer (llguidance)
    bounds      what a schema leaves open and no reader needs: integers stay within 2^53, numbers within 10^15, strings
                with a pattern or a format have at most 256 characters, objects with stated properties get no others
    budget      free strings and arrays are as long as the model likes and the token budget allows. The shortest way to
                the end of the answer (close the string, close the brackets, fill what is required with least) is known
                all along. Once the next token might be one too many, only such tokens may be drawn as leave a way to
                the end. So an answer that fits at all is always whole; one that does not fit ends with nothing said.

Cost     0.1 ms a token; near the end of the budget 1 to 5 ms, with 8,000 tokens in the vocabulary.
         Compiling a schema takes 1 to 10 ms and is kept for the next request; the first constraint of an engine
         reads its vocabulary, some 20 ms for each 1,000 tokens.

Shapes   V vocabulary
"""

import json
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import numpy as np
from llguidance import LLMatcher, LLTokenizer
from numpy.typing import NDArray

from tanren.domain.errors import ModelFailed, ValidationFailed
from tanren.domain.generation import GenerationRequest
from tanren.domain.tool_calls import CallForm

LARGEST_INTEGER: Final = 2**53 - 1
"""What every JSON reader holds exactly."""
LARGEST_NUMBER: Final = 1e15
PATTERN_LENGTH: Final = 256
"""Characters of a string with a pattern or a format; such a string could not be cut short."""
KEPT_GRAMMARS: Final = 64
NEAR_END_TOKENS: Final = 128
"""The most by which one token is thought to lengthen the way to the end."""
NEAR_END_CHOICES: Final = 4
"""Most probable tokens that are tried for a way to the end, once it is near."""

_SPACING: Final = {"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": False}
"""As `json.dumps` and the templates' `tojson` write, so the way models have learned JSON."""

_COMBINATORS: Final = ("anyOf", "oneOf", "allOf", "$ref", "if", "not")


def refuse_schema(schema: Mapping[str, Any], place: str) -> None:
    """Raises   ValidationFailed, with the keyword's name, where no grammar can hold an answer to this schema."""
    grammar = LLMatcher.grammar_from_json_schema(_bounded_schema(schema), overrides=_SPACING)  # pyright: ignore[reportArgumentType]
    is_wrong, reasons = LLMatcher.validate_grammar_with_warnings(grammar)
    if is_wrong:
        raise ValidationFailed(
            f"The JSON schema at {place} cannot be enforced: {' '.join(reasons[0].split())[:300]}. Remove the keyword "
            "or the value that it names, or let the model choose freely."
        )


class GrammarCompiler:
    """Of one tokenizer; used from any thread. What it makes serves one answer each."""

    def __init__(
        self,
        tokenizer_json: Callable[[], str],
        *,
        end_id: int,
        call_form: Callable[[], CallForm],
        special_pieces: Callable[[str], Sequence[str | int]],
    ) -> None:
        """`end_id` ends the assistant's turn. `special_pieces` cuts a text at the special tokens that it spells."""
        self._tokenizer_json = tokenizer_json
        self._end_id = end_id
        self._call_form = call_form
        self._special_pieces = special_pieces
        self._vocabulary: _Vocabulary | None = None
        self._compiled: OrderedDict[str, LLMatcher] = OrderedDict()
        self._compiling = threading.Lock()

    def constraint(self, request: GenerationRequest, budget: int) -> "ConstrainedAnswer | None":
        """What the answer's tokens may be, `budget` being all that it may have; None where the model is free.

        Raises   ValidationFailed where the schema, or the tokenizer, is none that an answer can be held to.
        """
        if request.forced_tools:
            forced = [tool for tool in request.conversation.tools if tool.name in request.forced_tools]
            return self._answer([(tool.name, tool.input_schema) for tool in forced], budget)
        if request.answer_schema is not None:
            return self._answer([(None, request.answer_schema)], budget)
        return None

    def _answer(self, choices: list[tuple[str | None, Mapping[str, Any]]], budget: int) -> "ConstrainedAnswer":
        bounded = [(name, _bounded_schema(schema)) for name, schema in choices]
        grammar = self._grammar(bounded)
        with self._compiling:
            if self._vocabulary is None:
                self._vocabulary = _Vocabulary(self._tokenizer_json(), self._end_id)
            matcher = self._compiled.get(grammar)
            if matcher is None:
                matcher = LLMatcher(self._vocabulary.tokenizer, LLMatcher.grammar_from_lark(grammar), log_level=0)
                if matcher.is_error():
                    raise ValidationFailed(
                        f"The JSON schema cannot be enforced: {' '.join(matcher.get_error().split())[:300]}"
                    )
                self._compiled[grammar] = matcher
            self._compiled.move_to_end(grammar)
            if len(self._compiled) > KEPT_GRAMMARS:
                self._compiled.popitem(last=False)
            matcher = matcher.deep_copy()
        growth_bytes = max(_least_bytes(schema) for _, schema in bounded)
        return ConstrainedAnswer(matcher, self._vocabulary, budget, growth_bytes)

    def _grammar(self, choices: list[tuple[str | None, dict[str, Any]]]) -> str:
        """In llguidance's dialect of Lark."""
        form = self._call_form()
        alternatives: list[str] = []
        rules: list[str] = []
        for index, (name, schema) in enumerate(choices):
            written = "" if name is None else self._literal(f"{json.dumps(name)[1:-1]}{form.between}")
            alternatives.append(f"{written} input_{index}")
            rules.append(f"input_{index}: %json {json.dumps({**schema, 'x-guidance': _SPACING})}")
        is_call = choices[0][0] is not None
        before, after = (self._literal(form.before), self._literal(form.after)) if is_call else ("", "")
        return "\n".join([f"start: {before} answer {after}", f"answer: {' | '.join(alternatives)}", *rules])

    def _literal(self, text: str) -> str:
        pieces = self._special_pieces(text)
        return " ".join(f"<[{piece}]>" if isinstance(piece, int) else json.dumps(piece) for piece in pieces)


class ConstrainedAnswer:
    """Implements `serving/sampling.py`'s TokenConstraint."""

    def __init__(self, matcher: LLMatcher, vocabulary: "_Vocabulary", budget: int, growth_bytes: int) -> None:
        """`growth_bytes`: by how much one token may lengthen the shortest way to the end, in bytes of JSON."""
        self._matcher = matcher
        self._vocabulary = vocabulary
        self._left = budget
        self._text = _JsonText()
        self._way: list[int] | None = None
        """The shortest way to the end, where it must be known at every step; None while there is room."""
        self._is_complete = False
        way = self._shortest_way(self._matcher, self._text, self._left)
        self._is_hopeless = way is None
        """Nothing whole fits the budget, so nothing is said."""
        spelt = sum(len(vocabulary.bytes_of(token)) for token in way or [])
        growth = math.ceil(1.25 * growth_bytes * len(way or []) / max(spelt, 1)) + 2
        self._growth = min(growth, NEAR_END_TOKENS)
        self._steps_to_look = 0
        self._look(way)

    def mask(self, logits_V: NDArray[np.float32]) -> NDArray[np.float32]:
        masked_V = np.full_like(logits_V, -np.inf)
        if self._is_hopeless:
            masked_V[self._vocabulary.end_id] = logits_V[self._vocabulary.end_id]
            return masked_V
        # A model may have more rows of logits than its tokenizer has tokens, or fewer.
        allowed = np.flatnonzero(self._vocabulary.allowed(self._matcher)[: len(logits_V)])
        masked_V[allowed] = logits_V[allowed]
        return masked_V if self._way is None else self._near_end(masked_V, self._way)

    def accept(self, token: int) -> None:
        """Raises   ModelFailed where the grammar refuses what it had allowed, which is our fault or the library's."""
        if token == self._vocabulary.end_id:
            self._is_complete = True
            return
        if not self._matcher.consume_token(token):
            raise ModelFailed(f"the answer's grammar refuses a token that it had allowed: {self._matcher.get_error()}")
        self._text.add(self._vocabulary.bytes_of(token))
        self._left -= 1
        self._is_complete = self._matcher.is_stopped()
        self._steps_to_look -= 1
        if self._steps_to_look <= 0 and not self._is_complete:
            self._look(self._shortest_way(self._matcher, self._text, self._left))

    @property
    def is_complete(self) -> bool:
        return self._is_complete

    def _look(self, way: list[int] | None) -> None:
        """Keeps the way in mind if the next token might be one too many, else says when to look again."""
        spare = 0 if way is None else self._left - len(way) - self._growth
        self._way = way if spare <= 0 else None
        # Until then the way may grow by three tokens for each that is written; what one can add is held in reserve.
        self._steps_to_look = max(1, spare // 4)

    def _near_end(self, masked_V: NDArray[np.float32], way: list[int]) -> NDArray[np.float32]:
        """Of the allowed tokens only those behind which the answer still ends in time."""
        if not way:
            return masked_V
        choices = np.argpartition(masked_V, -NEAR_END_CHOICES)[-NEAR_END_CHOICES:]
        kept = [way[0], *(int(token) for token in choices if self._leaves_way(int(token), masked_V))]
        near_V = np.full_like(masked_V, -np.inf)
        near_V[kept] = masked_V[kept]
        return near_V

    def _leaves_way(self, token: int, masked_V: NDArray[np.float32]) -> bool:
        if masked_V[token] == -np.inf or token == self._vocabulary.end_id:
            return token == self._vocabulary.end_id and masked_V[token] > -np.inf
        matcher, text = self._matcher.deep_copy(), self._text.copy()
        text.add(self._vocabulary.bytes_of(token))
        return matcher.consume_token(token) and self._shortest_way(matcher, text, self._left - 1) is not None

    def _shortest_way(self, matcher: LLMatcher, text: "_JsonText", left: int) -> list[int] | None:
        """Tokens that end the answer from there; None where they are more than are left."""
        matcher, text = matcher.deep_copy(), text.copy()
        way: list[int] = []
        while not matcher.is_accepting():
            if len(way) >= left:
                return None
            token = self._vocabulary.closing(matcher, is_in_string=text.is_in_string)
            if not matcher.consume_token(token):
                return None
            text.add(self._vocabulary.bytes_of(token))
            way.append(token)
        return way


class _JsonText:
    """Whether JSON written so far has an open string."""

    __slots__ = ("_is_escaped", "is_in_string")

    def __init__(self) -> None:
        self.is_in_string = False
        self._is_escaped = False

    def add(self, piece: bytes) -> None:
        for byte in piece:
            if self._is_escaped:
                self._is_escaped = False
            elif byte == 0x22:
                self.is_in_string = not self.is_in_string
            elif byte == 0x5C:
                self._is_escaped = self.is_in_string

    def copy(self) -> "_JsonText":
        other = _JsonText()
        other.is_in_string, other._is_escaped = self.is_in_string, self._is_escaped
        return other


class _Vocabulary:
    """The tokenizer's tokens, with an order of preference for closing an answer soon."""

    def __init__(self, tokenizer_json: str, end_id: int) -> None:
        try:
            self.tokenizer = LLTokenizer(tokenizer_json, eos_token=[end_id])
        except ValueError as error:
            raise ValidationFailed(
                f"This model doesn't support forced tools or structured output: its tokenizer has no grammar ({error})."
            ) from error
        self.end_id = end_id
        size = self.tokenizer.vocab_size
        self._bytes = [
            b"" if self.tokenizer.is_special_token(token) else self.tokenizer.decode_bytes([token])
            for token in range(size)
        ]
        self._in_string = _order([_rank_in_string(piece) for piece in self._bytes])
        self._between = _order([_rank_between(piece) for piece in self._bytes])

    def bytes_of(self, token: int) -> bytes:
        return self._bytes[token]

    def allowed(self, matcher: LLMatcher) -> NDArray[np.bool_]:
        bits = np.frombuffer(matcher.compute_bitmask(), np.uint8)
        return np.unpackbits(bits, count=len(self._bytes), bitorder="little").astype(np.bool_)

    def closing(self, matcher: LLMatcher, *, is_in_string: bool) -> int:
        """The allowed token that brings the end nearest."""
        order = self._in_string if is_in_string else self._between
        return int(order[self.allowed(matcher)[order].argmax()])


def _order(ranks: list[tuple[int, int]]) -> NDArray[np.int64]:
    return np.array(sorted(range(len(ranks)), key=ranks.__getitem__), dtype=np.int64)


def _rank_in_string(piece: bytes) -> tuple[int, int]:
    """First what closes the string and the most brackets, then the longest: it makes the most progress."""
    if piece.startswith(b'"'):
        return (0 if not piece.strip(b'"}]') else 1, -len(piece))
    return (2 if piece else 9, -len(piece))


def _rank_between(piece: bytes) -> tuple[int, int]:
    """First closing brackets, then what must follow, then the shortest values; zero last of digits: -0.000 is none."""
    begun = piece.lstrip()[:1]
    if piece and not piece.strip(b"}]"):
        return (0, -len(piece))
    for rank, beginnings in enumerate((b"}]", b",:", b"123456789", b"0", b"n", b'"', b"tf", b"[", b"{"), start=1):
        if begun and begun in beginnings:
            return (rank, len(piece) if begun.isdigit() else -len(piece))
    return (11 if piece else 12, -len(piece))


def _bounded_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", _bounded(dict(schema), may_close=not _is_combined(dict(schema))))


def _is_combined(value: Any) -> bool:
    """Whether somewhere an object's properties are stated in more than one place; closing one would forbid the rest."""
    if isinstance(value, list):
        return any(_is_combined(each) for each in cast("list[Any]", value))
    if not isinstance(value, dict):
        return False
    members = cast("dict[str, Any]", value)
    is_here = "allOf" in members or ("properties" in members and any(name in members for name in _COMBINATORS))
    return is_here or any(_is_combined(each) for each in members.values())


def _bounded(schema: Any, *, may_close: bool) -> Any:
    """The schema with bounds where it has none; every answer to it is an answer to the original."""
    if not isinstance(schema, dict):
        return schema
    members = cast("dict[str, Any]", schema)
    bounded = {name: _bounded_member(name, value, may_close=may_close) for name, value in members.items()}
    stated: Any = members.get("type")
    types = cast("list[Any]", stated) if isinstance(stated, list) else [stated]
    largest = LARGEST_INTEGER if "integer" in types else LARGEST_NUMBER
    is_number = "integer" in types or "number" in types
    if is_number and not {"enum", "const"} & members.keys():
        if not {"minimum", "exclusiveMinimum"} & members.keys():
            bounded["minimum"] = min(-largest, members.get("maximum", 0), members.get("exclusiveMaximum", 0) - 1)
        if not {"maximum", "exclusiveMaximum"} & members.keys():
            bounded["maximum"] = max(largest, members.get("minimum", 0), members.get("exclusiveMinimum", 0) + 1)
    if "string" in types and {"pattern", "format"} & members.keys() and "maxLength" not in members:
        bounded["maxLength"] = max(PATTERN_LENGTH, members.get("minLength", 0))
    if may_close and "properties" in members and not {"additionalProperties", "patternProperties"} & members.keys():
        has_others = set(members.get("required", ())) - members["properties"].keys()
        if not has_others:
            bounded["additionalProperties"] = False
    return bounded


def _bounded_member(name: str, value: Any, *, may_close: bool) -> Any:
    match name:
        case "properties" | "$defs" | "definitions" | "patternProperties" if isinstance(value, dict):
            named = cast("dict[str, Any]", value)
            return {key: _bounded(each, may_close=may_close) for key, each in named.items()}
        case "items" | "additionalProperties":
            return _bounded(value, may_close=may_close)
        case "anyOf" | "oneOf" | "allOf" | "prefixItems" if isinstance(value, list):
            return [_bounded(each, may_close=may_close) for each in cast("list[Any]", value)]
        case _:
            return value


def _least_bytes(root: Mapping[str, Any]) -> int:
    """Bytes of the largest among the least answers to the schema's parts, about; each part counted in its holder's.

    Why      it is what one token that opens a part can add to the way to the end.
    Cost     each reference is followed once, so linear in the schema.
    """
    followed: set[str] = set()

    def least(schema: Any) -> int:
        if not isinstance(schema, dict):
            return 8
        members = cast("dict[str, Any]", schema)
        found = 16 + 2 * int(members.get("minLength", 0)) + (48 if "pattern" in members else 0)
        for key, each in cast("dict[str, Any]", members.get("properties") or {}).items():
            inner = len(json.dumps(key)) + 4 + least(each)
            found = found + inner if key in members.get("required", ()) else max(found, inner)
        for branches in (members.get("anyOf"), members.get("oneOf"), members.get("allOf")):
            found = max([found, *(least(each) for each in cast("list[Any]", branches or []))])
        for value in [*members.get("enum", ()), *([members["const"]] if "const" in members else [])]:
            found = max(found, len(json.dumps(value)))
        reference: Any = members.get("$ref")
        if isinstance(reference, str) and reference not in followed:
            followed.add(reference)
            found = max(found, least(_pointed(reference, root)))
        if "items" in members:
            found = max(found, 4 + least(members["items"]) * max(1, int(members.get("minItems", 0))))
        return found

    return least(dict(root))


def _pointed(reference: str, root: Mapping[str, Any]) -> Any:
    """The schema at a `#/…` reference; None where there is none."""
    value: Any = root
    for part in reference.removeprefix("#").strip("/").split("/") if reference.strip("#/") else []:
        name = part.replace("~1", "/").replace("~0", "~")
        value = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
    return value
