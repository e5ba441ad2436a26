"""`tanren data show`: the tokens of a record as the model will read them, coloured by what becomes of each."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from tanren.cli.data_checks import DataDir, OutputOption, customization_of
from tanren.cli.data_reports import Output, console
from tanren.cli.data_source import local_file
from tanren.domain.errors import ServiceUnavailable, ValidationFailed
from tanren.settings import read_settings, to_environment

_STYLES: Final = {"trained": "bold green", "masked": "dim", "beyond": "red strike"}
_MARKS: Final = {"trained": ("⟦", "⟧"), "masked": ("", ""), "beyond": ("✂", "✂")}
"""Where there is no colour, what is learned can be told as well."""


def show(
    file: Annotated[Path, typer.Argument(help="On this machine.")],
    model: Annotated[str, typer.Option("--model", help="Base model id: its tokenizer and its template.")],
    mask: Annotated[bool, typer.Option("--mask/--no-mask", help="Tell what is learned from what is only read.")] = True,
    skip: Annotated[int, typer.Option("--skip", min=0, help="Records to pass over.")] = 0,
    count: Annotated[int, typer.Option("--count", min=1, help="Records to show.")] = 3,
    max_tokens: Annotated[
        int | None,
        typer.Option("--max-tokens", min=1, help="As maxSequenceLength. Default: all that the base can read."),
    ] = None,
    output: OutputOption = Output.TABLE,
    data_dir: DataDir = None,
) -> None:
    """Show records as the model reads them: what is learned, what is only read, what would not fit."""
    # Imported here: `tanren data --help` needs none of it.
    from tanren.masks import masks_command
    from tanren.worker import CHILD_ENVIRONMENT

    local_file(str(file))
    settings = read_settings(data_dir=data_dir)
    argv = masks_command(
        model, file, customization_of(str(file), None, None), skip=skip, count=count, max_tokens=max_tokens
    )
    shown: list[dict[str, Any]] = []
    # The tokenizer comes with tensors, which live in a process of their own.
    with tempfile.TemporaryFile("w+") as complaints:
        environment = {**os.environ, **to_environment(settings), **CHILD_ENVIRONMENT}
        with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=complaints, text=True) as child:
            assert child.stdout is not None
            for line in child.stdout:
                shown.append(json.loads(line))
                if output is Output.TABLE:
                    console().print(_picture(str(file), shown[-1], mask))
                elif output is Output.JSONL:
                    print(line, end="")
        complaints.seek(0)
        reason = complaints.read().strip()
    if child.returncode:
        raise ServiceUnavailable(reason.splitlines()[-1] if reason else f"It ended with exit code {child.returncode}.")
    if not shown:
        raise ValidationFailed(f"{file} has no right record after the first {skip}; `tanren data validate` says why.")
    if output is Output.JSON:
        print(json.dumps(shown, ensure_ascii=False))


def _picture(file: str, record: dict[str, Any], mask: bool) -> Text:
    head = f"{file}:{record['line']}  {record['tokens']} tokens, {record['trained']} of them learned\n"
    text = Text(head, style="bold")
    for fate, words in record["runs"]:
        opening, closing = _MARKS[fate] if mask else ("", "")
        text.append(opening + words + closing, style=_STYLES[fate] if mask else "not bold")
    return text.append("\n")
