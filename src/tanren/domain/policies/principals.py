"""Who asks, and whether a Principal element means them.

What a resource's policy gives depends on how it names the caller. The user or the session itself: access, whatever its
own policies leave out. The role of a session, or everyone: access as far as permissions boundary and session policy go.
Its account: nothing but leave for the account to give access by its own policies.

Source   https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
         https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
"""

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum

_CALLER = re.compile(
    r"arn:aws[a-z-]*:(?P<service>iam|sts)::(?P<account>\d{12}):(?P<kind>root|[a-z-]+)(?:/(?P<path>.+))?"
)
_ACCOUNT = re.compile(r"(?:arn:aws[a-z-]*:iam::)?(?P<account>\d{12})(?::root)?")


class PrincipalType(StrEnum):
    """The values of `aws:PrincipalType`, and one of ours for AWS's services, which have none."""

    ROOT = "Account"
    USER = "User"
    ASSUMED_ROLE = "AssumedRole"
    FEDERATED_USER = "FederatedUser"
    SERVICE = "AWSService"


_KINDS = {
    "root": PrincipalType.ROOT,
    "user": PrincipalType.USER,
    "assumed-role": PrincipalType.ASSUMED_ROLE,
    "federated-user": PrincipalType.FEDERATED_USER,
}


class Grant(IntEnum):
    """How firmly a Principal element means a caller; more is firmer."""

    NONE = 0
    ACCOUNT = 1
    ROLE = 2
    DIRECT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    arn: str
    """Of a service: its name, such as `bedrock.amazonaws.com`."""
    account_id: str
    """Empty for a service."""
    kind: PrincipalType
    role_arn: str | None = None
    """Of an assumed role: the role, with its path."""

    @property
    def is_root(self) -> bool:
        return self.kind is PrincipalType.ROOT

    @property
    def lasting_arn(self) -> str:
        """`aws:PrincipalArn`: of an assumed role the role's, not the session's."""
        return self.role_arn or self.arn

    @property
    def user_name(self) -> str | None:
        return self.arn.rpartition("/")[2] if self.kind is PrincipalType.USER else None


def caller_of(arn: str, *, role_arn: str | None = None) -> Caller:
    """The caller with this ARN. `role_arn` is for a role with a path; without one it is read off the session's ARN."""
    found = _CALLER.fullmatch(arn)
    kind = None if found is None else _KINDS.get(found["kind"])
    if found is None or kind is None:
        raise ValueError(f"{arn} is no ARN of a principal")
    if kind is PrincipalType.ASSUMED_ROLE and role_arn is None:
        role_arn = f"arn:aws:iam::{found['account']}:role/{found['path'].partition('/')[0]}"
    return Caller(arn=arn, account_id=found["account"], kind=kind, role_arn=role_arn)


def service_caller(name: str) -> Caller:
    """An AWS service that acts for itself: `bedrock.amazonaws.com`."""
    return Caller(arn=name, account_id="", kind=PrincipalType.SERVICE)


class PrincipalScheme(StrEnum):
    AWS = "AWS"
    SERVICE = "Service"
    FEDERATED = "Federated"
    CANONICAL_USER = "CanonicalUser"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalPattern:
    """One principal of a Principal element. There are no wildcards but `*`, which is everyone."""

    scheme: PrincipalScheme
    value: str

    @property
    def is_everyone(self) -> bool:
        return self.scheme is PrincipalScheme.AWS and self.value == "*"

    def grant_to(self, caller: Caller) -> Grant:
        if self.scheme is PrincipalScheme.SERVICE:
            is_meant = caller.kind is PrincipalType.SERVICE and self.value in ("*", caller.arn)
            return Grant.DIRECT if is_meant else Grant.NONE
        if self.scheme is not PrincipalScheme.AWS or caller.kind is PrincipalType.SERVICE:
            # Nobody signs in by a web identity or a canonical user id here.
            return Grant.NONE
        if self.is_everyone:
            return Grant.ROLE
        if self.value == caller.arn:
            return Grant.DIRECT
        if self.value == caller.role_arn:
            return Grant.ROLE
        account = _ACCOUNT.fullmatch(self.value)
        if account is None or account["account"] != caller.account_id:
            return Grant.NONE
        return Grant.DIRECT if caller.is_root else Grant.ACCOUNT
