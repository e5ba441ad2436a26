"""`tanren account`: further accounts beside the one of the settings, each with everything of its own."""

import shlex
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tanren.cli.env import print_exports
from tanren.cli.language import say
from tanren.domain.clock import utc_now
from tanren.domain.errors import Conflict, ValidationFailed
from tanren.domain.identities import LastingKey
from tanren.domain.scope import ACCOUNT_ID
from tanren.settings import read_settings
from tanren.storage.root_keys import RootKeys, read_root_keys, write_root_keys

if TYPE_CHECKING:
    from tanren.control.access_keys import AccessKeyControl

account = typer.Typer(help="Accounts of this server.", no_args_is_help=True)


AccountId = Annotated[str, typer.Argument(help="Twelve digits.")]
DataDir = Annotated[Path | None, typer.Option(help="Of the server. Default .tanren.")]


@account.command()
def create(account_id: AccountId, data_dir: DataDir = None) -> None:
    """Print exports of the root keys of an account, for `eval "$(tanren account create 210987654321)"`.

    The account is made at the first call; every later one prints the same keys. A running server knows them at once.
    """
    with _accounts(account_id, data_dir) as (control, first, _):
        if first.account_id == account_id:
            raise Conflict(
                say(
                    "{account} is the account of this server's own root keys; `tanren env` prints them.",
                    account=account_id,
                )
            )
        print_exports(_root_keys(first, control.open_account(account_id)))


@account.command()
def rotate(account_id: AccountId, data_dir: DataDir = None) -> None:
    """Replace the root keys of an account, the server's own too, and print exports of the new ones.

    The old ones end at once, and so do temporary keys that they were used to get. Users and their keys stay.
    """
    with _accounts(account_id, data_dir) as (control, first, folder):
        if first.account_id != account_id:
            print_exports(_root_keys(first, control.rotate_root_key(account_id)))
            return
        if first.is_given:
            raise Conflict(
                say(
                    "The root keys of {account} were given to the server (TANREN_ACCESS_KEY, --access-key or a "
                    "settings file), and come back with its next start: give it others there, and start it again.",
                    account=account_id,
                )
            )
        key = control.rotate_first_root_key(
            account_id, keep=lambda key: write_root_keys(folder, _root_keys(first, key))
        )
        print_exports(_root_keys(first, key))


@contextmanager
def _accounts(account_id: str, data_dir: Path | None) -> "Generator[tuple[AccessKeyControl, RootKeys, Path]]":
    """The keys of accounts, the server's own root keys, and its data directory."""
    from tanren.control.access_keys import AccessKeyControl
    from tanren.domain.identities import new_unique_id
    from tanren.storage.database import Database
    from tanren.storage.identity_database import IdentityDatabase

    settings = read_settings(data_dir=data_dir)
    if ACCOUNT_ID.fullmatch(account_id) is None:
        raise ValidationFailed(
            say("The account is '{account}'; an account id is twelve digits, as 210987654321.", account=account_id)
        )
    first = read_root_keys(settings.data_dir)
    if first is None:
        raise ValidationFailed(
            say(
                "No server has been started in {folder} yet; start one: tanren serve --data-dir {quoted}",
                folder=settings.data_dir,
                quoted=shlex.quote(str(settings.data_dir)),
            )
        )
    database = Database(settings.effective_database_url)
    try:
        control = AccessKeyControl(IdentityDatabase(database), clock=utc_now, new_id=new_unique_id)
        yield control, first, settings.data_dir
    finally:
        database.close()


def _root_keys(first: RootKeys, key: LastingKey) -> RootKeys:
    return replace(
        first,
        account_id=key.account_id,
        access_key_id=key.access_key_id,
        secret_access_key=key.secret_access_key,
    )
