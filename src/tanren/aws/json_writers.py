"""A shape's values as JSON: for each shape one function, put together once from the model and kept.

    writer_of(shape)(value)    dicts under wire names, lists, text, numbers, and datetimes in UTC where the shape's
                               format is ISO 8601
    json_bytes(…)              that as UTF-8; the encoder writes a datetime itself, at a fifth of what `isoformat` takes

How      what the model says of a value is looked at when its writer is made: kind, wire names, timestamp format, the
         writers of members and elements. Afterwards a value passes through functions that know all this. A structure
         makes the writers of its members at first use, so a shape may refer to itself.
         A value that is not what its shape says is our own mistake, and raises `Misfit`, an AssertionError: no client
         may come to depend on it. Where in the answer that was is put together on the way out, so that it costs
         nothing while all is well. `None` is left out.
Cost     about 0.1 µs a value; a page of a hundred jobs, 1,700 values, 0.4 ms.
"""

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from typing import Any, Final, TypeVar, cast

import msgspec

from tanren.aws.service_models import Member, Shape, TimestampFormat

T = TypeVar("T")

Writer = Callable[[Any], Any]
"""A value of one shape → the same, ready for `json_bytes`. Raises Misfit."""

# An exact class first: asking an abstract one costs as much as all the rest.
_MAPPINGS: Final = (dict, Mapping)
_LISTS: Final = (list, tuple)


class Misfit(AssertionError):
    """A value that is not what its shape says."""

    def __init__(self, complaint: str) -> None:
        super().__init__(complaint)
        self._place = ""

    def within(self, name: object) -> None:
        """The value is at this name or index of the one that is being written."""
        self._place = f"/{name}{self._place}"

    def __str__(self) -> str:
        return f"{self._place or '/'}: {self.args[0]}"


def json_bytes(value: Any) -> bytes:
    """UTF-8 without white space."""
    return _ENCODER.encode(value)


@cache
def writer_of(shape: Shape, timestamp_format: TimestampFormat | None = None) -> Writer:
    """The writer of this shape. `timestamp_format` is the member's own, which wins over the shape's."""
    if shape.is_document:
        return _document
    if shape.kind == "structure":
        return _structure_writer(shape)
    if shape.kind == "list":
        return _list_writer(writer_of(cast("Shape", shape.element)))
    if shape.kind == "map":
        return _map_writer(writer_of(cast("Shape", shape.element)))
    if shape.kind == "timestamp":
        return timestamp_writer(timestamp_format or shape.timestamp_format or "unixTimestamp")
    return _SCALARS[shape.kind]


def member_writer(member: Member) -> Writer:
    return writer_of(member.shape, member.timestamp_format)


def timestamp_writer(timestamp_format: TimestampFormat) -> Writer:
    if timestamp_format == "iso8601":
        return _moment_in_utc
    if timestamp_format == "rfc822":
        return lambda value: format_datetime(_moment_in_utc(value), usegmt=True)
    return _seconds_since_1970


def _structure_writer(shape: Shape) -> Writer:
    writers: dict[str, tuple[str, Writer]] | None = None

    def write(value: Any) -> dict[str, Any]:
        nonlocal writers
        if writers is None:
            writers = {member.name: (member.wire_name, member_writer(member)) for member in shape.members.values()}
        if not isinstance(value, _MAPPINGS):
            raise _unlike("a mapping", value)
        items: Mapping[str, Any] = value
        written: dict[str, Any] = {}
        name = ""
        try:
            for name, item in items.items():
                wire_name, write_member = writers[name]
                if item is not None:
                    written[wire_name] = write_member(item)
        except KeyError:
            raise Misfit(f"{shape.name} has no member {name}") from None
        except Misfit as misfit:
            misfit.within(name)
            raise
        return written

    return write


def _list_writer(write_element: Writer) -> Writer:
    def write(value: Any) -> list[Any]:
        if not isinstance(value, _LISTS):
            raise _unlike("a list", value)
        items: Sequence[Any] = value
        written: list[Any] = []
        try:
            for item in items:
                written.append(write_element(item))  # its length says where a misfit was
        except Misfit as misfit:
            misfit.within(len(written))
            raise
        return written

    return write


def _map_writer(write_element: Writer) -> Writer:
    def write(value: Any) -> dict[str, Any]:
        if not isinstance(value, _MAPPINGS):
            raise _unlike("a mapping", value)
        items: Mapping[str, Any] = value
        written: dict[str, Any] = {}
        name = ""
        try:
            for name, item in items.items():
                if item is not None:
                    written[_text(name)] = write_element(item)
        except Misfit as misfit:
            misfit.within(name)
            raise
        return written

    return write


def _moment_in_utc(value: Any) -> datetime:
    if type(value) is datetime and value.tzinfo is UTC:
        return value
    if not isinstance(value, datetime):
        raise _unlike("a datetime", value)
    if value.tzinfo is None:
        raise Misfit("a timestamp on the wire is aware")
    return value.astimezone(UTC)


def _seconds_since_1970(value: Any) -> float:
    seconds = _moment_in_utc(value).timestamp()
    return int(seconds) if seconds.is_integer() else seconds


def _text(value: Any) -> str:
    # An enum of str subclasses becomes its value.
    return value if type(value) is str else str.__str__(_of(str, "a string", value))


def _boolean(value: Any) -> bool:
    return _of(bool, "a bool", value)


def _blob(value: Any) -> str:
    return base64.b64encode(_of(bytes, "bytes", value)).decode()


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        raise _unlike("an integer", value)
    return _of(int, "an integer", value)


def _float(value: Any) -> float | str:
    """What JSON has no number for is a word."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _unlike("a number", value)
    number = float(value)
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else ("Infinity" if number > 0 else "-Infinity")


def _document(value: Any) -> Any:
    """JSON already, as whoever made it wants it; but the encoder would write `null` for what is no number."""
    if isinstance(value, float) and not math.isfinite(value):
        raise Misfit(f"{value} is not a JSON value")
    if isinstance(value, dict):
        for item in cast("dict[str, Any]", value).values():
            _document(item)
    elif isinstance(value, list | tuple):
        for item in cast("list[Any]", value):
            _document(item)
    return value


_SCALARS: Final[Mapping[str, Writer]] = {
    "string": _text,
    "char": _text,
    "blob": _blob,
    "boolean": _boolean,
    "integer": _integer,
    "long": _integer,
    "float": _float,
    "double": _float,
}
_ENCODER: Final = msgspec.json.Encoder()


def _of(kind: type[T], expected: str, value: Any) -> T:
    if not isinstance(value, kind):
        raise _unlike(expected, value)
    return value


def _unlike(expected: str, value: Any) -> Misfit:
    return Misfit(f"expected {expected}, got {type(value).__name__}")
