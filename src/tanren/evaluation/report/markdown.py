"""The report as Markdown for an article: GitHub's tables, pictures as files beside it; Qiita and Zenn take it as it is.

What a model said is text: signs that mean something in Markdown or HTML are written so that they stand as they are.
"""

import re
from typing import Final

from tanren.evaluation.report.blocks import (
    INVISIBLE,
    Block,
    Cell,
    Heading,
    Paragraph,
    PictureBlock,
    Report,
    Table,
)

PICTURES: Final = "pictures"
"""Folder of the pictures, beside the file."""
_MEANINGFUL: Final = re.compile(r"([\\`*_\[\]|~$])")
_AT_THE_BEGINNING: Final = re.compile(r"\A(\s*)([#+:-]|\d+(?=[.)]))")
_LINKS: Final = (("://", ":&#47;&#47;"), ("www.", "www&#46;"), ("@", "&#64;"))
"""What becomes a link, or calls a person, without any markup."""
_MARKS: Final = {"good": "✅ ", "bad": "❌ ", "open": "➖ "}


def markdown(report: Report) -> str:
    lines = [f"# {_plain(report.title)}", "", f"**{_MARKS.get(report.verdict_tone, '')}{_plain(report.verdict)}**", ""]
    for paragraph in report.headlines:
        lines += [_plain(paragraph.text), ""]
    for block in report.blocks:
        lines += [*_lines(block), ""]
    lines += ["---", "", *(f"- {_plain(sentence)}" for sentence in report.foot), ""]
    return "\n".join(lines)


def _lines(block: Block) -> list[str]:
    match block:
        case Heading():
            return [f"{'#' * block.level} {_inline(block.text)}"]
        case Paragraph():
            return [_MARKS.get(block.tone, "") + _plain(block.text)]
        case PictureBlock():
            name = block.picture.name
            return [f"![{_plain(block.picture.caption)}]({PICTURES}/{name}.png)", "", _plain(block.picture.caption)]
        case Table():
            return _table(block)


def _table(table: Table) -> list[str]:
    width = len(table.rows[0]) if table.rows else len(table.head)
    head = [_inline(name) for name in table.head] or [""] * width
    alignment = ["---:" if table.rows and table.rows[0][column].is_number else "---" for column in range(width)]
    return [_row(head), _row(alignment), *(_row([_cell(cell) for cell in row]) for row in table.rows)]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    mark = _MARKS.get(cell.tone, "") if not cell.is_number else ""
    return mark + _inline(cell.text) + (f"<br><br>{_inline(cell.note)}" if cell.note else "")


def _plain(text: str) -> str:
    """A line of its own in which nothing is markup: as `_inline`, and no list or heading at its beginning."""
    return _AT_THE_BEGINNING.sub(lambda found: f"{found[1]}&#{ord(found[2][0])};{found[2][1:]}", _inline(text))


def _inline(text: str) -> str:
    """Within a line, nothing is markup: HTML as entities, Markdown's signs escaped, line breaks as `<br>`."""
    safe = INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").strip())
    safe = safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    safe = _MEANINGFUL.sub(r"\\\1", safe)
    for sign, entity in _LINKS:
        safe = safe.replace(sign, entity)
    return safe.replace("\n", "<br>")
