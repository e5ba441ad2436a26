import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tanren.cli.main import app
from tanren.domain.errors import Conflict, ResourceNotFound, ValidationFailed
from tanren.storage.root_keys import RootKeys, read_root_keys, write_root_keys

OTHER = "210987654321"


OWN = "123456789012"
OWN_KEYS = RootKeys(
    account_id=OWN,
    region="us-east-1",
    access_key_id="AKIA",
    secret_access_key="s",
    endpoint="http://127.0.0.1:4500",
)


@pytest.fixture
def data_dir(tmp_path: Path, migrated_file: Path) -> Path:
    """Of a server that has been started once."""
    shutil.copyfile(migrated_file, tmp_path / "tanren.db")
    write_root_keys(tmp_path, OWN_KEYS)
    return tmp_path


def created(data_dir: Path, account: str = OTHER, *, command: str = "create") -> str:
    result = CliRunner().invoke(app, ["account", command, account, "--data-dir", str(data_dir)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def test_an_account_has_one_root_key_however_often_it_is_asked_for(data_dir: Path) -> None:
    first = created(data_dir)
    assert "export AWS_ACCESS_KEY_ID=AKIA" in first
    assert "export AWS_ENDPOINT_URL=http://127.0.0.1:4500" in first
    assert created(data_dir) == first
    assert created(data_dir, "111122223333") != first


def test_new_root_keys_are_printed_and_are_the_accounts_from_then_on(data_dir: Path) -> None:
    with pytest.raises(ResourceNotFound, match="has not been opened"):
        created(data_dir, command="rotate")
    old = created(data_dir)
    new = created(data_dir, command="rotate")
    assert new != old
    assert created(data_dir) == new


def test_the_servers_own_account_is_not_made_again(data_dir: Path) -> None:
    with pytest.raises(Conflict, match="tanren env"):
        created(data_dir, OWN)


def test_the_servers_own_root_keys_are_replaced_in_its_directory_too(data_dir: Path) -> None:
    printed = created(data_dir, OWN, command="rotate")
    keys = read_root_keys(data_dir)
    assert keys == replace(OWN_KEYS, access_key_id=keys.access_key_id, secret_access_key=keys.secret_access_key)
    assert keys.access_key_id != OWN_KEYS.access_key_id
    assert f"export AWS_SECRET_ACCESS_KEY={keys.secret_access_key}" in printed
    assert (data_dir / "root-keys.json").stat().st_mode & 0o777 == 0o600
    assert created(data_dir, OWN, command="rotate") != printed


def test_keys_that_the_settings_give_are_replaced_there(data_dir: Path) -> None:
    given = replace(OWN_KEYS, is_given=True)
    write_root_keys(data_dir, given)
    with pytest.raises(Conflict, match="TANREN_ACCESS_KEY"):
        created(data_dir, OWN, command="rotate")
    assert read_root_keys(data_dir) == given


def test_an_account_is_twelve_digits(data_dir: Path) -> None:
    with pytest.raises(ValidationFailed, match="twelve digits"):
        created(data_dir, "12")


def test_a_server_must_have_been_started_before(tmp_path: Path) -> None:
    with pytest.raises(ValidationFailed, match="No server has been started"):
        created(tmp_path)
