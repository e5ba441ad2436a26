"""Reads a JSON body against its format and collects every violation, in the words that AWS's validator uses.

    body = read_object(raw)
    members = Members(body, violations := Violations())
    text = members.text("inputText", is_required=True)
    members.refuse_others()
    violations.raise_if_any()

A member that breaks a rule is recorded and reads as None, so that one pass finds all of them. What a member may be is
said by the one call that reads it: no schema lies beside the code, and a member that no call reads is refused.

Source   error texts of Bedrock's validator (everit json-schema) as users report them, fact sheet §5.7.
"""

import json
import math
from collections.abc import Iterator
from typing import Any, Final, NoReturn, cast

from tanren.domain.errors import ValidationFailed

NOT_SUPPORTED: Final = "not supported by this model yet"


class Violations:
    """What is wrong with one body, in the order of finding."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, pointer: str, reason: str) -> None:
        self._found.append(f"{pointer}: {reason}")

    def raise_if_any(self) -> None:
        """Raises   ValidationFailed that lists them all."""
        if len(self._found) == 1:
            raise malformed(self._found[0])
        if self._found:
            raise malformed(f"{len(self._found)} schema violations found: {'; '.join(self._found)}")


def malformed(violation: str) -> ValidationFailed:
    return ValidationFailed(f"Malformed input request: {violation}, please reformat your input and try again.")


def read_object(raw: bytes) -> dict[str, Any]:
    """The JSON object that a body is. Raises   ValidationFailed for anything else, NaN and Infinity included."""
    try:
        value = json.loads(raw, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise malformed("#: the body is nested too deeply") from error
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError
        raise malformed(f"#: the body is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise malformed(f"#: expected type: JSONObject, found: {type_name(value)}")
    return cast("dict[str, Any]", value)


def type_name(value: object) -> str:
    """The name that AWS's validator has for the type of a JSON value."""
    match value:
        case bool():
            return "Boolean"
        case str():
            return "String"
        case int():
            return "Integer"
        case float():
            return "BigDecimal"
        case list():
            return "JSONArray"
        case dict():
            return "JSONObject"
        case _:
            return "Null"


