"""May this principal do this, to this resource, now? And which statement of which policy says so.

    1  an explicit deny in any policy                                     → denied
    2  root of the account that owns the resource                         → allowed
    3  the resource's own policy names the user or session itself         → allowed, in one account
    4  identity policies, or the resource's policy for the role           → must allow
       and, of another account's resource, both of them
    5  permissions boundary and session policies, where there are any     → must allow too
    6  nothing said yes                                                   → denied

A role's trust policy is a resource's policy that must always allow: identity policies alone open no role. An AWS
service that acts for itself has no policies of its own; the resource's must name it.

Source   https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
         https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tanren.domain.policies.documents import (
    Actions,
    Effect,
    NamedPolicy,
    PolicyKind,
    Principals,
    Resources,
    Statement,
)
from tanren.domain.policies.principals import Caller, Grant, PrincipalType
from tanren.domain.policies.sources import PrincipalPolicies
from tanren.domain.policies.templates import Context, Template


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequest:
    caller: Caller
    action: str
    """As AWS writes it: `bedrock:InvokeModel`. `lambda:*` where it is not known which of a service's actions it is: an
    allow must then cover them all, and a deny of any denies."""
    resource: str | None
    """An ARN; None for an action that is not about one resource, which only `*` in a policy covers."""
    account_id: str
    """Of the account that the resource belongs to; empty for a foundation model or a bucket, which are everyone's."""
    context: Context
    shown_as: str | None = None
    """What the caller reads in the resource's place, where its ARN would tell whether it exists."""
    is_any_resource: bool = False
    """It is not known which resource it is about: an allow must cover them all, and a deny of any denies."""
    is_folder: bool = False
    """The resource ends in a slash, and what is asked for is everything below it: an allow must cover all of that, and
    a deny of any of it denies."""


