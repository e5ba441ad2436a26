"""Who is behind an access key, and which policies are theirs: asked for with every request, so it is kept in memory.

How      entries are kept under the revision of the identity database at which they were read, and all are dropped when
         it has moved on. What is not known is not kept, so a key works in every process as soon as it has been made.
         Of each kind at most ENTRIES are kept; the oldest goes first.
Cost     about 2 µs for a known key; a few reads of the database, about 1 ms, for one that is new or has changed.
"""

import hashlib
import hmac
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from sqlalchemy import Connection

from tanren.domain.arns import parse_arn
from tanren.domain.identities import IdPrefix, KeyStatus, Role, Session, root_arn
from tanren.domain.policies.documents import NamedPolicy, PolicyDocument, PolicyKind
from tanren.domain.policies.parsing import CURRENT_VERSION, parse_policy
from tanren.domain.policies.sources import NO_POLICIES, KnownRole, PrincipalPolicies
from tanren.storage.access_keys import (
    find_access_key,
    find_credential,
    find_credential_by_alias,
    find_session,
    root_key_of,
)
from tanren.storage.identities import Identity, find_by_id, is_former_role, merged_by_folded_key, roles, tags_of
from tanren.storage.identity_database import IdentityDatabase
from tanren.storage.identity_policies import attached_to, default_document, inline_policies_of

ENTRIES: Final = 4096

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """What proves a principal, and who that is."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    """Empty for an API key, of which only the digest is known."""
    session_token: str | None = field(repr=False)
    account_id: str
    principal_arn: str
    expires_at: datetime | None


class Principals:
    """Also the `PolicySource` and the `RoleSource` of authorization. May be called from any thread."""

    def __init__(self, database: IdentityDatabase) -> None:
        self._database = database
        self._roles = roles()
        self._kept: tuple[int, dict[Hashable, object]] = (-1, {})

    def find_key(self, access_key_id: str) -> KnownKey | None:
        """An active key of a user or of an account's root, or the keys of a session; those may have expired."""
        return self._known(("key", access_key_id), lambda connection: _find_key(connection, access_key_id), None)

    def has_root_key(self, account_id: str) -> bool:
        """Whether the database has it: always of a further account, of the first one after it has been replaced."""
        return self._known(
            ("root", account_id), lambda connection: root_key_of(connection, account_id) is not None, False
        )

    def find_api_key(self, alias: str, secret: str) -> KnownKey | None:
        """An active API key, if its secret is this; it may have expired."""
        found = self._known(("alias", alias), lambda connection: _find_api_key(connection, alias), None)
        if found is None:
            return None
        key, secret_sha256 = found
        given = hashlib.sha256(secret.encode()).hexdigest()
        return key if hmac.compare_digest(given, secret_sha256) else None

    def policies_of(self, principal_arn: str, access_key_id: str) -> PrincipalPolicies:
        """See `PolicySource`."""

        def read(connection: Connection) -> PrincipalPolicies | None:
            return _policies_of_key(connection, access_key_id)

        return self._known(("policies", access_key_id), read, NO_POLICIES)

    def role_of(self, role_arn: str) -> KnownRole | None:
        """See `RoleSource`. A role that has been deleted is one that nobody may assume, and that may do nothing."""

        def read(connection: Connection) -> KnownRole | None:
            role = self._role_with_arn(connection, role_arn)
            if role is None:
                return _former_role(role_arn) if is_former_role(connection, role_arn) else None
            trust = NamedPolicy(
                name=f"trust policy of role {role.name}", document=parse_policy(role.trust_policy, PolicyKind.TRUST)
            )
            return KnownRole(arn=role.arn, trust=trust, policies=_policies_of(connection, role, None))

        return self._known(("role", role_arn), read, None)

    def _role_with_arn(self, connection: Connection, role_arn: str) -> Role | None:
        arn = parse_arn(role_arn)
        if arn is None or (arn.service, arn.kind) != ("iam", "role"):
            return None
        role = self._roles.find(connection, arn.account_id, arn.resource_id)
        return role if role is not None and role.arn == role_arn else None

    def _known(self, name: Hashable, read: Callable[[Connection], T | None], unknown: T) -> T:
        revision = self._database.revision()
        kept_at, entries = self._kept
        if kept_at != revision:
            entries = {}
            self._kept = (revision, entries)
        found = entries.get(name)
        if found is None:
            with self._database.reading() as connection:
                found = read(connection)
            if found is None:
                return unknown
            while len(entries) >= ENTRIES:
                entries.pop(next(iter(entries)), None)
            entries[name] = found
        return found  # pyright: ignore[reportReturnType]  # a name is only ever read by one function


