"""`tanren account`: further accounts beside the one of the settings, each with everything of its own."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tanren.cli.env import print_exports
from tanren.domain.clock import utc_now
from tanren.domain.errors import Conflict, ValidationFailed
from tanren.domain.scope import ACCOUNT_ID
from tanren.settings import read_settings
from tanren.storage.root_keys import read_root_keys

account = typer.Typer(help="Accounts of this server.", no_args_is_help=True)


@account.callback()
def _root() -> None:
    """Keeps `create` a subcommand even while it is the only one."""


@account.command()
def create(
    account_id: Annotated[str, typer.Argument(help="Twelve digits.")],
    data_dir: Annotated[Path | None, typer.Option(help="Of the server. Default .tanren.")] = None,
) -> None:
    """Print exports of the root keys of an account, for `eval "$(tanren account create 210987654321)"`.

    The account is made at the first call; every later one prints the same keys. A running server knows them at once.
    """
    from tanren.control.access_keys import AccessKeyControl
    from tanren.domain.identities import new_unique_id
    from tanren.storage.database import Database
    from tanren.storage.identity_database import IdentityDatabase

    settings = read_settings(data_dir=data_dir)
    if ACCOUNT_ID.fullmatch(account_id) is None:
        raise ValidationFailed(f"The account is '{account_id}'; an account id is twelve digits, as 210987654321.")
    first = read_root_keys(settings.data_dir)
    if first is None:
        raise ValidationFailed(
            f"No server has been started in {settings.data_dir} yet; start one: "
            f"tanren serve --data-dir {shlex.quote(str(settings.data_dir))}"
        )
    if first.account_id == account_id:
        raise Conflict(f"{account_id} is the account of this server's own root keys; `tanren env` prints them.")
    database = Database(settings.effective_database_url)
    try:
        control = AccessKeyControl(IdentityDatabase(database), clock=utc_now, new_id=new_unique_id)
        key = control.open_account(account_id)
    finally:
        database.close()
    print_exports(
        replace(
            first,
            account_id=account_id,
            access_key_id=key.access_key_id,
            secret_access_key=key.secret_access_key,
        )
    )
