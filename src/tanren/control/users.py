"""The rules of users: one name an account, and nothing left hanging when one goes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tanren.control.identity_policies import check_boundary, check_tags, refuse_while_policies_hang
from tanren.domain.clock import Clock
from tanren.domain.errors import NameTaken, QuotaExceeded, StillInUse
from tanren.domain.identities import USERS_PER_ACCOUNT, IdPrefix, UniqueIdMaker, User
from tanren.domain.marked_pages import MarkedPage, marked_page
from tanren.storage.access_keys import access_keys_of, credentials_of
from tanren.storage.identities import replace_tags, tags_of, users
from tanren.storage.identity_database import IdentityDatabase

TaggedUser = tuple[User, Mapping[str, str]]

_ROWS: Final = users()


class UserControl:
    def __init__(self, database: IdentityDatabase, *, clock: Clock, new_id: UniqueIdMaker) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id

    def create(
        self, account_id: str, name: str, *, path: str, boundary_arn: str | None, tags: Mapping[str, str]
    ) -> TaggedUser:
        user = User(
            identity_id=self._new_id(IdPrefix.USER),
            account_id=account_id,
            name=name,
            path=path,
            boundary_arn=boundary_arn,
            created_at=self._clock(),
        )
        check_tags(user.arn, tags)
        with self._database.writing() as connection:
            if _ROWS.find(connection, account_id, name) is not None:
                raise NameTaken(f"User with name {name} already exists.")
            if _ROWS.count(connection, account_id) >= USERS_PER_ACCOUNT:
                raise QuotaExceeded(f"Cannot exceed quota for UsersPerAccount: {USERS_PER_ACCOUNT}")
            check_boundary(connection, account_id, boundary_arn)
            _ROWS.insert(connection, user)
            replace_tags(connection, user.identity_id, tags)
        return user, tags

    def get(self, account_id: str, name: str) -> TaggedUser:
        with self._database.reading() as connection:
            user = _ROWS.get(connection, account_id, name)
            return user, tags_of(connection, user.identity_id)

    def list(self, account_id: str, *, path_prefix: str, marker: str | None, size: int | None) -> MarkedPage[User]:
        with self._database.reading() as connection:
            found = _ROWS.every(connection, account_id, path_prefix=path_prefix)
        return marked_page(found, lambda user: user.name, marker=marker, size=size)

    def update(self, account_id: str, name: str, *, new_name: str | None, new_path: str | None) -> None:
        """Keys, policies and tags stay; the ARN changes."""
        with self._database.writing() as connection:
            user = _ROWS.get(connection, account_id, name)
            changed = replace(user, name=new_name or user.name, path=new_path or user.path)
            holder = _ROWS.find(connection, account_id, changed.name)
            if holder is not None and holder.identity_id != user.identity_id:
                raise NameTaken(f"User with name {new_name} already exists.")
            _ROWS.replace(connection, changed)

    def delete(self, account_id: str, name: str) -> None:
        """Raises   StillInUse, while it has keys or policies."""
        with self._database.writing() as connection:
            user = _ROWS.get(connection, account_id, name)
            if access_keys_of(connection, user.identity_id):
                raise StillInUse(f"Cannot delete entity, must delete access keys first: those of user {name}.")
            if credentials_of(connection, user.identity_id):
                raise StillInUse(
                    f"Cannot delete entity, must remove service specific credentials first: those of user {name}."
                )
            refuse_while_policies_hang(connection, user)
            _ROWS.remove(connection, user)
