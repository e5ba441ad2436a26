"""Texts in other encodings than UTF-8: what is declared or beyond doubt is transcoded, the rest is named.

UTF-16, by its mark or by the NUL bytes of ASCII     read, with a warning
UTF-32                                               refused by name
cp932, euc_jp, cp1252                                named in the finding of a line that is not UTF-8
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Final

LEGACY: Final = ("cp932", "euc_jp", "cp1252")
"""Tried in this order. cp1252 comes last: it takes nearly everything."""

_JAPANESE: Final = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
_HALF_WIDTH: Final = re.compile("[\uff61-\uff9f]")
_LATIN: Final = re.compile("[\u00c0-\u024f‘’“”–—…€£©®°·«»¿¡§]")


def utf_16_codec(head: bytes) -> str | None:
    """The codec of a file that begins so, where it is UTF-16; a mark is consumed by it."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Without a mark: JSON and headers of tables begin with ASCII, whose other byte is NUL.
    if len(head) >= 4 and head[1] == 0 and head[0] != 0 and head[3] == 0 and head[2] != 0:
        return "utf-16-le"
    if len(head) >= 4 and head[0] == 0 and head[1] != 0 and head[2] == 0 and head[3] != 0:
        return "utf-16-be"
    return None


def is_utf_32(head: bytes) -> bool:
    return head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)) or (
        len(head) >= 8 and (head[1:4] == b"\0\0\0" == head[5:8] or head[:3] == b"\0\0\0" == head[4:7])
    )


def as_utf_8(pieces: Iterable[bytes], codec: str) -> Iterator[bytes]:
    """The same text as UTF-8. Raises UnicodeDecodeError where the pieces are not in `codec`."""
    decoder = codecs.getincrementaldecoder(codec)()
    for piece in pieces:
        if text := decoder.decode(piece):
            yield text.encode()
    if text := decoder.decode(b"", final=True):
        yield text.encode()


def legacy_encoding(raw: bytes) -> tuple[str, str] | None:
    """The encoding in which a line that is not UTF-8 makes sense, and the line in it; None where none does."""
    for encoding in LEGACY:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "cp1252":
            makes_sense = bool(_LATIN.search(text)) and not re.search("[\x00-\x08\x0e-\x1f]", text)
        else:
            # Accented Latin letters read as half-width kana; real Japanese has more of the other kinds.
            makes_sense = len(_JAPANESE.findall(text)) > len(_HALF_WIDTH.findall(text))
        if makes_sense:
            return encoding, text
    return None
