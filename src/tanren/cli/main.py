"""The `tanren` command: noun and verb, data on standard output, progress on standard error.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 data are not right, 6 the state forbids it (port or directory in use).
"""

import sys

import typer

from tanren.cli.account import account
from tanren.cli.audit import audit
from tanren.cli.data import data
from tanren.cli.demo import demo
from tanren.cli.doctor import doctor
from tanren.cli.env import env
from tanren.cli.job import job
from tanren.cli.models import models
from tanren.cli.sdk import sdk
from tanren.cli.serve import serve
from tanren.cli.throughput import throughput
from tanren.cli.tls import tls
from tanren.domain.errors import Conflict, TanrenError, ValidationFailed

app = typer.Typer(
    name="tanren",
    help="Customize open-weight language models behind Amazon Bedrock's API, on this machine.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command()(env)
app.command()(demo)
app.command()(doctor)
app.command()(tls)
app.add_typer(account, name="account")
app.add_typer(models, name="models")
app.add_typer(data, name="data")
app.add_typer(job, name="job")
app.add_typer(throughput, name="throughput")
app.add_typer(sdk, name="sdk")
app.add_typer(audit, name="audit")


@app.callback()
def _root() -> None:
    """Keeps `tanren serve` a subcommand even while there are few."""


def main() -> None:
    """Runs the command; an error that a user can do something about is one line, not a traceback."""
    try:
        app()
    except ValidationFailed as error:
        _fail(error, 2)
    except Conflict as error:
        _fail(error, 6)
    except TanrenError as error:
        _fail(error, 1)


def _fail(error: TanrenError, code: int) -> None:
    print(f"tanren: {error}", file=sys.stderr)
    sys.exit(code)
