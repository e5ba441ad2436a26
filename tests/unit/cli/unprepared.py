"""The commands as their modules write them: before they are put into the user's language."""

from importlib import import_module

import typer
from typer._click import Command
from typer.main import get_command, get_group

from tanren.cli.commands import COMMANDS, is_written
from tanren.cli.main import app


def commands_as_written() -> dict[str, Command]:
    """The root, and each noun's, by name."""
    found: dict[str, Command] = {"tanren": get_group(app)}
    for name, noun in COMMANDS.items():
        if is_written(noun):
            module, _, attribute = noun.target.partition(":")
            target = getattr(import_module(module), attribute)
            if isinstance(target, typer.Typer):
                found[name] = get_group(target)
            else:
                alone = typer.Typer(add_completion=False)
                alone.command(name)(target)
                found[name] = get_command(alone)
    return found
