"""`tanren doctor`: what a user needs to know of this machine, a line each, and how to put right what is wrong."""

import json
import sys
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from tanren.settings import read_settings

_SHOWN: Final = {"ok": ("OK", "green"), "note": ("note", "yellow"), "problem": ("problem", "bold red")}


def doctor(
    data_dir: Annotated[Path | None, typer.Option(help="Of the server. Default .tanren.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Examine this machine: what is here, what is missing, which engine answers and why, and how to repair the rest.

    Exit code 0: nothing is broken. 1: there is a problem.
    """
    # Imported here: `tanren env` and `--help` need none of it.
    from tanren.doctor.examination import examine
    from tanren.doctor.findings import Finding, problem_count

    findings: list[Finding] = []
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    for finding in examine(read_settings(data_dir=data_dir)):
        findings.append(finding)
        if not as_json:
            console.print(_line(finding.level, finding.subject, finding.text, finding.fix))
    problems = problem_count(findings)
    if as_json:
        print(json.dumps({"problems": problems, "findings": [finding.to_json() for finding in findings]}))
    elif problems:
        console.print(Text(f"\n{problems} problem{'' if problems == 1 else 's'} to put right.", style="bold red"))
    else:
        console.print(Text("\nNothing is broken.", style="green"))
    if problems:
        raise typer.Exit(1)


def _line(level: str, subject: str, text: str, fix: str) -> Text:
    word, style = _SHOWN[level]
    line = Text.assemble((f"{word:<8}", style), f"{subject:<17}", text)
    return line.append(f". To do: {fix}", style="dim" if level == "note" else "") if fix else line
