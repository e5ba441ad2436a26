"""Help texts as a reader gets them: in the user's language, and with examples that can be copied.

A docstring has its examples as paragraphs that begin with `Example: tanren …`, on as many lines as it likes; shown, an
example stands alone, broken before options and with the backslashes that a shell wants.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from typer._click import Command

from tanren.cli.language import flat, paragraphs, say, translated

EXAMPLE: Final = "Example: "
_AS_IT_STANDS: Final = "\b\n"
"""A paragraph that begins so is not filled anew: Click's own sign."""
_WIDTH: Final = 74
_OPTION: Final = re.compile(r" (?=--?[a-z])")


def prepare_help(command: Command) -> None:
    """Changes the help of a command, of its parameters and of all commands below it."""
    command.help = command.help and "\n\n".join(_shown(part) for part in paragraphs(command.help))
    for parameter in command.params:
        if text := _help_of(parameter):
            setattr(parameter, "help", translated(text))  # noqa: B010  arguments and options alike have it
    for each in subcommands(command).values():
        prepare_help(each)


def subcommands(command: Command) -> dict[str, Command]:
    """By name; none of a command that is no group."""
    return getattr(command, "commands", {})


def messages_of(command: Command) -> Iterator[str]:
    """Every paragraph to be translated, of a command that has not been prepared, and of all below it."""
    texts = [command.help or "", *(_help_of(parameter) for parameter in command.params)]
    for text in texts:
        yield from (flat(part) for part in paragraphs(text) if part and not part.startswith(EXAMPLE))
    for each in subcommands(command).values():
        yield from messages_of(each)


def examples_of(command: Command) -> Iterator[str]:
    """Each as one command line, of a command that has not been prepared, and of all below it."""
    for part in paragraphs(command.help or ""):
        if part.startswith(EXAMPLE):
            yield flat(part).removeprefix(EXAMPLE)
    for each in subcommands(command).values():
        yield from examples_of(each)


def laid_out(example: str) -> str:
    """Lines that a shell takes for one command."""
    lines = [""]
    for piece in _pieces(example):
        if lines[-1] and len(lines[-1]) + 1 + len(piece) > _WIDTH:
            lines.append("    " + piece)
        else:
            lines[-1] = f"{lines[-1]} {piece}".strip() if len(lines) == 1 else f"{lines[-1]} {piece}"
    return " \\\n".join(lines)


def _pieces(example: str) -> Iterator[str]:
    """What stays on one line: an option with its value; of what is too long, each word."""
    for piece in _OPTION.split(example):
        yield from [piece] if len(piece) < _WIDTH or '"' in piece else piece.split(" ")


def _shown(paragraph: str) -> str:
    if not paragraph.startswith(EXAMPLE):
        return translated(paragraph)
    lines = laid_out(flat(paragraph).removeprefix(EXAMPLE)).splitlines()
    return _AS_IT_STANDS + "\n".join([say("Example:"), *(f"  {line}" for line in lines)])


def _help_of(parameter: Any) -> str:
    return getattr(parameter, "help", None) or ""
