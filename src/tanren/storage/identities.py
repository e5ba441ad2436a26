"""Rows of users and roles, and the tags of both and of managed policies.

Functions take a connection, so that a rule and what it guards are one transaction: `IdentityDatabase.writing`.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from tanren.domain.errors import ResourceNotFound
from tanren.domain.identities import IdentityKind, Role, User
from tanren.storage.identity_database import row_of
from tanren.storage.identity_tables import iam_former_roles, iam_identities, iam_tags

Identity = User | Role
T = TypeVar("T", User, Role)


class IdentityRows(Generic[T]):
    """The rows of one kind."""

    def __init__(self, kind: IdentityKind) -> None:
        self._kind = kind

    def find(self, connection: Connection, account_id: str, name: str) -> T | None:
        """By its name, whatever the case of its letters."""
        columns = iam_identities.c
        wanted = (columns.account_id == account_id, columns.kind == self._kind, columns.folded_name == name.lower())
        row = connection.execute(select(iam_identities).where(*wanted)).one_or_none()
        return None if row is None else self._read(row)

    def get(self, connection: Connection, account_id: str, name: str) -> T:
        """As `find`.

        Raises   ResourceNotFound, in the words of IAM.
        """
        found = self.find(connection, account_id, name)
        if found is None:
            raise ResourceNotFound(f"The {self._kind} with name {name} cannot be found.")
        return found

    def every(self, connection: Connection, account_id: str, *, path_prefix: str = "/") -> list[T]:
        """In no order."""
        columns = iam_identities.c
        wanted = (columns.account_id == account_id, columns.kind == self._kind)
        below = columns.path.startswith(path_prefix, autoescape=True)
        return [self._read(row) for row in connection.execute(select(iam_identities).where(*wanted, below))]

    def count(self, connection: Connection, account_id: str) -> int:
        columns = iam_identities.c
        wanted = (columns.account_id == account_id, columns.kind == self._kind)
        return connection.execute(select(func.count()).select_from(iam_identities).where(*wanted)).scalar_one()

    def insert(self, connection: Connection, identity: T) -> None:
        connection.execute(insert(iam_identities).values(kind=self._kind, **_columns_of(identity)))

    def replace(self, connection: Connection, identity: T) -> None:
        """The row with this id says what `identity` says."""
        columns = _columns_of(identity)
        identity_id = columns.pop("identity_id")
        connection.execute(update(iam_identities).where(iam_identities.c.identity_id == identity_id).values(**columns))

    def remove(self, connection: Connection, identity: T) -> None:
        """With its tags."""
        replace_tags(connection, identity.identity_id, {})
        connection.execute(delete(iam_identities).where(iam_identities.c.identity_id == identity.identity_id))

    def _read(self, row: Row[Any]) -> T:
        found = identity_of(row)
        # The kind is in the WHERE of every query above.
        return found  # pyright: ignore[reportReturnType]


def users() -> IdentityRows[User]:
    return IdentityRows(IdentityKind.USER)


def roles() -> IdentityRows[Role]:
    return IdentityRows(IdentityKind.ROLE)


def find_by_id(connection: Connection, identity_id: str) -> Identity | None:
    row = connection.execute(select(iam_identities).where(iam_identities.c.identity_id == identity_id)).one_or_none()
    return None if row is None else identity_of(row)


def identity_of(row: Row[Any]) -> Identity:
    if row.kind == IdentityKind.USER:
        return User(
            identity_id=row.identity_id,
            account_id=row.account_id,
            name=row.name,
            path=row.path,
            boundary_arn=row.boundary_arn,
            created_at=row.created_at,
        )
    return Role(
        identity_id=row.identity_id,
        account_id=row.account_id,
        name=row.name,
        path=row.path,
        description=row.description,
        trust_policy=row.trust_policy,
        max_session_seconds=row.max_session_seconds,
        boundary_arn=row.boundary_arn,
        created_at=row.created_at,
    )


def note_former_role(connection: Connection, arn: str, deleted_at: datetime) -> None:
    """That there was a role of this ARN. Who still names it, a job for example, has lost it and not become free."""
    forget_former_role(connection, arn)
    connection.execute(insert(iam_former_roles).values(arn=arn, deleted_at=deleted_at))


def forget_former_role(connection: Connection, arn: str) -> None:
    """There is one again."""
    connection.execute(delete(iam_former_roles).where(iam_former_roles.c.arn == arn))


def is_former_role(connection: Connection, arn: str) -> bool:
    return connection.execute(select(iam_former_roles.c.arn).where(iam_former_roles.c.arn == arn)).first() is not None


def bounded_by(connection: Connection, policy_arn: str) -> list[Identity]:
    """The users and roles whose permissions boundary the policy is."""
    rows = connection.execute(select(iam_identities).where(iam_identities.c.boundary_arn == policy_arn))
    return [identity_of(row) for row in rows]


def tags_of(connection: Connection, owner_id: str) -> dict[str, str]:
    columns = iam_tags.c
    rows = connection.execute(select(columns.key, columns.value).where(columns.owner_id == owner_id))
    return {row.key: row.value for row in rows}


def replace_tags(connection: Connection, owner_id: str, tags: Mapping[str, str]) -> None:
    connection.execute(delete(iam_tags).where(iam_tags.c.owner_id == owner_id))
    rows = [
        {"owner_id": owner_id, "folded_key": key.lower(), "key": key, "value": value} for key, value in tags.items()
    ]
    if rows:
        connection.execute(insert(iam_tags), rows)


def merged_by_folded_key(present: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """Both, the added winning; keys that differ only in case are one."""
    replaced = {key.lower() for key in added}
    return {**{key: value for key, value in present.items() if key.lower() not in replaced}, **added}


def without_folded_keys(present: Mapping[str, str], removed: Collection[str]) -> dict[str, str]:
    gone = {key.lower() for key in removed}
    return {key: value for key, value in present.items() if key.lower() not in gone}


def _columns_of(identity: Identity) -> dict[str, Any]:
    return {**row_of(iam_identities, identity), "folded_name": identity.name.lower()}
