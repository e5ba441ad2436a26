"""The rules of roles: who may assume them, for how long, and what must go before they do."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tanren.control.identity_policies import check_boundary, check_tags, refuse_while_policies_hang
from tanren.domain.clock import Clock
from tanren.domain.errors import NameTaken, QuotaExceeded
from tanren.domain.identities import (
    DEFAULT_ROLE_SESSION_SECONDS,
    ROLES_PER_ACCOUNT,
    IdPrefix,
    Role,
    UniqueIdMaker,
)
from tanren.domain.marked_pages import MarkedPage, marked_page
from tanren.domain.policies.documents import PolicyKind
from tanren.domain.policies.parsing import LONGEST_TRUST_POLICY, parse_policy, policy_size
from tanren.storage.identities import forget_former_role, note_former_role, replace_tags, roles, tags_of
from tanren.storage.identity_database import IdentityDatabase

TaggedRole = tuple[Role, Mapping[str, str]]

_ROWS: Final = roles()


class RoleControl:
    def __init__(self, database: IdentityDatabase, *, clock: Clock, new_id: UniqueIdMaker) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id

    def create(
        self,
        account_id: str,
        name: str,
        *,
        path: str,
        description: str | None,
        trust_policy: str,
        max_session_seconds: int | None,
        boundary_arn: str | None,
        tags: Mapping[str, str],
    ) -> TaggedRole:
        """Raises   MalformedPolicy for the trust policy."""
        _check_trust_policy(trust_policy)
        role = Role(
            identity_id=self._new_id(IdPrefix.ROLE),
            account_id=account_id,
            name=name,
            path=path,
            description=description,
            trust_policy=trust_policy,
            max_session_seconds=max_session_seconds or DEFAULT_ROLE_SESSION_SECONDS,
            boundary_arn=boundary_arn,
            created_at=self._clock(),
        )
        check_tags(role.arn, tags)
        with self._database.writing() as connection:
            if _ROWS.find(connection, account_id, name) is not None:
                raise NameTaken(f"Role with name {name} already exists.")
            if _ROWS.count(connection, account_id) >= ROLES_PER_ACCOUNT:
                raise QuotaExceeded(f"Cannot exceed quota for RolesPerAccount: {ROLES_PER_ACCOUNT}")
            check_boundary(connection, account_id, boundary_arn)
            _ROWS.insert(connection, role)
            forget_former_role(connection, role.arn)
            replace_tags(connection, role.identity_id, tags)
        return role, tags

    def get(self, account_id: str, name: str) -> TaggedRole:
        with self._database.reading() as connection:
            role = _ROWS.get(connection, account_id, name)
            return role, tags_of(connection, role.identity_id)

    def list(self, account_id: str, *, path_prefix: str, marker: str | None, size: int | None) -> MarkedPage[Role]:
        with self._database.reading() as connection:
            found = _ROWS.every(connection, account_id, path_prefix=path_prefix)
        return marked_page(found, lambda role: role.name, marker=marker, size=size)

    def update(
        self, account_id: str, name: str, *, description: str | None, max_session_seconds: int | None
    ) -> TaggedRole:
        """What is None stays. Sessions that were begun before last as long as they were given."""
        with self._database.writing() as connection:
            role = _ROWS.get(connection, account_id, name)
            changed = replace(
                role,
                description=role.description if description is None else description,
                max_session_seconds=max_session_seconds or role.max_session_seconds,
            )
            _ROWS.replace(connection, changed)
            return changed, tags_of(connection, role.identity_id)

    def set_trust_policy(self, account_id: str, name: str, trust_policy: str) -> None:
        """Raises   MalformedPolicy."""
        _check_trust_policy(trust_policy)
        with self._database.writing() as connection:
            role = _ROWS.get(connection, account_id, name)
            _ROWS.replace(connection, replace(role, trust_policy=trust_policy))

    def delete(self, account_id: str, name: str) -> None:
        """Its sessions end with it.

        Raises   StillInUse, while it has policies.
        """
        with self._database.writing() as connection:
            role = _ROWS.get(connection, account_id, name)
            refuse_while_policies_hang(connection, role)
            _ROWS.remove(connection, role)
            note_former_role(connection, role.arn, self._clock())


def _check_trust_policy(document: str) -> None:
    if policy_size(document) > LONGEST_TRUST_POLICY:
        raise QuotaExceeded(f"Cannot exceed quota for ACLSizePerRole: {LONGEST_TRUST_POLICY}")
    parse_policy(document, PolicyKind.TRUST)
