"""Following a customization job until it is over: the live view of `job watch` and `job create --follow`."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import typer
from rich.live import Live

from tanren.cli.calls import Api, Call
from tanren.cli.endpoint import refusals
from tanren.cli.exit_codes import ExitCode
from tanren.cli.job_view import JobReader, JobView, facts, picture
from tanren.cli.output import Output, as_json, screen
from tanren.cli.waiting import LOOK_SECONDS, detachable, look_seconds
from tanren.domain.errors import ServiceUnavailable

T = TypeVar("T")

PATIENT_LOOKS: Final = 120
"""Half a second apart: a minute, in which a server is started again."""
_ENDED_WELL: Final = "Completed"


def follow(api: Api, arn: str, output: Output, *, reattach: str) -> None:
    """Shows the job until it is over. Under JSON lines each update is a line, as it comes; under JSON, the end is told.

    Raises   typer.Exit: 130 where the user leaves, 1 where the job ends in another way than Completed.
    """
    reader = JobReader(api=api, arn=arn)
    with detachable(reattach):
        view = _shown_live(reader) if output is Output.TABLE else _told(api, reader, output)
    if view.job["status"] != _ENDED_WELL:
        raise typer.Exit(ExitCode.FAILED)


def _shown_live(reader: JobReader) -> JobView:
    view = reader.read()
    out = screen()
    if view.is_over or not out.is_terminal:
        view = view if view.is_over else _awaited(reader)
        out.print(picture(view))
        return view
    with Live(picture(view), console=out, auto_refresh=False, vertical_overflow="visible") as live:
        while not view.is_over:
            time.sleep(look_seconds(reader.api))
            view = patiently(reader.read)
            live.update(picture(view), refresh=True)
    return view


def _told(api: Api, reader: JobReader, output: Output) -> JobView:
    if output is Output.JSONL and api.stopped is None and api.is_tanren:
        _tell_updates(api, reader.arn)
        return reader.read()
    view = _awaited(reader)
    print(as_json(facts(view)))
    return view


def _tell_updates(api: Api, arn: str) -> None:
    """WatchJob's stream, an update a line; signs of life are not told."""
    with refusals():
        stream: Any = api.client("tanren").watch_job(jobIdentifier=arn)["updates"]
        for update in stream:
            if "heartbeat" not in update:
                print(as_json(update), flush=True)


def _awaited(reader: JobReader) -> JobView:
    call = Call(operation="GetModelCustomizationJob", parameters={"jobIdentifier": reader.arn})
    while not JobView(job=patiently(lambda: reader.api.perform(call))).is_over:
        time.sleep(look_seconds(reader.api))
    return patiently(reader.read)


def patiently(read: Callable[[], T]) -> T:
    """What `read` returns, also where the server is away for a while: it may be started again, and the job goes on.

    Raises   ServiceUnavailable where it stays away.
    """
    for _ in range(PATIENT_LOOKS):
        with suppress(ServiceUnavailable):
            return read()
        time.sleep(LOOK_SECONDS)
    return read()
