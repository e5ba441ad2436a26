"""The table of nouns: complete, quick, and each noun there when it is named."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer._click import Context
from typer.main import get_command

from tanren.cli.commands import COMMANDS, Nouns, command_of
from tanren.cli.help_texts import subcommands
from tanren.cli.main import app

CLI = Path(__file__).resolve().parents[3] / "src" / "tanren" / "cli"
HEAVY = {
    "boto3",
    "botocore",
    "sqlalchemy",
    "numpy",
    "torch",
    "matplotlib",
    "jinja2",
    "tanren.data",
    "tanren.storage.database",
}


def root() -> Nouns:
    command = get_command(app)
    assert isinstance(command, Nouns)
    return command


def test_every_module_that_has_a_command_is_in_the_table():
    """By the source: a Typer of its own, or a function of the module's name with options."""
    written = {path.stem for path in CLI.glob("*.py") if "typer.Typer(" in path.read_text()} - {"main", "commands"}
    assert written <= {noun.target.partition(":")[0].rpartition(".")[2] for noun in COMMANDS.values()}


@pytest.mark.parametrize("name", root().list_commands(Context(root())))
def test_each_listed_noun_can_be_loaded_and_helps(name: str):
    command = command_of(name, COMMANDS[name])
    assert command.name == name
    assert command.help
    for verb, below in subcommands(command).items():
        assert below.help, f"tanren {name} {verb} has no help"


def test_the_earlier_name_of_a_noun_still_works_and_is_not_listed():
    command, context = root(), Context(root())
    assert "throughput" not in command.list_commands(context)
    found = command.get_command(context, "throughput")
    assert found is not None
    assert set(subcommands(found)) == {"create", "list", "get", "delete"}


def test_help_and_completion_load_nothing_heavy():
    program = (
        "import sys; from tanren.cli.main import run; code = run(['--help']);"
        f"print(sorted({HEAVY!r} & set(sys.modules)), code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[] 0"


@pytest.mark.parametrize(("words", "expected"), [("tanren prov", ["provision"]), ("tanren job wa", ["watch"])])
def test_a_shell_completes_nouns_and_verbs(words: str, expected: list[str]):
    told = subprocess.run(
        [sys.executable, "-c", "from tanren.cli.main import main; main()"],
        env={
            **os.environ,
            "_TANREN_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout.split() == expected, told.stderr


def test_no_module_of_the_command_line_imports_a_heavy_library_at_its_top():
    """But those that look at data, whose nouns are loaded alone."""
    for path in CLI.glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.partition(".")[0] for name in names} & {"boto3", "botocore", "sqlalchemy", "numpy"}, path
