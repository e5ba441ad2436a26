"""The `tanren` command: noun and verb, data on standard output, progress on standard error.

The nouns are in `commands.py`, the exit codes in `exit_codes.py`, what is said in Japanese in `messages.ja.toml`.
"""

import sys
from collections.abc import Sequence

import typer
from typer._click.exceptions import ClickException
from typer.main import get_command

from tanren.cli.commands import Nouns
from tanren.cli.exit_codes import ExitCode, exit_code_of
from tanren.cli.output import Output, error_json, tell_error, wanted_output
from tanren.domain.errors import TanrenError

app = typer.Typer(
    cls=Nouns,
    name="tanren",
    help="Customize open-weight language models behind Amazon Bedrock's API, on this machine.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """Takes no options of its own; every command has its own."""


def main() -> None:
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """The exit code. An error that a user can do something about is a line, or an object, and no traceback."""
    output = wanted_output(arguments)
    try:
        code = get_command(app).main(args=list(arguments), prog_name="tanren", standalone_mode=False)
    except ClickException as error:
        _tell_wrong_usage(error, output)
        return error.exit_code
    except typer.Abort:
        return ExitCode.DETACHED
    except TanrenError as error:
        tell_error(error, output)
        return exit_code_of(error)
    return code if isinstance(code, int) else ExitCode.DONE


def _tell_wrong_usage(error: ClickException, output: Output) -> None:
    if output is not Output.TABLE:
        told = error_json(error.format_message(), exit_code=error.exit_code, kind="WrongUsage")
        print(told, file=sys.stderr)
        return
    from typer.rich_utils import rich_format_error

    rich_format_error(error)
