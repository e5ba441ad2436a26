"""`tanren serve`: the whole service in the foreground."""

import os
import shlex
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from tanren.logs import log_to_stderr
from tanren.settings import read_settings
from tanren.storage.root_keys import FILE_NAME, RootKeys


def serve(
    port: Annotated[int | None, typer.Option(help="Port of the one endpoint. Default 4500.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Everything that must survive. Default .tanren.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default 127.0.0.1.")] = None,
    region: Annotated[str | None, typer.Option(help="Region that `tanren env` prints. Default us-east-1.")] = None,
    account: Annotated[str | None, typer.Option(help="Account of the root keys. Default 123456789012.")] = None,
    access_key: Annotated[str | None, typer.Option(help="Root access key. Default: random, at first start.")] = None,
    secret_key: Annotated[str | None, typer.Option(help="Root secret key; goes with --access-key.")] = None,
    tls: Annotated[
        bool | None,
        typer.Option(help="Speak HTTPS, with a certificate of tanren's own authority (`tanren tls` explains it)."),
    ] = None,
    iam: Annotated[
        str | None, typer.Option(help="Policies of users and roles: `enforce` (default), `audit` or `off`.")
    ] = None,
    console: Annotated[
        bool | None, typer.Option(help="Pages for a browser, at /console of the same port. Default: yes.")
    ] = None,
    aws_endpoint: Annotated[
        str | None, typer.Option(help="S3 and its neighbours elsewhere: `aws`, or the URL of any S3.")
    ] = None,
) -> None:
    """Start gateway, worker, engine hosts and the embedded S3, and keep them running until Ctrl-C.

    Further settings are variables of the environment or lines of settings.toml; `tanren config explain` shows all.

    Example: tanren serve --port 4500 --data-dir .tanren
    """
    # Imported here: `tanren env` and `--help` need none of it.
    from tanren.supervisor import Supervisor

    began = time.monotonic()
    # Training data, models and answers in logs are their owner's alone; children inherit it.
    os.umask(0o077)
    log_to_stderr()
    settings = read_settings(
        port=port,
        data_dir=data_dir,
        host=host,
        region=region,
        account=account,
        access_key=access_key,
        secret_key=secret_key,
        tls=None if tls is None else "local" if tls else "off",
        iam=iam,
        aws_endpoint=aws_endpoint,
        console=None if console is None else "on" if console else "off",
    )
    out = Console(file=sys.stdout, highlight=False, soft_wrap=True)

    def tell(keys: RootKeys) -> None:
        folder = settings.data_dir
        for_shell, keys_path, logs = (
            escape(shlex.quote(str(p))) for p in (folder, folder / FILE_NAME, folder / "logs")
        )
        shown = f"  console   {escape(keys.endpoint)}/console\n" if settings.console == "on" else ""
        out.print(
            f"[bold]tanren is ready[/bold] after {time.monotonic() - began:.1f} s\n"
            f"  endpoint  {escape(keys.endpoint)}\n"
            f"{shown}"
            f"  region    {keys.region}   account {keys.account_id}\n"
            f"  keys      {keys_path}\n"
            f"  logs      {logs}\n"
            f'  in another shell:  eval "$(tanren env --data-dir {for_shell})"\n'
            "  Ctrl-C stops it; what is running goes on at the next start."
        )

    Supervisor(settings=settings, on_ready=tell).run()
