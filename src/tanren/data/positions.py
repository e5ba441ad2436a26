"""Where a value stands in the text of a JSON row: paid for only when a row is found to be wrong.

Algorithm   walk the text with the standard library's own scanner, skipping whole values with `raw_decode`.
Cost        O(length of the row).
"""

import json
from collections.abc import Iterator

JsonPath = tuple[str | int, ...]
"""Keys and indexes from the root: ("messages", 2, "role")."""

_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n"


def column_of(text: str, path: JsonPath) -> int:
    """The column, from 1, of the value at `path`, or of the deepest part of the path that is there.

    Why   of a key that occurs twice, the last one counts, as it does for `json.loads`.
    """
    start = _skip_space(text, 0)
    for part in path:
        found = [
            value_start
            for key, _, value_start in _members(text, start)
            if key == part and isinstance(key, bool) is isinstance(part, bool)
        ]
        if not found:
            break
        start = found[-1]
    return start + 1


def duplicate_key(text: str) -> tuple[str, int] | None:
    """The first key that an object of the row has twice, and the column of its second occurrence."""
    open_values = [_skip_space(text, 0)]
    best: tuple[str, int] | None = None
    while open_values:
        start = open_values.pop()
        seen: set[str | int] = set()
        for key, key_start, value_start in _members(text, start):
            if key in seen and isinstance(key, str) and (best is None or key_start + 1 < best[1]):
                best = (key, key_start + 1)
            seen.add(key)
            open_values.append(value_start)
    return best


def _members(text: str, start: int) -> Iterator[tuple[str | int, int, int]]:
    """(key or index, where the key begins, where the value begins) of the object or array at `start`."""
    if start >= len(text) or text[start] not in "{[":
        return
    is_object = text[start] == "{"
    position = _skip_space(text, start + 1)
    index = 0
    while position < len(text) and text[position] not in "}]":
        key_start = position
        key: str | int = index
        if is_object:
            key, position = _DECODER.raw_decode(text, position)
            position = _skip_space(text, position) + 1  # the colon
            position = _skip_space(text, position)
        yield key, key_start, position
        _, position = _DECODER.raw_decode(text, position)
        position = _skip_space(text, position)
        if position < len(text) and text[position] == ",":
            position = _skip_space(text, position + 1)
        index += 1


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in _SPACE:
        position += 1
    return position
