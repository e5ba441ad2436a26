"""The JSON schemas of tools' inputs: whether they are any, whether an input satisfies one.

A schema comes from a caller and is worked with in the process that answers everybody. So it is bounded in size,
references lead within it and are followed a bounded number of times, nothing is fetched, and its patterns run in
linear time (llguidance's regular expressions, not Python's).

Source   JSON Schema draft 2020-12, or the draft that `$schema` names; validation by the package `jsonschema`.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, Final, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend, validator_for
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper
from referencing import Registry

from tanren.domain.errors import ValidationFailed

MAX_SCHEMA_BYTES: Final = 64 * 1024
UNCHECKED: Final = ("patternProperties", "$dynamicRef", "$recursiveRef", "$id", "$anchor")
MAX_STEPS: Final = 20_000
"""References followed and patterns matched in one validation."""


def check_schema(schema: object, place: str) -> Mapping[str, Any]:
    """The schema of a tool's input or a structured answer. Raises   ValidationFailed where it is none that works."""
    if not isinstance(schema, Mapping):
        raise ValidationFailed(f"The value at {place} must be a JSON schema, an object.")
    members = cast("Mapping[str, Any]", schema)
    if members.get("type") != "object":
        raise ValidationFailed(f"The value at {place}.type must be one of the following: object.")
    try:
        size = len(json.dumps(members, ensure_ascii=False).encode())
        if size > MAX_SCHEMA_BYTES:
            raise ValidationFailed(
                f"The JSON schema at {place} has {size} bytes; at most {MAX_SCHEMA_BYTES} are taken."
            )
        _refuse_what_cannot_be_checked(members, place, members)
        _validator_of(members).check_schema(members)
        satisfies(members, {})
    except SchemaError as error:
        where = ".".join([place, *(str(part) for part in error.absolute_path)])
        raise ValidationFailed(f"The JSON schema at {where} is not valid: {error.message[:300]}.") from error
    except UnicodeEncodeError as error:
        raise ValidationFailed(f"The JSON schema at {place} holds half of a surrogate pair.") from error
    except RecursionError as error:
        raise ValidationFailed(f"The JSON schema at {place} is nested too deeply, or refers to itself.") from error
    return members


def satisfies(schema: Mapping[str, Any], value: object) -> bool:
    """For a schema that `check_schema` has let through. Raises   ValidationFailed where it takes too many steps."""
    left = MAX_STEPS
    kind: Any = validator_for(schema, default=Draft202012Validator)
    follow = kind.VALIDATORS["$ref"]

    def step() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise ValidationFailed(f"The JSON schema takes more than {MAX_STEPS} steps to check an input against.")

    def reference(validator: Any, target: Any, instance: Any, holder: Any) -> Iterator[ValidationError]:
        step()
        yield from follow(validator, target, instance, holder) or ()

    def pattern(validator: Any, expression: str, instance: Any, holder: Any) -> Iterator[ValidationError]:
        step()
        if isinstance(instance, str) and not _matches(expression, instance):
            yield ValidationError(f"{instance!r} does not match {expression!r}")

    bounded: Any = extend(kind, {"$ref": reference, "pattern": pattern})
    errors = bounded(schema, registry=Registry()).iter_errors(value)
    return next(errors, None) is None


def _refuse_what_cannot_be_checked(
    value: object, place: str, root: Mapping[str, Any], *, is_named: bool = False
) -> None:
    """References out of the schema or to nothing, and keywords whose patterns `jsonschema` runs by itself.

    `is_named`: the members are names of the caller's, not keywords.
    """
    if isinstance(value, Mapping):
        for name, each in cast("Mapping[str, Any]", value).items():
            if not is_named and name in UNCHECKED:
                raise ValidationFailed(f"The keyword {name} at {place} is not supported in a JSON schema here.")
            if not is_named and name == "$ref" and isinstance(each, str):
                _refuse_reference(each, place, root)
            if not is_named and name == "pattern" and isinstance(each, str):
                _matches(each, "")
            holds_names = not is_named and name in ("properties", "$defs", "definitions")
            _refuse_what_cannot_be_checked(each, f"{place}.{name}", root, is_named=holds_names)
    elif isinstance(value, list):
        for index, each in enumerate(cast("list[Any]", value)):
            _refuse_what_cannot_be_checked(each, f"{place}.{index}", root)


def _refuse_reference(reference: str, place: str, root: Mapping[str, Any]) -> None:
    if not reference.startswith("#"):
        raise ValidationFailed(f"The $ref '{reference[:100]}' at {place} leads out of the schema; nothing is fetched.")
    found: Any = root
    for part in reference.removeprefix("#").strip("/").split("/") if reference != "#" else []:
        name = part.replace("~1", "/").replace("~0", "~")
        found = cast("Mapping[str, Any]", found).get(name) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping | bool):
        raise ValidationFailed(f"The $ref '{reference[:100]}' at {place} refers to nothing in the schema.")


def _matches(expression: str, text: str) -> bool:
    """Whether the pattern is found in the text. Raises   ValidationFailed where it is no regular expression."""
    matcher = _pattern_matcher(expression).deep_copy()
    spelt = json.dumps(text, ensure_ascii=False).encode(errors="replace")
    return matcher.try_consume_tokens(list(spelt)) == len(spelt) and matcher.is_accepting()


@lru_cache(maxsize=128)
def _pattern_matcher(expression: str) -> LLMatcher:
    grammar = LLMatcher.grammar_from_json_schema({"type": "string", "pattern": expression})
    matcher = LLMatcher(_byte_tokenizer(), grammar, log_level=0)
    if matcher.is_error():
        reason = " ".join(matcher.get_error().partition("<state>")[0].split())
        raise ValidationFailed(f"The pattern {expression[:100]!r} cannot be used: {reason[:200]}")
    return matcher


class _Bytes:
    """A vocabulary of the 256 bytes and an end, as llguidance asks for it."""

    eos_token_id = 256
    bos_token_id = None
    tokens = [*(bytes([byte]) for byte in range(256)), b"<|end|>"]  # noqa: RUF012 (as TokenizerWrapper reads it)
    special_token_ids = [256]  # noqa: RUF012

    def __call__(self, text: bytes) -> list[int]:
        return list(text)


@cache
def _byte_tokenizer() -> LLTokenizer:
    return LLTokenizer(TokenizerWrapper(_Bytes()))


def _validator_of(schema: Mapping[str, Any]) -> Any:
    return validator_for(schema, default=Draft202012Validator)
