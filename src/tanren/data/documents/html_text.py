"""What a reader of a page sees, as text: a line for each block, cells of a table side by side, no scripts or styles."""

import re
from html.parser import HTMLParser
from typing import Final

_HIDDEN: Final = frozenset({"script", "style", "template", "noscript", "head", "svg", "math", "iframe", "object"})
_BLOCKS: Final = frozenset(
    """address article aside blockquote br caption dd details div dl dt figcaption figure footer form h1 h2 h3 h4 h5 h6
    header hr li main nav ol p pre section summary table title tr ul""".split()  # noqa: SIM905 (a word a name)
)
_CELLS: Final = frozenset({"td", "th"})
_ENCODING: Final = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
_SPACE: Final = re.compile(r"[^\S\n\t]+")
_LINES: Final = re.compile(r"\n{3,}")


def html_text(content: bytes) -> str:
    """In the encoding that the page names within its first kilobytes, else UTF-8."""
    named = _ENCODING.search(content[:4096])
    try:
        page = content.decode(named[1].decode("ascii") if named else "utf-8-sig", errors="replace")
    except LookupError:
        page = content.decode("utf-8-sig", errors="replace")
    reader = _Reader()
    reader.feed(page)
    reader.close()
    lines = (_SPACE.sub(" ", line).strip() for line in "".join(reader.pieces).split("\n"))
    return _LINES.sub("\n\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden: list[str] = []
        """Open elements whose content is not shown."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden.append(tag)
        elif tag in _BLOCKS:
            self.pieces.append("\n")
        elif tag in _CELLS:
            self.pieces.append("\t")
        elif tag == "body":
            self._hidden.clear()  # a head that was never closed ends here

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _HIDDEN:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:
            while self._hidden.pop() != tag:
                pass
        elif tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            # Line breaks of the source are spaces on the page.
            self.pieces.append(data.replace("\n", " ").replace("\t", " "))