class Members:
    """One JSON object being read, at its place in the body."""

    def __init__(self, value: dict[str, Any], violations: Violations, pointer: str = "#") -> None:
        self._value = value
        self._violations = violations
        self.pointer = pointer
        self._read: set[str] = set()

    def has(self, name: str) -> bool:
        return name in self._value

    def is_null(self, name: str) -> bool:
        """An explicit null, for the formats in which it means absence; it counts as read."""
        if name in self._value and self._value[name] is None:
            self._read.add(name)
            return True
        return False

    def text(
        self,
        name: str,
        *,
        is_required: bool = False,
        min_length: int = 0,
        one_of: tuple[str, ...] | None = None,
    ) -> str | None:
        value = self.take(name, is_required=is_required)
        if value is None:
            return None
        return self._checked_text(f"{self.pointer}/{name}", value, min_length, one_of)

    def integer(self, name: str, *, minimum: int, maximum: int | None = None, is_required: bool = False) -> int | None:
        value = self.take(name, is_required=is_required)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            return self._wrong_type(name, "Integer", value)
        return value if self._is_within(name, value, minimum, maximum) else None

    def number(self, name: str, *, minimum: float, maximum: float, is_minimum_excluded: bool = False) -> float | None:
        value = self.take(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self._wrong_type(name, "Number", value)
        if is_minimum_excluded and value <= minimum:
            self._violations.add(f"{self.pointer}/{name}", f"{value} is not greater than {minimum:g}")
            return None
        return float(value) if self._is_within(name, value, minimum, maximum) else None

    def boolean(self, name: str) -> bool | None:
        value = self.take(name)
        if value is None or isinstance(value, bool):
            return value
        return self._wrong_type(name, "Boolean", value)

    def texts(self, name: str, *, max_items: int, min_length: int = 1) -> tuple[str, ...]:
        """A list of strings; empty where the member is absent."""
        return tuple(
            text
            for pointer, item in self.items(name, max_items=max_items)
            if (text := self._checked_text(pointer, item, min_length, None)) is not None
        )

    def items(
        self, name: str, *, min_items: int = 0, max_items: int | None = None, is_required: bool = False
    ) -> list[tuple[str, Any]]:
        """The elements of a list with their pointers; empty where it is absent or not a list."""
        value = self.take(name, is_required=is_required)
        if value is None:
            return []
        if not isinstance(value, list):
            self._wrong_type(name, "JSONArray", value)
            return []
        found = cast("list[Any]", value)
        pointer = f"{self.pointer}/{name}"
        if len(found) < min_items:
            self._violations.add(pointer, f"expected minimum item count: {min_items}, found: {len(found)}")
        if max_items is not None and len(found) > max_items:
            self._violations.add(pointer, f"expected maximum item count: {max_items}, found: {len(found)}")
        return [(f"{pointer}/{index}", item) for index, item in enumerate(found)]

    def nested(self, name: str) -> "Members | None":
        """The object at a member, to be read in turn."""
        value = self.take(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            return self._wrong_type(name, "JSONObject", value)
        return Members(cast("dict[str, Any]", value), self._violations, f"{self.pointer}/{name}")

    def take(self, name: str, *, is_required: bool = False) -> Any:
        """The member's value as it is. An explicit null is of the wrong type: AWS does not take it for absence."""
        self._read.add(name)
        if name not in self._value:
            if is_required:
                self._violations.add(self.pointer, f"required key [{name}] not found")
            return None
        value = self._value[name]
        if value is None:
            self._violations.add(f"{self.pointer}/{name}", "expected a value, found: Null")
        return value

    def whole(self) -> dict[str, Any]:
        """The object as it is: what is in it is not of the format."""
        self._read.update(self._value)
        return self._value

    def refuse(self, *names: str) -> None:
        """Members that the format has and tanren has not: refused by name, never ignored."""
        for name in names:
            self._read.add(name)
            if name in self._value:
                self._violations.add(f"{self.pointer}/{name}", NOT_SUPPORTED)

    def refuse_others(self) -> None:
        """Every member that no call has read is not of the format. Called last."""
        for name in self._unread():
            self._violations.add(self.pointer, f"extraneous key [{name}] is not permitted")

    def _unread(self) -> Iterator[str]:
        return (name for name in self._value if name not in self._read)

    def _checked_text(self, pointer: str, value: object, min_length: int, one_of: tuple[str, ...] | None) -> str | None:
        if not isinstance(value, str):
            self._violations.add(pointer, f"expected type: String, found: {type_name(value)}")
        elif len(value) < min_length:
            self._violations.add(pointer, f"expected minLength: {min_length}, actual: {len(value)}")
        elif one_of is not None and value not in one_of:
            self._violations.add(pointer, f"{value} is not a valid enum value; expected {' or '.join(one_of)}")
        elif not is_unicode(value):
            self._violations.add(pointer, "half of a surrogate pair is not a character")
        else:
            return value
        return None

    def _is_within(self, name: str, value: float, minimum: float, maximum: float | None) -> bool:
        reason = None
        if not value >= minimum:
            reason = f"{value} is not greater or equal to {minimum:g}"
        elif (maximum is not None and value > maximum) or math.isinf(value):
            reason = f"{value} is not less or equal to {maximum}"
        if reason:
            self._violations.add(f"{self.pointer}/{name}", reason)
        return reason is None

    def _wrong_type(self, name: str, expected: str, value: object) -> None:
        self._violations.add(f"{self.pointer}/{name}", f"expected type: {expected}, found: {type_name(value)}")


def is_unicode(text: str) -> bool:
    """False for a lone surrogate, which JSON can write (`"\\ud800"`) and no tokenizer can read."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
