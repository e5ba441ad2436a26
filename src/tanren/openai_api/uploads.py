"""A multipart/form-data body, read as it arrives: fields as texts, the one file piece by piece to where it is kept.

Cost   a piece of the network at a time; the parser is python-multipart's.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from tanren.domain.errors import ValidationFailed
from tanren.openai_api.errors import InvalidParameter

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

LARGEST_FIELD_BYTES: Final = 64 * 1024
MOST_FIELDS: Final = 100
FILE_FIELD: Final = "file"


class Sink(Protocol):
    def write(self, piece: bytes) -> None:
        """May block on the disk. Raises   what it has against the piece."""
        ...


@dataclass(slots=True)
class Form:
    """What has been read so far."""

    fields: dict[str, str] = field(default_factory=dict[str, str])
    filename: str | None = None
    """Of the file; None as long as there is none."""


async def read_form(content_type: str, pieces: AsyncIterator[bytes], sink: Sink) -> Form:
    """The fields; the file's bytes are in `sink`. Raises   ValidationFailed, and what `sink` raises."""
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise ValidationFailed(
            f"Content-Type is '{content_type}'; a file is sent as multipart/form-data with a boundary."
        )
    reading = _Reading(sink)
    try:
        parser = MultipartParser(boundary, reading.callbacks())
        async for piece in pieces:
            # In a thread, since the sink writes to a disk.
            await asyncio.to_thread(parser.write, piece)
        parser.finalize()
    except FormParserError as error:
        raise ValidationFailed(f"The body is no multipart/form-data: {error}") from error
    if not reading.is_complete:
        raise ValidationFailed("The body ends before its last boundary; send the file again.")
    return reading.form


class _Reading:
    """The parser's callbacks."""

    def __init__(self, sink: Sink) -> None:
        self.form = Form()
        self.is_complete = False
        self._sink = sink
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._disposition = b""
        self._name = ""
        self._is_file = False
        self._value = bytearray()

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_begin": self._begin_header,
            "on_header_field": lambda data, start, end: self._header_name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header_value.extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
            "on_part_data": self._take,
            "on_part_end": self._close,
            "on_end": self._complete,
        }

    def _begin(self) -> None:
        self._disposition = b""
        self._value.clear()

    def _begin_header(self) -> None:
        self._header_name.clear()
        self._header_value.clear()

    def _end_header(self) -> None:
        if bytes(self._header_name).lower() == b"content-disposition":
            self._disposition = bytes(self._header_value)

    def _open(self) -> None:
        kind, options = parse_options_header(self._disposition)
        name = options.get(b"name")
        if kind != b"form-data" or not name:
            raise ValidationFailed("A part of the form has no name.")
        self._name = name.decode("utf-8", "replace")
        self._is_file = b"filename" in options
        if self._is_file:
            if self._name != FILE_FIELD or self.form.filename is not None:
                raise InvalidParameter(f"The form takes one file, in the field {FILE_FIELD}.", self._name)
            self.form.filename = options[b"filename"].decode("utf-8", "replace")
        elif self._name in self.form.fields or len(self.form.fields) >= MOST_FIELDS:
            raise InvalidParameter(f"The form has the field {self._name} twice, or too many fields.", self._name)

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._sink.write(data[start:end])
            return
        self._value.extend(data[start:end])
        if len(self._value) > LARGEST_FIELD_BYTES:
            raise InvalidParameter(f"The field {self._name} is longer than {LARGEST_FIELD_BYTES} bytes.", self._name)

    def _close(self) -> None:
        if not self._is_file:
            self.form.fields[self._name] = self._value.decode("utf-8", "replace")

    def _complete(self) -> None:
        self.is_complete = True
