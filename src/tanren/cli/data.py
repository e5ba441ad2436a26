"""`tanren data …`: training data before they are paid for. Reads and writes files of this machine and of S3.

Exit code 3: the data are not right; what is wrong with them has been told.
"""

import typer

from tanren.cli.data_checks import diff, doctor, stats, validate
from tanren.cli.data_estimate import estimate
from tanren.cli.data_generate import generate
from tanren.cli.data_masks import show
from tanren.cli.data_writers import preprocess, push, split

data = typer.Typer(
    help="Training data: check, examine, convert, split and upload them before a job does.", no_args_is_help=True
)
for command in (validate, doctor, show, stats, diff, generate, preprocess, split, push, estimate):
    data.command()(command)
