"""Identities, roles and resources for tests of authorization: dictionaries that answer the ports."""

import json
from collections.abc import Mapping
from typing import Any

from tanren.aws.authorization import Authorizer, IamMode
from tanren.control.service_roles import ServiceRoles
from tanren.domain.policies.documents import NamedPolicy, PolicyKind
from tanren.domain.policies.parsing import CURRENT_VERSION, parse_policy
from tanren.domain.policies.sources import NO_POLICIES, KnownRole, PrincipalPolicies
from tanren.domain.scope import Scope

ACCOUNT = "123456789012"
MIKA = f"arn:aws:iam::{ACCOUNT}:user/mika"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/trainer"
BEDROCK_TRUST = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}


def policy(kind: PolicyKind, *statements: Mapping[str, Any]) -> NamedPolicy:
    text = json.dumps({"Version": CURRENT_VERSION, "Statement": list(statements)})
    return NamedPolicy(name=f"a {kind}", document=parse_policy(text, kind))


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


class Identities:
    """Everybody has the same policies; `roles` are by ARN."""

    def __init__(self, *statements: Mapping[str, Any], **about: Any) -> None:
        identity = (policy(PolicyKind.IDENTITY, *statements),) if statements else ()
        self.policies = PrincipalPolicies(identity=identity, user_id="AIDAEXAMPLE", **about)
        self.roles: dict[str, KnownRole] = {}

    def policies_of(self, principal_arn: str, access_key_id: str) -> PrincipalPolicies:
        return self.policies

    def role_of(self, role_arn: str) -> KnownRole | None:
        return self.roles.get(role_arn)

    def add_role(self, *trust: Mapping[str, Any], allows: Mapping[str, Any] | None = None) -> KnownRole:
        held = NO_POLICIES
        if allows is not None:
            held = PrincipalPolicies(identity=(policy(PolicyKind.IDENTITY, allows),), role_arn=ROLE)
        self.roles[ROLE] = KnownRole(arn=ROLE, trust=policy(PolicyKind.TRUST, *trust), policies=held)
        return self.roles[ROLE]


class Resources:
    """Names, tags and boundaries by what they belong to."""

    def __init__(
        self, arns: Mapping[str, str] | None = None, tags: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        self.arns = arns or {}
        self.tags = tags or {}
        self.boundaries: dict[str, str] = {}
        self.looked_up: list[str] = []

    def arns_of(self, scope: Scope, kind: str, name: str) -> list[str]:
        arn = self.arns.get(f"{kind}/{name}")
        return [] if arn is None else [arn]

    def tags_of(self, arn: str) -> Mapping[str, str]:
        self.looked_up.append(arn)
        return self.tags.get(arn, {})

    def boundary_of(self, arn: str) -> str | None:
        return self.boundaries.get(arn)


class SharedResources:
    def __init__(self, policies: Mapping[str, NamedPolicy]) -> None:
        self._policies = policies

    def policy_on(self, resource_arn: str) -> NamedPolicy | None:
        return self._policies.get(resource_arn)


def authorizer(
    identities: Identities,
    resources: Resources | None = None,
    *,
    mode: IamMode = IamMode.ENFORCE,
    shared: SharedResources | None = None,
) -> Authorizer:
    return Authorizer(
        policies=identities,
        service_roles=ServiceRoles(identities),
        facts=resources or Resources(),
        resource_policies=shared,
        mode=mode,
    )
