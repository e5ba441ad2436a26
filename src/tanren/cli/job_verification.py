"""`tanren job verify`: a finished job is trained once more from its record, in a process of its own, and compared."""

import json
import os
import subprocess
import sys
import tempfile
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from tanren.cli.calls import has_store
from tanren.cli.endpoint import DataDir
from tanren.cli.exit_codes import ExitCode
from tanren.cli.language import say
from tanren.cli.output import Output, OutputOption, as_json, aside, screen
from tanren.domain.errors import ResourceNotFound, ServiceUnavailable
from tanren.settings import read_settings, to_environment


def verify(
    name: Annotated[str, typer.Argument(help="Name, id or ARN of the job.")],
    output: OutputOption = Output.TABLE,
    data_dir: DataDir = None,
) -> None:
    """Train a finished job once more, and compare.

    From its record, on this machine; every step's loss and the model's bytes are compared. tanren's own. Exit code
    0: identical. 1: different. 4: it cannot be told.

    Example: tanren job verify first-job
    """
    # Imported here: `--help` needs none of it.
    from tanren.verify import UNKNOWN, verify_command
    from tanren.worker import CHILD_ENVIRONMENT

    settings = read_settings(data_dir=data_dir)
    if not has_store(settings):
        raise ResourceNotFound(
            say("No server has been started in {folder} yet, so it has no jobs.", folder=settings.data_dir)
        )
    told = aside()
    result: dict[str, Any] = {}
    # Tensors live in a process of their own.
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            verify_command(name),
            env={**os.environ, **to_environment(settings), **CHILD_ENVIRONMENT},
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        ) as child,
        Progress(TextColumn("  {task.description}"), BarColumn(24), console=told, transient=True) as progress,
    ):
        task = progress.add_task(say("reading the record"), total=None)
        assert child.stdout is not None
        for line in child.stdout:
            said = json.loads(line)
            if "step" in said:
                loss = f"{said['loss']:.4f}"
                words = say("step {step} of {of}, loss {loss}", step=said["step"], of=said["of"], loss=loss)
                progress.update(task, total=said["of"], completed=said["step"], description=words)
            elif "tell" in said:
                told.print(f"  {escape(said['tell'])}", style="dim")
            else:
                result = said
        child.wait()
        complaints.seek(0)
        reason = complaints.read().strip()
    if child.returncode == UNKNOWN:
        why = reason.splitlines()[-1] if reason else say("No reason was given.")
        raise ResourceNotFound(say("Not verified. {why}", why=why))
    if not result:
        ended = say("The verification ended with exit code {code}.", code=child.returncode)
        raise ServiceUnavailable(reason or ended)
    _show(screen(), result, output)
    if not result["identical"]:
        raise typer.Exit(ExitCode.FAILED)


def _show(out: Console, result: dict[str, Any], output: Output) -> None:
    if output is not Output.TABLE:
        print(as_json(result), file=sys.stdout)
        return
    out.print(Text(result["verdict"], style="green" if result["identical"] else "red"), soft_wrap=True)
    for why in () if result["identical"] else result["reasons"]:
        out.print(f"  {escape(why)}", soft_wrap=True)
