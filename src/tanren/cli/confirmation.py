"""Questions before what cannot be taken back. Nobody is asked without a terminal: then `--yes` must say it."""

import sys
from typing import Annotated

import typer

from tanren.cli.language import say
from tanren.domain.errors import ValidationFailed

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask. Needed where there is no terminal to ask at.")]


def confirm(question: str, *, yes: bool) -> None:
    """Returns where the user agrees.

    Raises   typer.Exit where not; ValidationFailed where nobody can be asked.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ValidationFailed(
            say("{question} There is no terminal to ask at, so nothing was done; say --yes.", question=question)
        )
    if not typer.confirm(question, err=True):
        print(say("Nothing was done."), file=sys.stderr)
        raise typer.Exit(1)
