"""The rules of access keys: two a user, so that one can be replaced while the other works."""

from collections.abc import Callable

from sqlalchemy import Connection

from tanren.domain.clock import Clock
from tanren.domain.errors import QuotaExceeded, ResourceNotFound
from tanren.domain.identities import (
    ACCESS_KEYS_PER_USER,
    IdPrefix,
    KeyStatus,
    LastingKey,
    UniqueIdMaker,
    new_secret,
)
from tanren.domain.marked_pages import MarkedPage, marked_page
from tanren.storage.access_keys import (
    access_keys_of,
    insert_access_key,
    remove_access_key,
    remove_root_sessions,
    root_key_of,
    set_key_status,
)
from tanren.storage.identities import users
from tanren.storage.identity_database import IdentityDatabase


class AccessKeyControl:
    def __init__(self, database: IdentityDatabase, *, clock: Clock, new_id: UniqueIdMaker) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id
        self._users = users()

    def create(self, account_id: str, user_name: str) -> LastingKey:
        """The only answer that holds the secret."""
        with self._database.writing() as connection:
            user = self._users.get(connection, account_id, user_name)
            if len(access_keys_of(connection, user.identity_id)) >= ACCESS_KEYS_PER_USER:
                raise QuotaExceeded(f"Cannot exceed quota for AccessKeysPerUser: {ACCESS_KEYS_PER_USER}")
            key = self._new_key(account_id, user.identity_id)
            insert_access_key(connection, key)
        return key

    def list(self, account_id: str, user_name: str, *, marker: str | None, size: int | None) -> MarkedPage[LastingKey]:
        with self._database.reading() as connection:
            found = access_keys_of(connection, self._users.get(connection, account_id, user_name).identity_id)
        return marked_page(found, lambda key: key.access_key_id, marker=marker, size=size)

    def set_status(self, account_id: str, user_name: str, access_key_id: str, status: KeyStatus) -> None:
        with self._database.writing() as connection:
            key = self._existing(connection, account_id, user_name, access_key_id)
            set_key_status(connection, key.access_key_id, status)

    def delete(self, account_id: str, user_name: str, access_key_id: str) -> None:
        with self._database.writing() as connection:
            key = self._existing(connection, account_id, user_name, access_key_id)
            remove_access_key(connection, key.access_key_id)

    def root_key(self, account_id: str) -> LastingKey | None:
        """None of an account that is not open; of the first one, as long as its key has not been replaced."""
        with self._database.reading() as connection:
            return root_key_of(connection, account_id)

    def open_account(self, account_id: str) -> LastingKey:
        """The root key of a further account: a new one at the first call, the same one ever after."""
        with self._database.writing() as connection:
            key = root_key_of(connection, account_id)
            if key is None:
                key = self._new_key(account_id, None)
                insert_access_key(connection, key)
        return key

    def rotate_root_key(self, account_id: str) -> LastingKey:
        """A new root key of a further account. The old one ends, and so do temporary keys that it was used to get.

        Raises   ResourceNotFound, if the account has not been opened.
        """
        with self._database.writing() as connection:
            if root_key_of(connection, account_id) is None:
                raise ResourceNotFound(
                    f"Account {account_id} has not been opened; open it: tanren account create {account_id}"
                )
            return self._replace_root_key(connection, account_id)

    def rotate_first_root_key(self, account_id: str, *, keep: Callable[[LastingKey], None]) -> LastingKey:
        """A new root key of the first account, of which `keep` makes the data directory's. The old one ends, and so do
        temporary keys that it was used to get; where `keep` fails, nothing has changed."""
        with self._database.writing() as connection:
            key = self._replace_root_key(connection, account_id)
            keep(key)
        return key

    def end_root_key(self, account_id: str) -> None:
        """The account's root key is again the one of the settings."""
        if self.root_key(account_id) is not None:
            with self._database.writing() as connection:
                self._remove_root_key(connection, account_id)

    def _replace_root_key(self, connection: Connection, account_id: str) -> LastingKey:
        self._remove_root_key(connection, account_id)
        key = self._new_key(account_id, None)
        insert_access_key(connection, key)
        return key

    def _remove_root_key(self, connection: Connection, account_id: str) -> None:
        old = root_key_of(connection, account_id)
        if old is not None:
            remove_access_key(connection, old.access_key_id)
        remove_root_sessions(connection, account_id)

    def _new_key(self, account_id: str, identity_id: str | None) -> LastingKey:
        return LastingKey(
            access_key_id=self._new_id(IdPrefix.ACCESS_KEY),
            secret_access_key=new_secret(),
            account_id=account_id,
            identity_id=identity_id,
            status=KeyStatus.ACTIVE,
            created_at=self._clock(),
        )

    def _existing(self, connection: Connection, account_id: str, user_name: str, access_key_id: str) -> LastingKey:
        owned = access_keys_of(connection, self._users.get(connection, account_id, user_name).identity_id)
        key = next((key for key in owned if key.access_key_id == access_key_id), None)
        if key is None:
            raise ResourceNotFound(f"The Access Key with id {access_key_id} cannot be found.")
        return key
