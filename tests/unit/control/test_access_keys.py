from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tanren.control.access_keys import AccessKeyControl
from tanren.control.sessions import Asker, SessionControl, refuse
from tanren.control.users import UserControl
from tanren.domain.errors import QuotaExceeded, ResourceNotFound
from tanren.domain.identities import ACCESS_KEYS_PER_USER, KeyStatus, LastingKey, new_unique_id, root_arn
from tanren.storage.database import Database
from tanren.storage.identity_database import IdentityDatabase
from tanren.storage.principals import Principals

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


def test_a_new_root_key_ends_the_old_one_and_its_temporary_keys_and_no_other_accounts(
    keys: AccessKeyControl, database: Database, clock: Any
) -> None:
    identities = IdentityDatabase(database)
    principals = Principals(identities)
    sessions = SessionControl(identities, principals, judge=refuse, clock=clock, new_id=new_unique_id)
    old, elsewhere = keys.open_account(OTHER_ACCOUNT), keys.open_account("333333333333")
    asker = Asker(arn=root_arn(OTHER_ACCOUNT), account_id=OTHER_ACCOUNT, access_key_id=old.access_key_id, context={})
    temporary = sessions.session_of_caller(asker, duration_seconds=None)
    new = keys.rotate_root_key(OTHER_ACCOUNT)
    assert keys.open_account(OTHER_ACCOUNT) == new
    assert principals.find_key(old.access_key_id) is None
    assert principals.find_key(temporary.access_key_id) is None
    assert principals.find_key(new.access_key_id).principal_arn == root_arn(OTHER_ACCOUNT)
    assert principals.find_key(elsewhere.access_key_id) is not None


def test_the_first_accounts_key_is_replaced_by_one_that_is_kept_or_not_at_all(
    keys: AccessKeyControl, database: Database
) -> None:
    principals = Principals(IdentityDatabase(database))
    assert keys.root_key(ACCOUNT) is None
    assert not principals.has_root_key(ACCOUNT)

    def fail(_: object) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        keys.rotate_first_root_key(ACCOUNT, keep=fail)
    assert keys.root_key(ACCOUNT) is None
    kept: list[LastingKey] = []
    first = keys.rotate_first_root_key(ACCOUNT, keep=kept.append)
    second = keys.rotate_first_root_key(ACCOUNT, keep=kept.append)
    assert kept == [first, second]
    assert keys.root_key(ACCOUNT) == second
    keys.end_root_key(ACCOUNT)
    assert keys.root_key(ACCOUNT) is None


def test_only_an_account_that_is_open_has_a_root_key_to_replace(keys: AccessKeyControl) -> None:
    with pytest.raises(ResourceNotFound, match="tanren account create 210987654321"):
        keys.rotate_root_key(OTHER_ACCOUNT)
