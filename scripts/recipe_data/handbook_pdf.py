"""`python -m scripts.recipe_data.handbook_pdf`: the handbook of the recipe company-documents as a PDF of two pages.

The fonts are those that every reader of PDF has, so nothing is embedded and the file stays small; no date is written,
so the same text gives the same file.
"""

import textwrap
from pathlib import Path

TEXT = Path(__file__).with_name("handbook.txt")
TARGET = Path(__file__).resolve().parents[2] / "src" / "tanren" / "recipes" / "company-documents" / "handbook.pdf"
_LINES_A_PAGE = 34
_WIDTH = 92


def write(target: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.backends.backend_pdf import PdfPages

    lines = _lines()
    pages = [lines[start : start + _LINES_A_PAGE] for start in range(0, len(lines), _LINES_A_PAGE)]
    metadata = {"CreationDate": None, "Title": "Tidewell Instruments: handbook"}
    with mpl.rc_context({"pdf.use14corefonts": True, "text.usetex": False}), PdfPages(target, metadata=metadata) as pdf:
        for page in pages:
            figure = plt.figure(figsize=(8.27, 11.69))
            for number, (text, size, weight) in enumerate(page):
                figure.text(0.1, 0.93 - number * 0.0255, text, family="sans-serif", fontsize=size, fontweight=weight)
            pdf.savefig(figure)
            plt.close(figure)


def _lines() -> list[tuple[str, int, str]]:
    """Text, size and weight of every line."""
    lines: list[tuple[str, int, str]] = []
    for number, line in enumerate(TEXT.read_text(encoding="utf-8").splitlines()):
        if number == 0:
            lines.append((line, 18, "bold"))
        elif line.startswith("# "):
            lines.append((line[2:], 13, "bold"))
        elif not line:
            lines.append((" ", 10, "normal"))
        else:
            lines += [(part, 10, "normal") for part in textwrap.wrap(line, _WIDTH)]
    return lines


if __name__ == "__main__":
    write(TARGET)
