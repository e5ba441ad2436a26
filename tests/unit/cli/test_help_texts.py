"""Examples that can be copied: they parse, and a shell takes what is shown for one command."""

import shlex
from itertools import takewhile

import pytest
from typer._click import Command, Context
from typer._click.exceptions import ClickException
from typer.main import get_command

from tanren.cli.commands import EXAMPLES, Nouns
from tanren.cli.help_texts import examples_of, laid_out, subcommands
from tanren.cli.main import app
from tests.unit.cli.unprepared import commands_as_written

WRITTEN = [example for command in commands_as_written().values() for example in examples_of(command)]


def parse(arguments: list[str]) -> None:
    """To the last option, without doing anything. Raises ClickException."""
    command: Command = get_command(app)
    context = Context(command)
    while isinstance(command, Nouns) or subcommands(command):
        name, command, arguments = command.resolve_command(context, arguments)  # type: ignore[attr-defined]
        context = Context(command, info_name=name, parent=context)
    command.parse_args(context, list(arguments))


@pytest.mark.parametrize("example", [*WRITTEN, *(example for example, _ in EXAMPLES if "--help" not in example)])
def test_every_example_is_a_command_that_can_be_parsed(example: str):
    alone = example.partition("$(")[2].partition(")")[0] if example.startswith("eval") else example
    words = shlex.split(alone)
    assert words[0] == "tanren"
    parse(list(takewhile(lambda word: word not in (">", ">>"), words[1:])))


def test_an_example_with_an_option_that_is_not_there_would_be_found():
    with pytest.raises(ClickException):
        parse(["job", "list", "--nonsense"])


@pytest.mark.parametrize("example", WRITTEN)
def test_a_shown_example_is_one_command_for_a_shell_and_fits_the_screen(example: str):
    shown = laid_out(example)
    assert shlex.split(shown.replace("\\\n", "")) == shlex.split(example)
    assert max(map(len, shown.splitlines())) <= 78


def test_every_verb_of_the_api_has_an_example():
    of_files = ("data", "models", "demo", "sdk", "account", "recipes", "eval", "audit")
    for name, command in commands_as_written().items():
        if name in ("tanren", "throughput", *of_files):
            continue
        for verb, below in (subcommands(command) or {name: command}).items():
            assert list(examples_of(below)), f"tanren {name} {verb} has no example"
