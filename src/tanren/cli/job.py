"""`tanren job …`: customization jobs, on any Bedrock; what only tanren tells of them is said to be tanren's own.

The own server need not run for what only reads: then its store answers.
"""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from tanren.cli.calls import Api, Call, DryRun, has_store, open_api, show_equivalents
from tanren.cli.confirmation import Yes, confirm
from tanren.cli.endpoint import DataDir, EndpointUrl
from tanren.cli.job_creation import create
from tanren.cli.job_following import follow
from tanren.cli.job_metrics import metrics
from tanren.cli.job_trial import try_checkpoint
from tanren.cli.job_verification import verify
from tanren.cli.job_view import OVER, JobReader, coloured, duration, facts, picture, remaining
from tanren.cli.language import say
from tanren.cli.output import Column, Output, OutputOption, aside, local_time, screen, show_members, show_rows
from tanren.cli.waiting import LOOK_SECONDS, Wait, detachable, wait_until_done
from tanren.domain.errors import ResourceNotFound
from tanren.settings import Settings, read_settings

job = typer.Typer(
    help="Customization jobs: create one, follow how it learns, stop it, verify what it has made.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Name, id or ARN of the job.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job is over; Ctrl-C leaves it.")]
_LISTED: Final = 100
_OTHER_JOBS: Final = {
    "model-import-job": ("GetModelImportJob", "jobIdentifier"),
    "model-copy-job": ("GetModelCopyJob", "jobArn"),
    "model-invocation-job": ("GetModelInvocationJob", "jobIdentifier"),
}
_OVER_OF_OTHERS: Final = OVER | {"PartiallyCompleted", "Expired"}

job.command()(create)


