from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tanren.control.users import UserControl
from tanren.domain.errors import NameTaken, ResourceNotFound
from tanren.domain.identities import new_unique_id
from tanren.storage.database import Database
from tanren.storage.identity_database import IdentityDatabase

ACCOUNT = "123456789012"
OTHER_ACCOUNT = "210987654321"


@pytest.fixture
def users(database: Database, clock: Any) -> UserControl:
    return UserControl(IdentityDatabase(database), clock=clock, new_id=new_unique_id)


def create(users: UserControl, name: str = "anna", account_id: str = ACCOUNT) -> str:
    user, _ = users.create(account_id, name, path="/", boundary_arn=None, tags={})
    return user.identity_id


def test_of_many_that_ask_for_one_name_at_the_same_time_one_gets_it(users: UserControl) -> None:
    def attempt(number: int) -> str | None:
        try:
            return create(users, "Anna" if number % 2 else "anna")
        except NameTaken:
            return None

    with ThreadPoolExecutor(8) as pool:
        made = [found for found in pool.map(attempt, range(16)) if found is not None]
    assert len(made) == 1
    assert users.get(ACCOUNT, "ANNA")[0].identity_id == made[0]


def test_the_same_name_in_another_account_is_another_user(users: UserControl) -> None:
    assert create(users) != create(users, account_id=OTHER_ACCOUNT)
    users.delete(OTHER_ACCOUNT, "anna")
    assert users.get(ACCOUNT, "anna")
    with pytest.raises(ResourceNotFound, match="The user with name anna cannot be found"):
        users.get(OTHER_ACCOUNT, "anna")


def test_a_user_may_be_given_its_own_name_in_other_letters_and_nobody_elses(users: UserControl) -> None:
    create(users)
    create(users, "berta")
    users.update(ACCOUNT, "anna", new_name="Anna", new_path=None)
    assert users.get(ACCOUNT, "anna")[0].name == "Anna"
    with pytest.raises(NameTaken):
        users.update(ACCOUNT, "anna", new_name="BERTA", new_path=None)
    with pytest.raises(ResourceNotFound):
        users.update(ACCOUNT, "nobody", new_name="x", new_path=None)
