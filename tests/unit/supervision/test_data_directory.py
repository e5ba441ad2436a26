"""The data directory of a server: whose it is, its keys and its certificate."""

from dataclasses import replace
from pathlib import Path

import pytest

from tanren.control.access_keys import AccessKeyControl
from tanren.domain.clock import utc_now
from tanren.domain.errors import ValidationFailed
from tanren.domain.identities import new_unique_id
from tanren.settings import Settings
from tanren.storage.database import Database
from tanren.storage.identity_database import IdentityDatabase
from tanren.storage.root_keys import read_root_keys
from tanren.supervision.data_directory import make_private, prepare_tls, root_keys


@pytest.fixture
def access_keys(database: Database) -> AccessKeyControl:
    return AccessKeyControl(IdentityDatabase(database), clock=utc_now, new_id=new_unique_id)


@pytest.mark.parametrize(
    ("settings", "endpoint", "has_bundle"),
    [
        (Settings(), "http://127.0.0.1:4500", False),
        (Settings(host="0.0.0.0", tls="local"), "https://127.0.0.1:4500", True),
        (Settings(tls="local", tls_names="*.s3.forge.test, forge.test"), "https://forge.test:4500", True),
    ],
)
def test_the_keys_say_where_the_server_is_and_whom_to_trust(
    tmp_path: Path, access_keys, settings, endpoint, has_bundle
):
    settings = replace(settings, data_dir=tmp_path)
    keys = root_keys(settings, prepare_tls(settings), access_keys)
    assert keys.endpoint == endpoint
    assert keys.ca_bundle == (str(tmp_path / "tls" / "ca.pem") if has_bundle else "")


def test_keys_stay_from_start_to_start_until_they_are_replaced_or_others_are_given(tmp_path: Path, access_keys):
    settings = Settings(data_dir=tmp_path)
    first = root_keys(settings, None, access_keys)
    assert root_keys(settings, None, access_keys) == first
    # Killed before the directory had it: the database has the last word.
    replaced = access_keys.rotate_first_root_key(settings.account, keep=lambda key: None)
    assert read_root_keys(tmp_path) == first
    found = root_keys(settings, None, access_keys)
    assert (found.access_key_id, found.secret_access_key) == (replaced.access_key_id, replaced.secret_access_key)
    assert read_root_keys(tmp_path) == found
    given = root_keys(replace(settings, access_key="AKIAGIVEN", secret_key="given"), None, access_keys)
    assert (given.access_key_id, given.is_given, found.is_given) == ("AKIAGIVEN", True, False)
    assert access_keys.root_key(settings.account) is None


def test_a_certificate_that_cannot_be_read_is_named_before_anything_starts(tmp_path: Path):
    missing = str(tmp_path / "none.pem")
    with pytest.raises(ValidationFailed, match=r"none\.pem cannot be read"):
        prepare_tls(Settings(tls="files", tls_certificate=missing, tls_key=missing))


@pytest.mark.parametrize("exists", [True, False])
def test_the_data_directory_is_its_owners_alone(tmp_path, exists):
    data_dir = tmp_path / "data"
    if exists:
        data_dir.mkdir()
        data_dir.chmod(0o755)
    make_private(data_dir)
    assert data_dir.stat().st_mode & 0o777 == 0o700
