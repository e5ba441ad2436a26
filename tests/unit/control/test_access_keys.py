from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tanren.control.access_keys import AccessKeyControl
from tanren.control.users import UserControl
from tanren.domain.errors import QuotaExceeded, ResourceNotFound
from tanren.domain.identities import ACCESS_KEYS_PER_USER, KeyStatus, new_unique_id
from tanren.storage.database import Database
from tanren.storage.identity_database import IdentityDatabase

ACCOUNT = "123456789012"
OTHER_ACCOUNT = "210987654321"


@pytest.fixture
def keys(database: Database, clock: Any) -> AccessKeyControl:
    """Of an account with the users anna and berta."""
    identities = IdentityDatabase(database)
    for name in ("anna", "berta"):
        UserControl(identities, clock=clock, new_id=new_unique_id).create(
            ACCOUNT, name, path="/", boundary_arn=None, tags={}
        )
    return AccessKeyControl(identities, clock=clock, new_id=new_unique_id)


def test_many_that_ask_at_the_same_time_get_no_more_keys_than_a_user_may_have(keys: AccessKeyControl) -> None:
    def attempt(_: int) -> bool:
        try:
            keys.create(ACCOUNT, "anna")
        except QuotaExceeded:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(12))) == ACCESS_KEYS_PER_USER
    assert len(keys.list(ACCOUNT, "anna", marker=None, size=None).items) == ACCESS_KEYS_PER_USER


def test_a_key_is_changed_only_by_the_name_of_its_own_user(keys: AccessKeyControl) -> None:
    key = keys.create(ACCOUNT, "anna")
    for account, name in ((ACCOUNT, "berta"), (OTHER_ACCOUNT, "anna")):
        with pytest.raises(ResourceNotFound):
            keys.set_status(account, name, key.access_key_id, KeyStatus.INACTIVE)
        with pytest.raises(ResourceNotFound):
            keys.delete(account, name, key.access_key_id)
    assert keys.list(ACCOUNT, "anna", marker=None, size=None).items == [key]


def test_an_account_is_opened_once_however_many_ask(keys: AccessKeyControl) -> None:
    with ThreadPoolExecutor(8) as pool:
        opened = set(pool.map(lambda _: keys.open_account(OTHER_ACCOUNT).access_key_id, range(8)))
    assert len(opened) == 1
