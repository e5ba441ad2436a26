"""Every noun of the command line: where it is written, what it is for, under which heading it is listed.

A noun's module is imported when it is named, and not before, so that `tanren --help` and a completion stay quick.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import typer
from typer._click import Command, Context, HelpFormatter
from typer._click.shell_completion import CompletionItem
from typer.core import TyperGroup
from typer.main import get_command, get_group

from tanren.cli.help_texts import prepare_help
from tanren.cli.language import say, translated


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    target: str
    """`module:name` of a Typer, or of the function that is the command."""
    help: str
    """One line, for the list."""
    group: str = ""
    """Heading in the list; an alias has none, and is not listed."""


FIRST_STEPS: Final = "First steps"
DATA: Final = "Data and training"
SERVING: Final = "Models in service"
MACHINE: Final = "This server and this machine"

COMMANDS: Final[Mapping[str, Noun]] = {
    "demo": Noun(
        target="tanren.cli.demo:demo",
        help="Walk the seven steps on example data, from a JSONL to a tuned model that answers.",
        group=FIRST_STEPS,
    ),
    "serve": Noun(
        target="tanren.cli.serve:serve", help="Start the service, and keep it running until Ctrl-C.", group=FIRST_STEPS
    ),
    "env": Noun(
        target="tanren.cli.env:env",
        help="Print endpoint and keys for any AWS client, for eval in a shell.",
        group=FIRST_STEPS,
    ),
    "recipes": Noun(
        target="tanren.cli.recipes:recipes",
        help="Small fine-tunes with data, settings and an evaluation, to run and to copy.",
        group=FIRST_STEPS,
    ),
    "data": Noun(
        target="tanren.cli.data:data",
        help="Check, examine, convert, split and upload training data before a job reads them.",
        group=DATA,
    ),
    "job": Noun(
        target="tanren.cli.job:job",
        help="Customization jobs: create, follow, stop and verify them.",
        group=DATA,
    ),
    "eval": Noun(
        target="tanren.cli.eval:eval_",
        help="Measure a tuned model against its base, and say what the figures show.",
        group=DATA,
    ),
    "model": Noun(
        target="tanren.cli.model:model",
        help="Custom and imported models: list, import, copy, export, delete, lineage.",
        group=DATA,
    ),
    "provision": Noun(
        target="tanren.cli.provision:provision",
        help="Provisioned throughput: a model kept in service under a name.",
        group=SERVING,
    ),
    "deployment": Noun(
        target="tanren.cli.deployment:deployment",
        help="Deployments of custom models, which answer on demand.",
        group=SERVING,
    ),
    "batch": Noun(
        target="tanren.cli.batch:batch", help="Batch inference: a file of prompts in S3, answered.", group=SERVING
    ),
    "chat": Noun(
        target="tanren.cli.chat:chat", help="Talk to a model, or to two side by side: base and tuned.", group=SERVING
    ),
    "models": Noun(
        target="tanren.cli.models:models",
        help="Open weights of your own behind Bedrock's model ids.",
        group=MACHINE,
    ),
    "doctor": Noun(
        target="tanren.cli.doctor:doctor",
        help="Examine this machine, and say how to put right what is wrong.",
        group=MACHINE,
    ),
    "config": Noun(
        target="tanren.cli.config:config", help="Every setting, its value, and where it came from.", group=MACHINE
    ),
    "account": Noun(target="tanren.cli.account:account", help="Further accounts of this server.", group=MACHINE),
    "audit": Noun(
        target="tanren.cli.audit:audit", help="Who called what, and whether the log is unaltered.", group=MACHINE
    ),
    "tls": Noun(
        target="tanren.cli.tls:tls", help="This server's certificates, and how clients trust them.", group=MACHINE
    ),
    "sdk": Noun(
        target="tanren.cli.sdk:sdk",
        help="More operations and waiters for boto3 and the AWS CLI.",
        group=MACHINE,
    ),
    "throughput": Noun(target="tanren.cli.provision:provision", help="The earlier name of provision."),
}

EXAMPLES: Final = (
    ("tanren demo", "everything at once, in a minute"),
    ("tanren serve", "then, in another shell:"),
    ('eval "$(tanren env)"', "every AWS client now speaks to this server"),
    ("tanren data validate train.jsonl", "what is wrong, by line, with the remedy"),
    ("tanren job create --help", "all options, and a command to copy"),
)


class Nouns(TyperGroup):
    """The root of the command line: it lists nouns from the table, and loads one when it is named."""

    def list_commands(self, ctx: Context) -> list[str]:
        return [name for name, noun in COMMANDS.items() if noun.group and is_written(noun)]

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        noun = COMMANDS.get(cmd_name)
        if noun is None or not is_written(noun):
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = command_of(cmd_name, noun)
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            near = ", ".join(f"`tanren {name}`" for name in get_close_matches(args[0], self.list_commands(ctx)))
            meant = say(" Did you mean {near}?", near=near) if near else ""
            ctx.fail(say("There is no command '{name}'.", name=args[0]) + meant)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: Context, incomplete: str) -> list[CompletionItem]:
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        found = [CompletionItem(name, help=translated(COMMANDS[name].help)) for name in names]
        return [*found, *Command.shell_complete(self, ctx, incomplete)]

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        # Imported here: who completes a word needs none of it.
        from rich.table import Table
        from rich.text import Text

        from tanren.cli.output import screen

        out = screen()
        out.print(Text.assemble(("tanren 鍛錬", "bold"), "  ", translated(self.help or "")), soft_wrap=True)
        out.print(say("\nUsage: tanren COMMAND …   (tanren COMMAND --help has its options and examples)"))
        names = self.list_commands(ctx)
        for group in dict.fromkeys(COMMANDS[name].group for name in names):
            out.print(Text(f"\n{translated(group)}", style="bold"))
            table = Table.grid(padding=(0, 2))
            table.add_column(style="cyan", no_wrap=True, min_width=12)
            table.add_column(overflow="fold")
            for name in names:
                if COMMANDS[name].group == group:
                    table.add_row(f"  {name}", Text(translated(COMMANDS[name].help)))
            out.print(table)
        out.print(Text("\n" + say("Examples"), style="bold"))
        examples = Table.grid(padding=(0, 2))
        examples.add_column(no_wrap=True)
        examples.add_column(overflow="fold")
        for command, purpose in EXAMPLES:
            examples.add_row(Text(f"  {command}"), Text(f"# {translated(purpose)}", style="dim"))
        out.print(examples)
        more = say("Completion of words in your shell: tanren --install-completion. Exit codes and more: docs/cli.md")
        out.print(Text(f"\n{more}", style="dim"), soft_wrap=True)


def command_of(name: str, noun: Noun) -> Command:
    """The noun's command, built from its module, with help in the user's language."""
    module, _, attribute = noun.target.partition(":")
    target: Any = getattr(import_module(module), attribute)
    if isinstance(target, typer.Typer):
        # Typer's boxes leave little room for words, and break an example that is there to be copied.
        target.rich_markup_mode = None
        command: Command = get_group(target)
    else:
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        alone.command(name)(target)
        command = get_command(alone)
    command.name = name
    prepare_help(command)
    return command


def is_written(noun: Noun) -> bool:
    return find_spec(noun.target.partition(":")[0]) is not None
