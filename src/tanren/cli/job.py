"""`tanren job …`: customization jobs of a data directory, listed, watched while they learn, and verified afterwards.

Reads the store; works with the server running or stopped.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from tanren.cli.job_view import JobReader, JobView, coloured, picture, remaining
from tanren.domain.errors import ResourceNotFound, ServiceUnavailable
from tanren.settings import Settings, read_settings, to_environment
from tanren.storage.customization_jobs import CustomizationJobs, find_job
from tanren.storage.database import Database
from tanren.storage.training_records import TrainingRecords

job = typer.Typer(
    help="Customization jobs: list them, watch one learn, verify what one has made.", no_args_is_help=True
)

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Of the server. Default .tanren.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
Name = Annotated[str, typer.Argument(help="Name, id or ARN of the job.")]
LOOK_SECONDS: Final = 0.5
DETACHED: Final = 130


@job.command("list")
def list_jobs(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show all jobs, the newest first."""
    with _store(data_dir) as (jobs, records):
        views = [
            JobReader(jobs, records, found.job_arn).read()
            for found in sorted(jobs.every(), key=lambda found: found.created_at, reverse=True)
        ]
    if as_json:
        print(json.dumps([_facts(view) for view in views]))
        return
    if not views:
        print("No jobs yet.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("job", "status", "begun", "steps", "loss", ""):
        table.add_column(heading, overflow="fold", justify="right" if heading in ("steps", "loss") else "left")
    for view in views:
        last = view.steps[-1] if view.steps else None
        table.add_row(
            Text(view.job.job_name),
            coloured(view.job.status),
            f"{view.job.created_at.astimezone():%m-%d %H:%M}",
            ""
            if last is None
            else f"{last['step'] + 1}" + (f"/{last['total_steps']}" if "total_steps" in last else ""),
            "" if last is None else f"{last['training_loss']:.3f}",
            remaining(view) or ("" if view.is_over else view.phase),
        )
    _console().print(table)


@job.command()
def watch(
    name: Name,
    data_dir: DataDir = None,
    once: Annotated[bool, typer.Option("--once", help="Print how it stands now, and end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Follow a job: progress, time left, loss curves, answers to held-out prompts, diagnosis. Ctrl-C stops watching."""
    with _store(data_dir) as (jobs, records):
        reader = JobReader(jobs, records, find_job(jobs, name).job_arn)
        view = reader.read()
        if as_json:
            print(json.dumps(_facts(view)))
            return
        console = _console()
        if once or view.is_over:
            console.print(picture(view))
        else:
            try:
                with Live(picture(view), console=console, auto_refresh=False, vertical_overflow="visible") as live:
                    while not view.is_over:
                        time.sleep(LOOK_SECONDS)
                        view = reader.read()
                        live.update(picture(view), refresh=True)
            except KeyboardInterrupt:
                console.print("The job goes on; `tanren job watch` shows it again.", style="dim")
                raise typer.Exit(DETACHED) from None


@job.command()
def verify(name: Name, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Train a finished job once more from its record, and compare every step and the model's bytes.

    Exit code 0: identical. 1: different, or it cannot be told.
    """
    # Imported here: `tanren env` and `--help` need none of it.
    from tanren.verify import UNKNOWN, verify_command
    from tanren.worker import CHILD_ENVIRONMENT

    settings = read_settings(data_dir=data_dir)
    _require_database(settings)
    told = Console(file=sys.stderr, highlight=False, soft_wrap=True)
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
        task = progress.add_task("reading the record", total=None)
        assert child.stdout is not None
        for line in child.stdout:
            said = json.loads(line)
            if "step" in said:
                words = f"step {said['step']} of {said['of']}, loss {said['loss']:.4f}"
                progress.update(task, total=said["of"], completed=said["step"], description=words)
            elif "tell" in said:
                told.print(f"  {escape(said['tell'])}", style="dim")
            else:
                result = said
        child.wait()
        complaints.seek(0)
        reason = complaints.read().strip()
    if child.returncode == UNKNOWN:
        raise ResourceNotFound(f"Not verified. {reason.splitlines()[-1] if reason else 'No reason was given.'}")
    if not result:
        raise ServiceUnavailable(reason or f"The verification ended with exit code {child.returncode}.")
    if as_json:
        print(json.dumps(result))
    else:
        console = _console()
        colour = "green" if result["identical"] else "red"
        console.print(Text(result["verdict"], style=colour), soft_wrap=True)
        if not result["identical"]:
            for why in result["reasons"]:
                console.print(f"  {escape(why)}", soft_wrap=True)
    if not result["identical"]:
        raise typer.Exit(1)


@contextmanager
def _store(data_dir: Path | None) -> Generator[tuple[CustomizationJobs, TrainingRecords]]:
    settings = read_settings(data_dir=data_dir)
    _require_database(settings)
    database = Database(settings.effective_database_url)
    try:
        yield CustomizationJobs(database), TrainingRecords(database)
    finally:
        database.close()


def _require_database(settings: Settings) -> None:
    if not settings.database_url and not (settings.data_dir / "tanren.db").exists():
        raise ResourceNotFound(f"No server has been started in {settings.data_dir} yet, so it has no jobs.")


def _facts(view: JobView) -> dict[str, Any]:
    last = view.steps[-1] if view.steps else {}
    return {
        "jobArn": view.job.job_arn,
        "jobName": view.job.job_name,
        "status": str(view.job.status),
        "failureMessage": view.job.failure_message,
        "step": last["step"] + 1 if last else 0,
        "totalSteps": last.get("total_steps"),
        "share": last.get("share"),
        "remainingSeconds": None if view.is_over else last.get("remaining_seconds"),
        "trainingLoss": last.get("training_loss"),
        "validations": list(view.validations),
        "samples": list(view.samples),
        "diagnosis": view.diagnosis,
        "events": [{"at": at.isoformat(), "message": message} for at, message in view.events],
    }


def _console() -> Console:
    return Console(file=sys.stdout, highlight=False)
