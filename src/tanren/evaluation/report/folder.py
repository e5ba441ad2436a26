"""A report's folder: the page and the article in each language, pictures, tables, and the evaluation itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tanren.evaluation.report.content import report_of
from tanren.evaluation.report.html import html
from tanren.evaluation.report.markdown import PICTURES, markdown
from tanren.evaluation.report.pictures import pictures
from tanren.evaluation.report.tables import csv_text, parquet_bytes
from tanren.evaluation.report.wording import LANGUAGES
from tanren.evaluation.results import Evaluation

EVALUATION_FILE = "evaluation.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFile:
    name: str
    """Below the folder, with `/`."""
    content: bytes
    content_type: str


def report_files(evaluation: Evaluation, *, languages: Sequence[str] = LANGUAGES) -> tuple[ReportFile, ...]:
    """All files of the report; without Parquet where pyarrow is missing."""
    files = [_file(EVALUATION_FILE, evaluation.to_json(), "application/json")]
    for language in languages:
        report = report_of(evaluation, language)
        files.append(_file(f"report.{language}.html", html(report).encode(), "text/html; charset=utf-8"))
        # Its pictures are named for the language too: their letters are of it.
        article = markdown(report).replace(f"]({PICTURES}/", f"]({PICTURES}/{language}-")
        files.append(_file(f"report.{language}.md", article.encode(), "text/markdown; charset=utf-8"))
        for picture in pictures(evaluation, language):
            files.append(_file(f"{PICTURES}/{language}-{picture.name}.png", picture.png, "image/png"))
    files.append(_file("items.csv", csv_text(evaluation).encode("utf-8", "replace"), "text/csv; charset=utf-8"))
    parquet = parquet_bytes(evaluation)
    if parquet is not None:
        files.append(_file("items.parquet", parquet, "application/vnd.apache.parquet"))
    return tuple(files)


def write_report(evaluation: Evaluation, folder: Path, *, languages: Sequence[str] = LANGUAGES) -> tuple[Path, ...]:
    """The paths that were written."""
    written: list[Path] = []
    for file in report_files(evaluation, languages=languages):
        path = folder / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        written.append(path)
    return tuple(written)


def _file(name: str, content: bytes, content_type: str) -> ReportFile:
    return ReportFile(name=name, content=content, content_type=content_type)
