"""JSON that is not one record a line: an array of records, or records one after another, spread over lines.

Algorithm   text is decoded as it comes; the standard library's scanner reads one record at the front of it. Where it
            runs out of text, more is fetched, twice as much each time. A fault of JSON ends the file: what follows
            cannot be told apart from what it broke.
Cost        one parse a record; memory of the longest record and one piece, at most `LINE_BYTES_CAP` characters.
"""

import codecs
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

from tanren.data.findings import TEXT_CAP, Finding, shown
from tanren.data.json_lines import LINE_BYTES_CAP, JsonRow, NotJsonLines, json_kind, line_too_long
from tanren.data.positions import duplicate_key
from tanren.domain.sentences import sentence

_SPACE: Final = " \t\r\n"
_SHOWN_CHARACTERS: Final = 2 * TEXT_CAP
_END_ROOM: Final = 12
"""A fault this near to the end of the text at hand may be one of the cut: the longest token is an escaped pair."""


def json_documents(pieces: Iterable[bytes], *, file: str, is_array: bool) -> Iterator[JsonRow | Finding]:
    """Each record, or what is wrong with it, in order.

    Raises   NotJsonLines where the rest cannot be read.
    """
    text = _Text(pieces, file)
    if is_array:
        text.skip_space()
        text.expect("[", "an array is expected")
    count = 0
    while True:
        text.skip_space()
        if is_array and text.starts_with("]"):
            text.advance(1)
            text.skip_space()
            if not text.is_at_end:
                raise text.fault("something follows the end of the array")
            return
        if text.is_at_end:
            if is_array:
                raise text.fault("the array is not closed")
            return
        if is_array and count:
            text.expect(",", "a comma or the end of the array is expected")
            text.skip_space()
        yield text.record()
        count += 1


class _Text:
    """A window over decoded text, with the line and the column of its beginning."""

    def __init__(self, pieces: Iterable[bytes], file: str) -> None:
        self._pieces = iter(pieces)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._file = file
        self._text = ""
        self._start = 0
        self._is_exhausted = False
        self._line, self._column = 1, 1
        self._duplicates = 0
        self._json = json.JSONDecoder(object_pairs_hook=self._object, parse_constant=self._refuse_constant)

    @property
    def is_at_end(self) -> bool:
        return self._start >= len(self._text) and not self._more()

    def starts_with(self, char: str) -> bool:
        return not self.is_at_end and self._text[self._start] == char

    def skip_space(self) -> None:
        while not self.is_at_end:
            end = self._start
            while end < len(self._text) and self._text[end] in _SPACE:
                end += 1
            self.advance(end - self._start)
            if self._start < len(self._text):
                return

    def expect(self, char: str, otherwise: str) -> None:
        if not self.starts_with(char):
            raise self.fault(otherwise)
        self.advance(1)

    def advance(self, size: int) -> None:
        end = self._start + size
        newlines = self._text.count("\n", self._start, end)
        if newlines:
            self._line += newlines
            self._column = end - self._text.rindex("\n", self._start, end)
        else:
            self._column += size
        self._start = end

    def fault(self, message: str, *, offset: int = 0) -> NotJsonLines:
        """A fault so many characters on."""
        self.advance(offset)
        with suppress(NotJsonLines):  # what follows is shown only
            self._more(_SHOWN_CHARACTERS - (len(self._text) - self._start))
        return NotJsonLines(
            Finding(
                file=self._file,
                line=self._line,
                column=self._column,
                rule="invalid-json",
                message=sentence("invalid JSON: {error}; the rest of the file was not read.", error=message),
                fix=sentence("Repair it, and check again."),
                text=shown(self._text[self._start : self._start + _SHOWN_CHARACTERS]) or None,
            )
        )

    def record(self) -> JsonRow | Finding:
        """The value at the front. Raises NotJsonLines where it is no JSON, or too long."""
        value, end = self._parsed()
        line, column, raw = self._line, self._column, self._text[self._start : end]
        self.advance(end - self._start)

        def refuse(rule: str, message: str, fix: str) -> Finding:
            return Finding(
                file=self._file, line=line, column=column, rule=rule, message=message, fix=fix, text=shown(raw[:200])
            )

        row = JsonRow(line=line, text=raw, value=value, first_column=column)
        if not isinstance(value, dict):
            kind = sentence("the record is a JSON {kind}.", kind=json_kind(value))
            return refuse("not-an-object", kind, sentence("Write JSON objects."))
        if self._duplicates and (twice := duplicate_key(raw)) is not None:
            before = JsonRow(line=line, text=raw, value={}, first_column=column)
            place = before.place_of_offset(twice[1] - 1)
            return Finding(
                file=self._file,
                line=place[0],
                column=place[1],
                rule="duplicate-key",
                message=sentence('the key "{key}" stands twice in one object.', key=twice[0]),
                fix=sentence("Keep one of them."),
                text=shown(raw[twice[1] - 1 :]),
            )
        return row

    def _parsed(self) -> tuple[Any, int]:
        while True:
            self._duplicates = 0
            try:
                value, end = self._json.raw_decode(self._text, self._start)
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - _END_ROOM
                offset = error.pos - self._start
                if is_cut and self._more(len(self._text) - self._start):
                    continue
                raise self.fault(f"{error.msg[:1].lower()}{error.msg[1:]}", offset=offset) from error
            except (RecursionError, ValueError) as error:
                raise self.fault(str(error)) from error
            # A number may go on after the cut; anything else has its own end.
            if end >= len(self._text) and not isinstance(value, dict | list | str) and self._more():
                continue
            return value, end

    def _more(self, size: int = 1) -> bool:
        """At least `size` further characters, unless the file ends. False where there are none."""
        if self._is_exhausted or size <= 0:
            return False
        added: list[str] = []
        have = 0
        while have < size and not self._is_exhausted:
            piece = next(self._pieces, None)
            self._is_exhausted = piece is None
            try:
                text = self._decoder.decode(piece or b"", final=piece is None)
            except UnicodeDecodeError as error:
                self._is_exhausted = True
                raise self._not_utf_8(error, "".join(added)) from error
            added.append(text)
            have += len(text)
        self._text = self._text[self._start :] + "".join(added)
        self._start = 0
        if len(self._text) > LINE_BYTES_CAP:
            raise NotJsonLines(line_too_long(self._file, self._line))
        return have > 0

    def _not_utf_8(self, error: UnicodeDecodeError, added: str) -> NotJsonLines:
        self._text = self._text[self._start :] + added + error.object[: error.start].decode("utf-8", "replace")
        self._start = 0
        self.advance(len(self._text))
        return NotJsonLines(
            Finding(
                file=self._file,
                line=self._line,
                column=self._column,
                rule="invalid-utf-8",
                message=sentence(
                    "byte 0x{byte} is not UTF-8; the rest of the file was not read.",
                    byte=f"{error.object[error.start]:02x}",
                ),
                fix=sentence("Save the file as UTF-8."),
                text=shown(error.object[error.start : error.start + 100].decode("utf-8", "replace")),
            )
        )

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        self._duplicates += len(value) != len(pairs)
        return value

    def _refuse_constant(self, name: str) -> Any:
        raise ValueError(f"{name} is no JSON value")
