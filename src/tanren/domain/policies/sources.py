"""Where policies come from, as ports: identities are rows in the database, tests hand in their own.

A principal is found by its ARN and by the access key that signed, because two sessions of one role may have different
session policies.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tanren.domain.policies.documents import NamedPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalPolicies:
    """All that decides what one principal may do, and what conditions may ask about it."""

    identity: tuple[NamedPolicy, ...] = ()
    """Inline and attached, of the user and its groups, or of the role that was assumed."""
    boundary: NamedPolicy | None = None
    session: tuple[NamedPolicy, ...] | None = None
    """None: no session policy was given. An empty tuple is none that allows anything."""
    role_arn: str | None = None
    """Of an assumed role: the role's own ARN, with its path, which the ARN of the session does not have."""
    user_id: str = ""
    """`AIDA…` of a user, `AROA…:session-name` of an assumed role, the account id of root: `aws:userid`."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    """`aws:PrincipalTag`: those of the user or role, with those of the session over them."""
    token_issued_at: datetime | None = None
    """None for keys that do not expire: `aws:TokenIssueTime`."""

    def mentions(self, key_prefix: str) -> bool:
        """Whether any of them asks for a condition key that begins so, in lower case."""
        policies = [*self.identity, *(self.session or ()), *([self.boundary] if self.boundary else [])]
        return any(policy.document.mentions(key_prefix) for policy in policies)


NO_POLICIES = PrincipalPolicies()
"""Of a principal that nobody knows: it may do nothing."""


class PolicySource(Protocol):
    def policies_of(self, principal_arn: str, access_key_id: str) -> PrincipalPolicies:
        """Those of a user, or of the session that this key belongs to; `NO_POLICIES` where nothing is known.

        It is on every request's way and may be called from any thread. Root is never asked for.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRole:
    arn: str
    trust: NamedPolicy
    """Of kind TRUST."""
    policies: PrincipalPolicies


class RoleSource(Protocol):
    def role_of(self, role_arn: str) -> KnownRole | None:
        """None where there is no such role. May be called from any thread."""
        ...


class ResourcePolicySource(Protocol):
    def policy_on(self, resource_arn: str) -> NamedPolicy | None:
        """The policy, of kind RESOURCE, that is put on this resource; None where there is none."""
        ...
