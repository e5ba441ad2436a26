"""JSON from a stranger's folder: read within bounds, and refused where two readers could understand it differently.

Cost     one parse; memory is a small multiple of the size bound of the caller.
"""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

from tanren.domain.errors import UnsafeModel

CONFIG_BYTES_CAP: Final = 8 * 1024 * 1024
"""Gemma 3's tokenizer_config.json, the largest known of its kind, has 1.2 MB."""
_DEPTH_CAP: Final = 64
_MAGIC: Final = (
    (b"PK\x03\x04", "a zip archive, as torch.save writes (it holds a pickle)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x80\x02", "a pickle"),
    (b"\x80\x03", "a pickle"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
    (b"GGUF", "a GGUF file"),
    (b"version https://git-lfs", "a Git LFS pointer; the file itself was never fetched"),
)


def kind_by_content(head: bytes) -> str | None:
    """What a file is by its first bytes, where that is something we never open."""
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)


def read_object(file: Path, *, size_cap: int = CONFIG_BYTES_CAP) -> dict[str, Any]:
    """The object of a file.

    Raises   UnsafeModel where it is too large, nested too deep, no UTF-8, no JSON (NaN and Infinity are none), names a
             key twice, or is no object.
    """
    text = read_bounded(file, size_cap=size_cap)
    return parse_object(text, where=str(file))


def read_bounded(file: Path, *, size_cap: int) -> bytes:
    """All bytes of a regular file. Raises UnsafeModel where it is no such file or has more than `size_cap`."""
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise UnsafeModel(f"{file} cannot be read: {error.strerror}.") from error
    with open(descriptor, "rb") as stream:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise UnsafeModel(f"{file} is no regular file. A model is made of plain files; remove it.")
        if state.st_size > size_cap:
            raise UnsafeModel(
                f"{file} has {state.st_size} bytes; a file of its kind has at most {size_cap}. It is not read."
            )
        return stream.read(size_cap + 1)


def parse_object(content: bytes, *, where: str) -> dict[str, Any]:
    """See `read_object`."""
    kind = kind_by_content(content)
    if kind is not None:
        raise UnsafeModel(f"{where} is no JSON: by its content it is {kind}. Nothing in it is opened.")
    try:
        found: Any = json.loads(content, object_pairs_hook=_once_each, parse_constant=_no_constant)
    except RecursionError as error:
        raise UnsafeModel(f"{where} is nested too deep: at most {_DEPTH_CAP} levels are read.") from error
    except _KeyTwice as error:
        raise UnsafeModel(
            f"{where} has the key {str(error)[:80]!r} twice; which of them counts is not defined."
        ) from error
    except ValueError as error:
        raise UnsafeModel(f"{where} is no JSON: {str(error)[:200]}.") from error
    if not isinstance(found, dict):
        raise UnsafeModel(f"{where} is no JSON object.")
    for depth, _ in containers(cast(Any, found)):
        if depth > _DEPTH_CAP:
            raise UnsafeModel(f"{where} is nested too deep: at most {_DEPTH_CAP} levels are read.")
    return cast(dict[str, Any], found)


def containers(value: Any) -> Iterator[tuple[int, dict[str, Any] | list[Any]]]:
    """(depth, object or array) of all that are within, itself first."""
    waiting: list[tuple[int, Any]] = [(1, value)]
    while waiting:
        depth, found = waiting.pop()
        inner: Any = found.values() if isinstance(found, dict) else found
        yield depth, found
        waiting.extend((depth + 1, each) for each in inner if isinstance(each, (dict, list)))


class _KeyTwice(Exception):
    """Not a ValueError, which bad JSON is."""


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _KeyTwice(next(name for name in names if names.count(name) > 1))
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
