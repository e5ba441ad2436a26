"""Policies as values: what a document says, statement by statement, after `parsing.py` has read it.

    PolicyDocument ── Statement ── principals   who              (resource and trust policies only)
                                 ├ actions      may do what      (or everything but)
                                 ├ resources    to what          (or everything but)
                                 └ conditions   under which conditions; all must hold

Source   https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from tanren.domain.policies.conditions import Condition
from tanren.domain.policies.principals import PrincipalPattern
from tanren.domain.policies.templates import Template


class PolicyKind(StrEnum):
    """What a policy is attached to; the value is what AWS calls it in its messages."""

    IDENTITY = "identity-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    RESOURCE = "resource-based policy"
    TRUST = "role trust policy"

    @property
    def has_principals(self) -> bool:
        return self in (PolicyKind.RESOURCE, PolicyKind.TRUST)


class Effect(StrEnum):
    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principals:
    """The Principal or NotPrincipal element."""

    patterns: tuple[PrincipalPattern, ...]
    is_negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """The Action or NotAction element; lower case, since actions are compared without case."""

    patterns: tuple[Template, ...]
    is_negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """The Resource or NotResource element: `*`, or patterns of ARNs."""

    patterns: tuple[Template, ...]
    is_negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    place: int
    """From 0, as in `Statement[0]`."""
    sid: str
    effect: Effect
    actions: Actions
    resources: Resources | None
    """None in a trust policy: the role that it belongs to."""
    principals: Principals | None
    """None in an identity-based policy: whoever it is attached to."""
    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        return f"Statement[{self.place}]" + (f" ({self.sid})" if self.sid else "")

    def context_keys(self) -> Iterator[str]:
        """The condition keys that it asks for; a key may come twice."""
        for pattern in self.resources.patterns if self.resources else ():
            yield from (variable.key for variable in pattern.variables)
        for condition in self.conditions:
            yield condition.key
            yield from (variable.key for variable in condition.variables)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDocument:
    version: str
    kind: PolicyKind
    statements: tuple[Statement, ...]
    policy_id: str = ""
    """The Id element, which resource policies may have."""
    context_keys: frozenset[str] = frozenset()
    """Every condition key that it asks for, in conditions and in variables, in lower case."""

    def mentions(self, key_prefix: str) -> bool:
        """Whether it asks for a condition key that begins so, in lower case."""
        return any(key.startswith(key_prefix) for key in self.context_keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPolicy:
    name: str
    """How a person finds it: the ARN of a managed policy, `inline policy 'x' of user anna`, the ARN it protects."""
    document: PolicyDocument
