"""How `tanren data` shows what it has found: findings as a compiler shows them, lengths as bars, all of it as JSON."""

import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tanren.cli.output import Output
from tanren.data.findings import Finding, Severity
from tanren.data.reading import FileSummary

if TYPE_CHECKING:
    from tanren.data.examination import Examination
    from tanren.data.statistics import Lengths

_BAR: Final = 30
_VERDICTS: Final = {True: "AWS refuses it", False: "AWS takes it", None: "AWS: not known"}
_COLOURS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def console() -> Console:
    return Console(file=sys.stdout, highlight=False, soft_wrap=True)


def facts(summary: FileSummary) -> dict[str, Any]:
    return {
        "file": summary.file,
        "format": None if summary.format is None else str(summary.format),
        "records": summary.rows,
        "lines": summary.line_count,
        "bytes": summary.size_bytes,
        "sha256": summary.sha256,
        "valid": summary.is_valid,
        "errors": summary.error_count,
        "rules": dict(summary.rule_counts),
        "findings": [finding.to_json() for finding in summary.findings],
    }


def show_summaries(summaries: Iterable[FileSummary], output: Output) -> None:
    """Each as soon as it is there; JSON at the end, JSONL one finding a line."""
    told: list[dict[str, Any]] = []
    for summary in summaries:
        if output is Output.TABLE:
            for line in summary_lines(summary):
                console().print(line)
        elif output is Output.JSONL:
            for finding in summary.findings:
                print(json.dumps(finding.to_json(), ensure_ascii=False))
        else:
            told.append(facts(summary))
    if output is Output.JSON:
        print(json.dumps({"valid": all(each["valid"] for each in told), "files": told}, ensure_ascii=False))


def summary_lines(summary: FileSummary) -> Iterator[Text]:
    for finding in summary.findings:
        yield from finding_lines(finding)
    shown = sum(finding.severity is Severity.ERROR for finding in summary.findings)
    if summary.error_count > shown:
        yield Text(f"… and {summary.error_count - shown} errors more; the first {shown} are shown.\n", style="dim")
    warnings = sum(summary.rule_counts.values()) - summary.error_count
    verdict = Text("right", style="green") if summary.is_valid else Text("not right", style="bold red")
    counts = ", ".join(
        words
        for number, words in (
            (1, f"{summary.rows} records"),
            (1, f"{summary.format or 'no format'}"),
            (summary.error_count, f"{summary.error_count} error{'s' * (summary.error_count != 1)}"),
            (warnings, f"{warnings} warning{'s' * (warnings != 1)}"),
        )
        if number
    )
    yield Text.assemble((summary.file, "bold"), ": ", verdict, f" ({counts})")


def finding_lines(finding: Finding) -> Iterator[Text]:
    place = finding.file if finding.line == 0 else f"{finding.file}:{finding.line}"
    if finding.column is not None:
        place += f":{finding.column}"
    yield Text.assemble(
        (place, "bold"),
        "  ",
        (str(finding.severity), _COLOURS[finding.severity]),
        f"  {finding.rule}  ",
        (_VERDICTS[finding.aws_refuses], "dim"),
    )
    yield Text(f"    {finding.message}")
    if finding.text is not None:
        yield Text.assemble(("    there: ", "dim"), finding.text)
    yield Text.assemble(("    to do: ", "dim"), finding.fix)


def lengths_table(title: str, measured: "Lengths", characters_per_token: int) -> Table:
    table = Table(
        title=f"{title}: median {measured.median} characters, 95th percentile {measured.percentile_95}, longest "
        f"{measured.largest}; {measured.total} in all, about {measured.total // characters_per_token} tokens",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        show_header=False,
    )
    most = max(number for _, _, number in measured.histogram)
    for low, high, number in measured.histogram:
        bar = "█" * round(_BAR * number / most) or ("▏" if number else "")
        table.add_row(Text(f"{low} to {high - 1}", justify="right"), Text(bar, style="cyan"), str(number))
    return table


def examination_facts(seen: "Examination") -> dict[str, Any]:
    return {
        "records": seen.record_count,
        "score": seen.score,
        "parts": [part.to_json() for part in seen.parts],
        "asked": seen.asked and seen.asked.to_json(),
        "answered": seen.answered and seen.answered.to_json(),
        "languages": seen.languages,
        "labels": seen.labels,
        "observations": [each.to_json() for each in seen.observations],
    }


def show_examination(seen: "Examination", characters_per_token: int) -> None:
    out = console()
    for title, measured in (("asked", seen.asked), ("answered", seen.answered)):
        if measured is not None:
            out.print(lengths_table(title, measured, characters_per_token))
            out.print()
    for title, shares in (("languages", seen.languages), ("labels", seen.labels)):
        if shares:
            words = ", ".join(f"{name} {number / seen.record_count:.0%}" for name, number in shares.items())
            out.print(Text.assemble((f"{title}: ", "bold"), words))
    if seen.observations:
        table = Table(box=None, pad_edge=False, title="\nseen", title_justify="left", title_style="bold")
        for heading in ("records", "what", "lines", "such as"):
            table.add_column(heading, overflow="fold")
        for each in seen.observations:
            lines = ", ".join(map(str, each.lines)) + (", …" if each.count > len(each.lines) else "")
            table.add_row(str(each.count), Text(each.kind), lines, Text(each.detail))
        out.print(table)
    parts = ", ".join(f"{part.name} {part.share:.0%} (x{part.weight})" for part in seen.parts)
    colour = "green" if seen.score >= 90 else "yellow" if seen.score >= 60 else "red"
    out.print(Text.assemble("\nquality ", (f"{seen.score} of 100", f"bold {colour}"), f": {parts}"))