def _former_role(role_arn: str) -> KnownRole:
    nobody = PolicyDocument(version=CURRENT_VERSION, kind=PolicyKind.TRUST, statements=())
    return KnownRole(
        arn=role_arn,
        trust=NamedPolicy(name=f"trust policy of the deleted role {role_arn}", document=nobody),
        policies=PrincipalPolicies(role_arn=role_arn),
    )


def _find_key(connection: Connection, access_key_id: str) -> KnownKey | None:
    if access_key_id.startswith(IdPrefix.SESSION_KEY):
        session = find_session(connection, access_key_id)
        arn = None if session is None else _session_arn(connection, session)
        if session is None or arn is None:
            return None
        return KnownKey(
            access_key_id=access_key_id,
            secret_access_key=session.secret_access_key,
            session_token=session.session_token,
            account_id=session.account_id,
            principal_arn=arn,
            expires_at=session.expires_at,
        )
    key = find_access_key(connection, access_key_id)
    if key is None or key.status is not KeyStatus.ACTIVE:
        return None
    arn = _lasting_arn(connection, key.account_id, key.identity_id)
    if arn is None:
        return None
    return KnownKey(
        access_key_id=access_key_id,
        secret_access_key=key.secret_access_key,
        session_token=None,
        account_id=key.account_id,
        principal_arn=arn,
        expires_at=None,
    )


def _find_api_key(connection: Connection, alias: str) -> tuple[KnownKey, str] | None:
    credential = find_credential_by_alias(connection, alias)
    if credential is None or credential.status is not KeyStatus.ACTIVE:
        return None
    arn = _lasting_arn(connection, credential.account_id, credential.identity_id)
    if arn is None:
        return None
    key = KnownKey(
        access_key_id=credential.credential_id,
        secret_access_key="",
        session_token=None,
        account_id=credential.account_id,
        principal_arn=arn,
        expires_at=credential.expires_at,
    )
    return key, credential.secret_sha256


def _lasting_arn(connection: Connection, account_id: str, identity_id: str | None) -> str | None:
    """None where the user is no more."""
    if identity_id is None:
        return root_arn(account_id)
    owner = find_by_id(connection, identity_id)
    return None if owner is None else owner.arn


def _session_arn(connection: Connection, session: Session) -> str | None:
    """None where the role or the user is no more."""
    if session.identity_id is None:
        return root_arn(session.account_id)
    owner = find_by_id(connection, session.identity_id)
    if isinstance(owner, Role):
        return owner.session_arn(session.session_name or "")
    return None if owner is None else owner.arn


def _policies_of_key(connection: Connection, access_key_id: str) -> PrincipalPolicies | None:
    session: Session | None = None
    if access_key_id.startswith(IdPrefix.SESSION_KEY):
        session = find_session(connection, access_key_id)
        identity_id = None if session is None else session.identity_id
    elif access_key_id.startswith(IdPrefix.SERVICE_CREDENTIAL):
        credential = find_credential(connection, access_key_id)
        identity_id = None if credential is None else credential.identity_id
    else:
        key = find_access_key(connection, access_key_id)
        identity_id = None if key is None else key.identity_id
    owner = None if identity_id is None else find_by_id(connection, identity_id)
    return None if owner is None else _policies_of(connection, owner, session)


def _policies_of(connection: Connection, owner: Identity, session: Session | None) -> PrincipalPolicies:
    is_role = isinstance(owner, Role)
    noun = "role" if is_role else "user"
    identity = [
        _named(f"inline policy '{name}' of {noun} {owner.name}", document, PolicyKind.IDENTITY)
        for name, document in inline_policies_of(connection, owner.identity_id).items()
    ]
    for arn in attached_to(connection, owner.identity_id):
        identity.append(_managed(connection, arn, PolicyKind.IDENTITY))
    limits: tuple[NamedPolicy, ...] | None = None
    if session is not None and session.policies is not None:
        limits = tuple(_named("session policy", document, PolicyKind.SESSION) for document in session.policies)
    tags = tags_of(connection, owner.identity_id)
    session_name = None if session is None else session.session_name
    return PrincipalPolicies(
        identity=tuple(identity),
        boundary=None if owner.boundary_arn is None else _managed(connection, owner.boundary_arn, PolicyKind.BOUNDARY),
        session=limits,
        role_arn=owner.arn if is_role else None,
        user_id=owner.identity_id if session_name is None else f"{owner.identity_id}:{session_name}",
        tags=tags if session is None else merged_by_folded_key(tags, session.tags),
        token_issued_at=None if session is None else session.issued_at,
    )


def _managed(connection: Connection, arn: str, kind: PolicyKind) -> NamedPolicy:
    document = default_document(connection, arn)
    # A policy that is attached, or is a boundary, cannot be deleted.
    assert document is not None, f"{arn} is attached and does not exist"
    return _named(arn, document, kind)


def _named(name: str, document: str, kind: PolicyKind) -> NamedPolicy:
    return NamedPolicy(name=name, document=parse_policy(document, kind))
