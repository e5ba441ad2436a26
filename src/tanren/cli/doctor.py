"""`tanren doctor`: what a user needs to know of this machine, a line each, and how to put right what is wrong."""

import json
import sys
from typing import Final

import typer
from rich.console import Console
from rich.text import Text

from tanren.cli.endpoint import DataDir
from tanren.cli.language import say
from tanren.cli.output import Output, OutputOption
from tanren.settings import read_settings

_SHOWN: Final = {"ok": ("OK", "green"), "note": ("note", "yellow"), "problem": ("problem", "bold red")}


def doctor(
    output: OutputOption = Output.TABLE,
    data_dir: DataDir = None,
) -> None:
    """Examine this machine: what is here, what is missing, which engine answers and why, and how to repair the rest.

    Exit code 0: nothing is broken. 1: there is a problem.

    Example: tanren doctor --data-dir .tanren
    """
    # Imported here: `tanren env` and `--help` need none of it.
    from tanren.doctor.examination import examine
    from tanren.doctor.findings import Finding, problem_count

    findings: list[Finding] = []
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    for finding in examine(read_settings(data_dir=data_dir)):
        findings.append(finding)
        if output is Output.JSONL:
            print(json.dumps(finding.to_json()), flush=True)
        elif output is Output.TABLE:
            console.print(_line(finding.level, finding.subject, finding.text, finding.fix))
    problems = problem_count(findings)
    if output is Output.JSON:
        print(json.dumps({"problems": problems, "findings": [finding.to_json() for finding in findings]}))
    elif output is Output.TABLE and problems:
        console.print(Text("\n" + say("To put right: {count}.", count=problems), style="bold red"))
    elif output is Output.TABLE:
        console.print(Text("\n" + say("Nothing is broken."), style="green"))
    if problems:
        raise typer.Exit(1)


def _line(level: str, subject: str, text: str, fix: str) -> Text:
    word, style = _SHOWN[level]
    line = Text.assemble((f"{word:<8}", style), f"{subject:<17}", text)
    return line.append(". " + say("To do: {fix}", fix=fix), style="dim" if level == "note" else "") if fix else line