@job.command("list")
def list_jobs(
    status: Annotated[
        str | None, typer.Option("--status", help="Only InProgress, Completed, Failed, Stopping or Stopped.")
    ] = None,
    name_contains: Annotated[str | None, typer.Option("--name-contains", help="Only jobs named so.")] = None,
    count: Annotated[int, typer.Option("--count", min=1, help="Newest jobs to show.")] = _LISTED,
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Show jobs, the newest first: status, how far, how long yet.

    Example: tanren job list --status InProgress
    """
    filters = {"statusEquals": status, "nameContains": name_contains}
    given = {name: value for name, value in filters.items() if value is not None}
    call = Call(
        operation="ListModelCustomizationJobs",
        parameters={**given, "sortBy": "CreationTime", "sortOrder": "Descending"},
    )
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        rows: list[dict[str, Any]] = []
        for summary in api.every(call, "modelCustomizationJobSummaries"):
            rows.append({**summary, **_progress(api, summary)})
            if len(rows) == count:
                break
    columns = [
        Column(heading=say("job"), cell=lambda row: row["jobName"]),
        Column(heading=say("status"), cell=lambda row: coloured(row["status"])),
        Column(heading=say("begun"), cell=lambda row: local_time(row["creationTime"])),
        Column(heading=say("steps"), cell=_steps, is_number=True),
        Column(heading=say("loss"), cell=_loss, is_number=True),
        Column(heading="", cell=_left),
    ]
    show_rows(rows, columns, output, none=say("No jobs yet."))


@job.command()
def get(
    name: Name,
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Show everything that the API tells of a job.

    Example: tanren job get first-job --output json
    """
    call = Call(operation="GetModelCustomizationJob", parameters={"jobIdentifier": name})
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        show_members(found_job(api, name), output)


@job.command()
def watch(
    name: Name,
    once: Annotated[bool, typer.Option("--once", help="Show how it stands now, and end.")] = False,
    output: OutputOption = Output.TABLE,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Follow a job until it is over; Ctrl-C leaves it.

    Progress, time left, losses, early stopping, answers to held-out prompts, diagnosis. With --output jsonl each
    update is a line, as it comes. Exit code 1: the job has failed, or was stopped.

    Example: tanren job watch first-job
    """
    with open_api(endpoint_url, data_dir) as api:
        arn: str = found_job(api, name)["jobArn"]
        if once:
            view = JobReader(api=api, arn=arn).read()
            if output is Output.TABLE:
                screen().print(picture(view))
            else:
                show_members(facts(view), output)
        else:
            follow(api, arn, output, reattach=f"tanren job watch {name}")


@job.command()
def events(
    name: Name,
    follow_on: Follow = False,
    output: OutputOption = Output.TABLE,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Show what has happened to a job, in sentences.

    tanren's own: AWS keeps no events. Also of import, copy and batch jobs, by ARN.

    Example: tanren job events first-job --follow
    """
    with open_api(endpoint_url, data_dir) as api, detachable(f"tanren job events {name} --follow"):
        known = 0
        while True:
            # The status first: what happens between the two calls is then among the events.
            is_over = not follow_on or _is_over(api, name)
            call = Call(service="tanren", operation="ListJobEvents", parameters={"jobIdentifier": name})
            found = list(api.every(call, "events"))
            _show_events(found[known:], output, is_first=known == 0 and is_over)
            known = len(found)
            if is_over:
                return
            time.sleep(LOOK_SECONDS)


@job.command()
def logs(
    name: Name,
    follow_on: Follow = False,
    output: OutputOption = Output.TABLE,
    data_dir: DataDir = None,
) -> None:
    """Show the log of the process that ran a job.

    It is a file of the machine on which the job ran, in the data directory. What a job did is told in words by
    `tanren job events`; a log is for finding a fault.

    Example: tanren job logs first-job --follow
    """
    settings = _own_settings(data_dir)
    with open_api(None, settings.data_dir) as api:
        arn: str = found_job(api, name)["jobArn"]
        path = settings.data_dir / "logs" / "jobs" / f"{arn.rpartition('/')[2]}.log"
        if not path.exists():
            raise ResourceNotFound(
                say("{path} is not there: no process has run this job on this machine yet.", path=path)
            )
        with path.open(encoding="utf-8", errors="replace") as file, detachable(f"tanren job logs {name} --follow"):
            while True:
                is_over = not follow_on or _is_over(api, name)
                for line in file:
                    print(_log_line(line.rstrip("\n"), output))
                if is_over:
                    return
                time.sleep(LOOK_SECONDS)


@job.command()
def stop(
    name: Name,
    wait: Wait = False,
    yes: Yes = False,
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Stop a job that runs, for good.

    Example: tanren job stop first-job --yes --wait
    """
    call = Call(operation="StopModelCustomizationJob", parameters={"jobIdentifier": name})
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        confirm(say("Stop the job {name} for good?", name=name), yes=yes)
        api.perform(call)
        if not wait:
            aside().print(say("{name} is being stopped; `tanren job get {name}` shows it.", name=name), markup=False)
            return
        found = wait_until_done(
            api,
            Call(operation="GetModelCustomizationJob", parameters={"jobIdentifier": name}),
            is_done=("Stopped", "Completed"),
            has_failed=("Failed",),
            reattach=f"tanren job watch {name}",
        )
    aside().print(f"{name}: {found['status']}", markup=False)


@job.command()
def checkpoints(
    name: Name,
    output: OutputOption = Output.TABLE,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Show the states of a job that lie on the disk.

    The newest to resume from, and the best. tanren's own.

    Example: tanren job checkpoints first-job
    """
    call = Call(service="tanren", operation="ListCheckpoints", parameters={"jobIdentifier": name})
    with open_api(endpoint_url, data_dir) as api:
        found = api.perform(call)["checkpoints"]
    columns = [
        Column(heading=say("kind"), cell=lambda row: row["kind"]),
        Column(heading=say("step"), cell=lambda row: str(row["step"]), is_number=True),
        Column(heading=say("epoch"), cell=lambda row: str(row["epoch"]), is_number=True),
        Column(heading=say("bytes"), cell=lambda row: f"{row['sizeBytes']:,}", is_number=True),
        Column(heading=say("written"), cell=lambda row: local_time(row["createdAt"])),
    ]
    show_rows(found, columns, output, none=say("No checkpoints: the job has none yet, or is over and needs none."))


job.command()(metrics)
job.command()(verify)
job.command("try")(try_checkpoint)


def found_job(api: Api, name: str) -> dict[str, Any]:
    """By name or ARN, as AWS has it; on tanren by id as well.

    Raises   ResourceNotFound, with the names there are.
    """
    call = Call(operation="GetModelCustomizationJob", parameters={"jobIdentifier": name})
    try:
        return api.perform(call)
    except ResourceNotFound as error:
        known = list(api.every(Call(operation="ListModelCustomizationJobs"), "modelCustomizationJobSummaries"))
        for each in known:
            if each["jobArn"].rpartition("/")[2] == name:
                call = Call(operation="GetModelCustomizationJob", parameters={"jobIdentifier": each["jobArn"]})
                return api.perform(call)
        names = ", ".join(sorted(each["jobName"] for each in known)) or say("none yet")
        raise ResourceNotFound(
            say("There is no customization job '{name}' here. Jobs: {names}.", name=name, names=names)
        ) from error


def _is_over(api: Api, name: str) -> bool:
    """Of any kind of job that leaves events."""
    for kind, (operation, member) in _OTHER_JOBS.items():
        if f":{kind}/" in name:
            found = api.perform(Call(operation=operation, parameters={member: name}))
            return found["status"] in _OVER_OF_OTHERS
    return found_job(api, name)["status"] in OVER


def _progress(api: Api, summary: dict[str, Any]) -> dict[str, Any]:
    """Of a job that runs, where somebody tells it; one call for each."""
    if summary["status"] in OVER or not api.is_tanren:
        return {}
    of_job = {"jobIdentifier": summary["jobArn"], "maxResults": 2}
    told = api.perform(Call(service="tanren", operation="GetJobMetrics", parameters=of_job))
    return {name: told[name] for name in ("progress", "lastStep") if name in told}


def _steps(row: dict[str, Any]) -> str:
    progress = row.get("progress", {})
    if not progress.get("stepsDone"):
        return ""
    return f"{progress['stepsDone']}" + (f"/{progress['totalSteps']}" if "totalSteps" in progress else "")


def _loss(row: dict[str, Any]) -> str:
    return f"{row['lastStep']['trainingLoss']:.3f}" if "lastStep" in row else ""


def _left(row: dict[str, Any]) -> str:
    if "endTime" in row:
        return duration((row["endTime"] - row["creationTime"]).total_seconds())
    return remaining(row) or duration((datetime.now(UTC) - row["creationTime"]).total_seconds())


def _show_events(found: list[dict[str, Any]], output: Output, *, is_first: bool) -> None:
    if output is Output.JSON and is_first:
        show_rows(found, [], output, none="")
    elif output is not Output.TABLE:
        show_rows(found, [], Output.JSONL, none="")
    elif is_first and not found:
        print(say("No events yet."))
    for event in found if output is Output.TABLE else ():
        line = Text.assemble((f"{event['at'].astimezone():%m-%d %H:%M:%S}  ", "dim"), event["message"])
        screen().print(line, soft_wrap=True)


def _log_line(line: str, output: Output) -> str:
    """For people: time, level, message, and what else is bound; a line that is no event stays as it is."""
    if output is not Output.TABLE:
        return line
    try:
        event = json.loads(line)
        head = f"{event.pop('time')}  {event.pop('level'):<7}  {event.pop('message')}"
    except (ValueError, KeyError, AttributeError):
        return line
    rest = {name: value for name, value in event.items() if name not in ("process", "logger", "traceback")}
    bound = "".join(f"  {name}={value}" for name, value in rest.items())
    return "\n".join([head + bound, *str(event.get("traceback", "")).splitlines()])


def _own_settings(data_dir: Path | None) -> Settings:
    """Raises   ResourceNotFound where no server has been started there; logs are files, which no API tells."""
    settings = read_settings(data_dir=data_dir)
    if not has_store(settings):
        raise ResourceNotFound(
            say(
                "No server has been started in {folder} yet, so it has no logs of jobs. Logs are files of the machine "
                "on which a job ran: say --data-dir DIR there.",
                folder=settings.data_dir,
            )
        )
    return settings