class Outcome(StrEnum):
    ALLOWED = "allowed"
    EXPLICITLY_DENIED = "explicitly denied"
    IMPLICITLY_DENIED = "implicitly denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    request: AccessRequest
    outcome: Outcome
    kind: PolicyKind
    """Of the policy that decided; of an implicit deny, the kind of which none allows it."""
    policy: NamedPolicy | None = None
    statement: Statement | None = None
    """That allowed or denied; None where nothing did, and for root."""

    @property
    def is_allowed(self) -> bool:
        return self.outcome is Outcome.ALLOWED

    @property
    def message(self) -> str:
        """What the caller reads of a denial: AWS's own text, which names no policy."""
        asked = self.request
        on = "" if asked.resource is None else f" on resource: {asked.shown_as or asked.resource}"
        if self.outcome is Outcome.EXPLICITLY_DENIED:
            reason = f"with an explicit deny in {_article(self.kind)} {self.kind}"
        else:
            reason = f"because no {self.kind} allows the {asked.action} action"
        return f"User: {asked.caller.arn} is not authorized to perform: {asked.action}{on} {reason}"

    @property
    def explanation(self) -> str:
        """For the log of whoever runs the server: with the policy and the statement."""
        asked = self.request
        where = "" if self.policy is None else f" by {self.statement} of {self.policy.name}"
        return (
            f"{asked.action} on {asked.resource or '*'} for {asked.caller.arn} is {self.outcome}{where} ({self.kind})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Saying:
    """A statement that is about the request."""

    policy: NamedPolicy
    statement: Statement
    grant: Grant


def evaluate(
    request: AccessRequest, policies: PrincipalPolicies, resource_policy: NamedPolicy | None = None
) -> Decision:
    """The decision over all policies that are about the request; `policies` are the caller's."""
    own = () if resource_policy is None else (resource_policy,)
    boundary = () if policies.boundary is None else (policies.boundary,)
    groups: tuple[tuple[PolicyKind, tuple[NamedPolicy, ...]], ...] = (
        (PolicyKind.IDENTITY, policies.identity),
        (PolicyKind.BOUNDARY, boundary),
        (PolicyKind.SESSION, policies.session or ()),
        (PolicyKind.RESOURCE if resource_policy is None else resource_policy.document.kind, own),
    )
    for kind, group in groups:
        denial = _first(Effect.DENY, group, request)
        if denial is not None:
            return Decision(
                request=request,
                outcome=Outcome.EXPLICITLY_DENIED,
                kind=kind,
                policy=denial.policy,
                statement=denial.statement,
            )
    resource_kind = groups[-1][0]
    granted = _firmest(own, request)
    is_at_home = request.account_id in ("", request.caller.account_id)
    if granted is None:
        if resource_kind is PolicyKind.TRUST or not is_at_home:
            return _lacks(request, resource_kind)
    elif request.caller.kind is PrincipalType.SERVICE or (is_at_home and granted.grant is Grant.DIRECT):
        return _allowed(request, resource_kind, granted)
    is_enough = granted is not None and is_at_home and granted.grant is Grant.ROLE
    return _by_own_policies(request, policies, boundary, granted if is_enough else None)


def _by_own_policies(
    request: AccessRequest,
    policies: PrincipalPolicies,
    boundary: tuple[NamedPolicy, ...],
    granted: _Saying | None,
) -> Decision:
    """Steps 2, 4 and 5. `granted` is the resource's yes where it stands in for one of the identity policies."""
    if request.caller.is_root:
        return Decision(request=request, outcome=Outcome.ALLOWED, kind=PolicyKind.IDENTITY)
    allowing = _first(Effect.ALLOW, policies.identity, request)
    kind = PolicyKind.IDENTITY
    if allowing is None and granted is not None:
        allowing, kind = granted, granted.policy.document.kind
    if allowing is None:
        return _lacks(request, PolicyKind.IDENTITY)
    if boundary and _first(Effect.ALLOW, boundary, request) is None:
        return _lacks(request, PolicyKind.BOUNDARY)
    if policies.session is not None and _first(Effect.ALLOW, policies.session, request) is None:
        return _lacks(request, PolicyKind.SESSION)
    return _allowed(request, kind, allowing)


def _allowed(request: AccessRequest, kind: PolicyKind, saying: _Saying) -> Decision:
    return Decision(
        request=request, outcome=Outcome.ALLOWED, kind=kind, policy=saying.policy, statement=saying.statement
    )


def _lacks(request: AccessRequest, kind: PolicyKind) -> Decision:
    return Decision(request=request, outcome=Outcome.IMPLICITLY_DENIED, kind=kind)


def _first(effect: Effect, policies: Iterable[NamedPolicy], request: AccessRequest) -> _Saying | None:
    return next(_sayings(effect, policies, request), None)


def _firmest(policies: Iterable[NamedPolicy], request: AccessRequest) -> _Saying | None:
    return max(_sayings(Effect.ALLOW, policies, request), key=lambda saying: saying.grant, default=None)


def _sayings(effect: Effect, policies: Iterable[NamedPolicy], request: AccessRequest) -> Iterator[_Saying]:
    """The statements of this effect that are about the request, in their order."""
    for policy in policies:
        for statement in policy.document.statements:
            if statement.effect is effect:
                grant = _grant(statement.principals, request.caller, effect)
                if grant is not Grant.NONE and _is_about(statement, request):
                    yield _Saying(policy=policy, statement=statement, grant=grant)


def _grant(principals: Principals | None, caller: Caller, effect: Effect) -> Grant:
    """How firmly the statement means the caller; one without principals means whoever the policy is attached to."""
    if principals is None:
        return Grant.DIRECT
    firmest = max(pattern.grant_to(caller) for pattern in principals.patterns)
    if not principals.is_negated:
        # An allow for everyone is for no service; a deny is.
        is_for_all = effect is Effect.DENY and any(pattern.is_everyone for pattern in principals.patterns)
        return max(firmest, Grant.ROLE) if is_for_all else firmest
    # Who is only named by the account is not named: AWS asks for the user or role itself in NotPrincipal.
    return Grant.NONE if firmest >= Grant.ROLE else Grant.ROLE


def _is_about(statement: Statement, request: AccessRequest) -> bool:
    is_denial = statement.effect is Effect.DENY
    return (
        _names_action(statement.actions, request.action.lower(), is_denial=is_denial)
        and (statement.resources is None or _is_on(statement.resources, request, is_denial=is_denial))
        and all(condition.holds(request.context) for condition in statement.conditions)
    )


def _names_action(actions: Actions, asked: str, *, is_denial: bool) -> bool:
    """Whether a statement is about the action. Where that may be any of a service, a deny is about it if it may be
    about one, and an allow only if it is about all."""
    service, _, name = asked.partition(":")
    if name != "*":
        return any(pattern.matches(asked, {}) for pattern in actions.patterns) != actions.is_negated
    is_about = _covers_all_of if is_denial == actions.is_negated else _touches
    return any(is_about(pattern, service) for pattern in actions.patterns) != actions.is_negated


def _touches(pattern: Template, service: str) -> bool:
    """Whether an action of the service may match."""
    return pattern.text.lower().partition(":")[0] in ("*", service)


def _covers_all_of(pattern: Template, service: str) -> bool:
    """Whether each action of the service matches."""
    name = pattern.text.partition(":")[2]
    return _touches(pattern, service) and (pattern.text == "*" or (bool(name) and not name.strip("*")))


def _is_on(resources: Resources, request: AccessRequest, *, is_denial: bool) -> bool:
    if request.is_any_resource and (is_denial or resources.is_negated):
        # It may be the one that is denied; it may be the one that is left out of what is allowed.
        return is_denial
    if request.is_folder:
        return _is_below(resources, request.resource or "", request.context, is_denial=is_denial)
    if request.resource is None:
        is_named = any(pattern.text == "*" for pattern in resources.patterns)
    else:
        resource = request.resource
        is_named = any(pattern.matches_arn(resource, request.context) for pattern in resources.patterns)
    return is_named != resources.is_negated


def _is_below(resources: Resources, folder: str, context: Context, *, is_denial: bool) -> bool:
    """As `_names_action`, for all that lies in a folder."""
    is_about = Template.covers_arns_below if is_denial == resources.is_negated else Template.touches_arns_below
    return any(is_about(pattern, folder, context) for pattern in resources.patterns) != resources.is_negated


def _article(kind: PolicyKind) -> str:
    if kind is PolicyKind.TRUST:
        return "the"
    return "an" if kind[0] in "aeiou" else "a"
