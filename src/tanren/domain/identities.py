"""Who may call: users and roles of an account, their keys, and the sessions that roles are assumed in.

An identity belongs to an account and to no region. It has a name, under which people find it, and an id, under which
everything that hangs on it is kept: so a user can be renamed, and one that is made anew under an old name inherits
nothing.

Source   https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
         https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

USERS_PER_ACCOUNT: Final = 5_000
ROLES_PER_ACCOUNT: Final = 1_000
POLICIES_PER_ACCOUNT: Final = 1_500
ACCESS_KEYS_PER_USER: Final = 2
CREDENTIALS_PER_USER_AND_SERVICE: Final = 2
POLICIES_PER_IDENTITY: Final = 10
"""Managed policies attached to one user or role."""
VERSIONS_PER_POLICY: Final = 5
TAGS_PER_IDENTITY: Final = 50

DEFAULT_ROLE_SESSION_SECONDS: Final = 3_600
LONGEST_CHAINED_SESSION_SECONDS: Final = 3_600
"""Of a role that is assumed with the keys of another role."""
DEFAULT_USER_SESSION_SECONDS: Final = 12 * 3_600
LONGEST_ROOT_SESSION_SECONDS: Final = 3_600

MANAGED_BY_AWS: Final = "aws"
"""The account in the ARN of a policy that AWS manages."""

_ID_ALPHABET: Final = string.ascii_uppercase + "234567"
_SECRET_ALPHABET: Final = string.ascii_letters + string.digits + "+/"


class IdPrefix(StrEnum):
    """What an id begins with says what it is the id of."""

    USER = "AIDA"
    ROLE = "AROA"
    MANAGED_POLICY = "ANPA"
    ACCESS_KEY = "AKIA"
    SESSION_KEY = "ASIA"
    SERVICE_CREDENTIAL = "ACCA"


UniqueIdMaker = Callable[[IdPrefix], str]
"""A fresh id: the prefix and 16 or 17 of `[A-Z2-7]`."""


class IdentityKind(StrEnum):
    USER = "user"
    ROLE = "role"


class KeyStatus(StrEnum):
    ACTIVE = "Active"
    INACTIVE = "Inactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    identity_id: str
    account_id: str
    name: str
    path: str
    """Begins and ends with a slash; `/` where none was given."""
    boundary_arn: str | None
    """A managed policy beyond which no policy of the user gives anything."""
    created_at: datetime

    @property
    def arn(self) -> str:
        return identity_arn(self.account_id, IdentityKind.USER, self.path, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    identity_id: str
    account_id: str
    name: str
    path: str
    description: str | None
    trust_policy: str
    """Who may assume it, as JSON text."""
    max_session_seconds: int
    boundary_arn: str | None
    created_at: datetime

    @property
    def arn(self) -> str:
        return identity_arn(self.account_id, IdentityKind.ROLE, self.path, self.name)

    def session_arn(self, session_name: str) -> str:
        """Of who has assumed it; without the role's path."""
        return f"arn:aws:sts::{self.account_id}:assumed-role/{self.name}/{session_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedPolicy:
    arn: str
    policy_id: str
    account_id: str
    """`aws` for those that AWS manages."""
    name: str
    path: str
    description: str | None
    default_version: int
    latest_version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    policy_arn: str
    number: int
    document: str
    created_at: datetime

    @property
    def version_id(self) -> str:
        return f"v{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastingKey:
    """An access key of a user, or of the root of an account."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    account_id: str
    identity_id: str | None
    """None for root."""
    status: KeyStatus
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Temporary keys: of an assumed role, or of a user or root who asked for some."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    account_id: str
    identity_id: str | None
    """Of the role that was assumed, or of the user; None for root."""
    session_name: str | None
    """None where no role was assumed."""
    policies: tuple[str, ...] | None
    """Session policies as JSON texts; None where none was given, which limits nothing."""
    tags: Mapping[str, str]
    transitive_tag_keys: tuple[str, ...]
    """Of the tags that a role assumed with these keys inherits."""
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCredential:
    """A long-term API key for one service; its secret is known to its holder alone."""

    credential_id: str
    account_id: str
    identity_id: str
    service_name: str
    alias: str
    secret_sha256: str
    status: KeyStatus
    created_at: datetime
    expires_at: datetime | None


def identity_arn(account_id: str, kind: IdentityKind, path: str, name: str) -> str:
    return f"arn:aws:iam::{account_id}:{kind}{path}{name}"


def policy_arn(account_id: str, path: str, name: str) -> str:
    return f"arn:aws:iam::{account_id}:policy{path}{name}"


def root_arn(account_id: str) -> str:
    return f"arn:aws:iam::{account_id}:root"


def new_unique_id(prefix: IdPrefix) -> str:
    """As AWS's are: twenty characters for a key, twenty-one for anything else."""
    size = 16 if prefix in (IdPrefix.ACCESS_KEY, IdPrefix.SESSION_KEY) else 17
    return prefix + "".join(secrets.choice(_ID_ALPHABET) for _ in range(size))


def new_secret() -> str:
    """Forty characters: 240 bits from the system's secure source."""
    return "".join(secrets.choice(_SECRET_ALPHABET) for _ in range(40))


def new_session_token() -> str:
    """Opaque: what the session may do lies in the database, not in the token."""
    return secrets.token_urlsafe(192)
