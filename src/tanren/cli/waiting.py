"""Commands that wait for what they have begun, and may be left: Ctrl-C leaves, and what was begun goes on."""

import time
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer

from tanren.cli.calls import Api, Call
from tanren.cli.exit_codes import ExitCode
from tanren.cli.language import say
from tanren.cli.output import aside
from tanren.domain.errors import JobFailed

Wait = Annotated[bool, typer.Option("--wait", help="Return when it is done; exit code 1 where it has failed.")]

LOOK_SECONDS: Final = 0.5
AWS_LOOK_SECONDS: Final = 10.0
"""What happens there takes minutes, and calls are counted."""


def wait_until_done(
    api: Api,
    call: Call,
    *,
    is_done: Collection[str],
    has_failed: Collection[str],
    reattach: str,
    on_look: Callable[[dict[str, Any]], None] = lambda members: None,
) -> dict[str, Any]:
    """What `call` answers when its status is one of `is_done`.

    Raises   JobFailed with the service's reason, for a status of `has_failed`; typer.Exit on Ctrl-C.
    """
    with detachable(reattach), aside().status("") as spinner:
        while True:
            found = api.perform(call)
            on_look(found)
            status = found["status"]
            if status in is_done:
                return found
            if status in has_failed:
                reason = found.get("failureMessage") or found.get("message") or say("no reason is given")
                raise JobFailed(f"{status}: {reason}")
            spinner.update(status)
            time.sleep(look_seconds(api))


@contextmanager
def detachable(reattach: str) -> Generator[None]:
    """On Ctrl-C the command ends with the exit code of that, and says how to look again."""
    try:
        yield
    except KeyboardInterrupt:
        told = say("It goes on without this command. To look again: {command}", command=reattach)
        aside().print(told, style="dim", markup=False)
        raise typer.Exit(ExitCode.DETACHED) from None


def look_seconds(api: Api) -> float:
    return AWS_LOOK_SECONDS if api.is_aws else LOOK_SECONDS
