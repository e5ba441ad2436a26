"""`tanren sdk …`: the SDK overlay, with which boto3 and the AWS CLI know more operations and waiters (docs/sdk.md)."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tanren.aws.sdk_overlay import MODELS_FOLDER
from tanren.aws.sdk_overlay import install as install_overlay
from tanren.aws.sdk_overlay import uninstall as uninstall_overlay
from tanren.cli.language import say

sdk = typer.Typer(
    help="The SDK overlay: the service `tanren`, waiters, and a dialect of Bedrock, for boto3 and the AWS CLI.",
    no_args_is_help=True,
)

ModelsDir = Annotated[
    Path | None, typer.Option("--models-dir", help="Where the SDK looks for models. Default ~/.aws/models.")
]


@sdk.command()
def path() -> None:
    """Print the overlay's folder: with `export AWS_DATA_PATH="$(tanren sdk path)"` one shell has it, and no other."""
    print(MODELS_FOLDER)


@sdk.command()
def install(models_dir: ModelsDir = None) -> None:
    """Copy the overlay to where every boto3 and AWS CLI of this user finds it."""
    done = install_overlay(models_dir or _default_folder())
    for name in done.written:
        print(done.folder / name)
    told = say("The overlay is there.") if done.written else say("Nothing had to be written: the overlay was there.")
    warning = say("A script that uses it does not run on AWS; `tanren sdk uninstall` takes it away again.")
    print(f"{told} {warning}", file=sys.stderr)


@sdk.command()
def uninstall(models_dir: ModelsDir = None) -> None:
    """Remove what `install` has written, and nothing else."""
    folder = models_dir or _default_folder()
    for name in uninstall_overlay(folder):
        print(folder / name)


def _default_folder() -> Path:
    return Path.home() / ".aws" / "models"
