"""Texts that a file in UTF-8 can hold: JSON can write half a surrogate pair, and no report can.

Replaced once, where a text enters the evaluation: a question as it is read, an answer or a verdict as it comes.
"""

from typing import Any, cast


def whole(text: str) -> str:
    """Halves that stand together are joined; a half by itself is U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def whole_value(value: Any) -> Any:
    """The same of a value that was read from JSON, keys included."""
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, list):
        return [whole_value(each) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {whole_value(key): whole_value(each) for key, each in cast("dict[Any, Any]", value).items()}
    return value
