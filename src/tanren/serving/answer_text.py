"""From token ids to the text that may be shown: whole characters only, and nothing from a stop sequence on.

    id → Detokenizer → whole characters → StopScanner → text to send, and the stop sequence once it is complete

Detokenizer: a token may end inside a character, and a tokenizer may write a token differently after another one. So the
text of a token is what it adds to the text of its neighbours, and it is held back while that ends in U+FFFD, which is
how a decoder writes a character's first bytes. An unfinished character at the end of an answer is left out.

StopScanner: text that may turn out to be the beginning of a stop sequence is held back until it is decided.

Cost     each token decodes the few tokens since the last whole character, twice that number at most.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

REPLACEMENT: Final = "\ufffd"


class Detokenizer:
    """One sequence's ids, in; its characters, out. Not shared between threads."""

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        """`decode` gives the text of any ids, special tokens left out, spaces as they are."""
        self._decode = decode
        self._ids: list[int] = []
        """From the last piece that was given out; its neighbourhood decides how the next one is written."""
        self._given_ids = 0
        """How many of `_ids` have been given out."""
        self._given_text = ""
        """Their text, decoded together."""

    def add(self, token_id: int) -> str:
        """The characters that this token completes; empty while there are none."""
        self._ids.append(token_id)
        text = self._decode(self._ids)
        if text.endswith(REPLACEMENT) or len(text) <= len(self._given_text):
            return ""
        piece = text[len(self._given_text) :]
        del self._ids[: self._given_ids]
        self._given_ids = len(self._ids)
        self._given_text = self._decode(self._ids)
        return piece

    def flush(self) -> str:
        """What was held back, without an unfinished character at its end."""
        text = self._decode(self._ids)[len(self._given_text) :]
        self._ids.clear()
        self._given_ids, self._given_text = 0, ""
        return text.rstrip(REPLACEMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    text: str
    """Safe to send."""
    stop_sequence: str | None = None
    """The stop sequence that was found; nothing follows."""


class StopScanner:
    """Finds the stop sequence that is complete first, however the text is cut into pieces.

    Of two that end at the same character, the one that began earlier counts.
    """

    def __init__(self, stop_sequences: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stop_sequences if stop)
        self._held = ""

    def add(self, text: str) -> Piece:
        if not self._stops:
            return Piece(text=text)
        text = self._held + text
        found = [(at + len(stop), at, stop) for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            _, at, stop = min(found)
            self._held = ""
            return Piece(text=text[:at], stop_sequence=stop)
        keep_from = min(_beginning_of(stop, text) for stop in self._stops)
        self._held = text[keep_from:]
        return Piece(text=text[:keep_from])

    def flush(self) -> str:
        """What was held back; it has become no stop sequence."""
        held, self._held = self._held, ""
        return held


class AnswerText:
    """Both steps, for one answer."""

    def __init__(self, decode: Callable[[list[int]], str], stop_sequences: Sequence[str]) -> None:
        self._detokenizer = Detokenizer(decode)
        self._scanner = StopScanner(stop_sequences)

    def add(self, token_id: int) -> Piece:
        return self._scanner.add(self._detokenizer.add(token_id))

    def flush(self) -> Piece:
        """The rest of the answer; a stop sequence may still be found in it."""
        piece = self._scanner.add(self._detokenizer.flush())
        return piece if piece.stop_sequence else Piece(text=piece.text + self._scanner.flush())


def _beginning_of(stop: str, text: str) -> int:
    """Where the longest end of `text` that is a beginning of `stop` starts; the length of `text` if there is none."""
    first = max(0, len(text) - len(stop) + 1)
    at = text.find(stop[0], first)
    while at >= 0:
        if stop.startswith(text[at:]):
            return at
        at = text.find(stop[0], at + 1)
    return len(text)
