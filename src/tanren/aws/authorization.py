"""May the caller do this? Asked after a request has been validated and before its handler sees it.

    operation → permissions (`authorization_rules.py`) → the caller's policies → one decision a permission → on, or 403

How      root is let through without a look. For anyone else each resource of the request is a decision of its own, and
         so are the tags that it gives a new resource, the role that it passes, and a bearer key. Conditions read what
         the request, the caller and the resource say; tags are looked up only where a policy asks for a resource's.
         `enforce` refuses with AWS's own text, which names no policy and is the same whether or not the resource
         exists; `audit` logs what would have been refused, with the statement that decided, and lets it through.
Cost     a few comparisons a statement and permission, and what the policies cost to read; the ports may block, so it
         has a turn of a worker thread, its own (`authorize`) or the handler's (`check`). Of root: nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Any, cast

from tanren.aws.authorization_requests import Asking, ResourceFacts, Rule, member_at
from tanren.aws.authorization_rules import rule_of
from tanren.aws.context import Members, Principal, RequestContext
from tanren.control.service_roles import SERVICE_PRINCIPAL, ServiceRoles
from tanren.domain import arns
from tanren.domain.errors import AccessDenied, ValidationFailed
from tanren.domain.policies.evaluation import AccessRequest, Decision, evaluate
from tanren.domain.policies.principals import Caller, caller_of
from tanren.domain.policies.sources import PolicySource, PrincipalPolicies, ResourcePolicySource
from tanren.domain.policies.templates import ContextValue

logger = logging.getLogger(__name__)

_RESOURCE_TAG = "aws:resourcetag/"


class IamMode(StrEnum):
    ENFORCE = "enforce"
    AUDIT = "audit"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One permission that a request takes."""

    action: str
    resource: str | None
    shown_as: str | None = None
    """What the caller reads in the resource's place, where the ARN would tell whether it exists."""
    keys: Mapping[str, ContextValue]
    """Condition keys of this permission alone, in lower case."""
    is_new: bool = False
    """The resource does not exist yet, so it has no tags of its own and no policy."""
    is_any_resource: bool = False
    """The request is about some resource, and it is not known which: a deny of any of them denies."""
    is_folder: bool = False
    """The resource ends in a slash, and the request is about everything below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a request is judged by besides the permission itself."""

    principal: Principal
    region: str
    source_ip: str
    user_agent: str
    received_at: datetime
    is_secure: bool
    """Whether it came over TLS."""


class Authorizer:
    def __init__(
        self,
        *,
        policies: PolicySource,
        service_roles: ServiceRoles,
        facts: ResourceFacts,
        resource_policies: ResourcePolicySource | None,
        mode: IamMode,
    ) -> None:
        self._policies = policies
        self._service_roles = service_roles
        self._facts = facts
        self._resource_policies = resource_policies
        self._mode = mode

    @property
    def is_in_force(self) -> bool:
        return self._mode is not IamMode.OFF

    @property
    def is_enforcing(self) -> bool:
        """Whether what is not allowed is refused, and not only logged."""
        return self._mode is IamMode.ENFORCE

    async def authorize(self, context: RequestContext, params: Members) -> None:
        """Returns if the request may go on.

        Raises   AccessDenied; ValidationFailed for a role that the service could not assume.
        """
        check = self._check_of(context, params)
        if check is not None:
            await asyncio.to_thread(check)

    def check(self, context: RequestContext, params: Members) -> None:
        """As `authorize`, in the thread that asks: it may block."""
        check = self._check_of(context, params)
        if check is not None:
            check()

    def _check_of(self, context: RequestContext, params: Members) -> Callable[[], None] | None:
        """None where nothing is to be looked at."""
        rule = None if self._mode is IamMode.OFF else rule_of(context.service, context.operation)
        if rule is None:
            return None
        role_arn = member_at(params, rule.role) if rule.role else None
        if is_root(context.principal.arn) and not role_arn:
            return None
        return partial(self._check, context, params, rule, role_arn)

    async def authorize_all(self, circumstances: Circumstances, asked: Iterable[Asked]) -> None:
        """As `authorize`, for a request of a service that is not ours."""
        if self._mode is IamMode.OFF or is_root(circumstances.principal.arn):
            return
        await asyncio.to_thread(self._check_all, circumstances, list(asked))

    def _check(self, context: RequestContext, params: Members, rule: Rule, role_arn: str | None) -> None:
        circumstances = Circumstances(
            principal=context.principal,
            region=context.scope.region,
            source_ip=context.source_ip,
            user_agent=context.user_agent,
            received_at=context.received_at,
            is_secure=context.is_secure,
        )
        asking = Asking(scope=context.scope, caller_arn=context.principal.arn, params=params, facts=self._facts)
        if not is_root(context.principal.arn):
            self._check_all(circumstances, _asked(asking, rule, context.principal, role_arn))
        if role_arn:
            self._check_role(context, role_arn, arns.bedrock_arn(context.scope, rule.acts_for, "*"))

    def _check_role(self, context: RequestContext, role_arn: str, source_arn: str) -> None:
        must_exist = not is_root(context.principal.arn)
        try:
            self._service_roles.check_assumable(context.scope, role_arn, source_arn=source_arn, must_exist=must_exist)
        except ValidationFailed as error:
            if self._mode is IamMode.ENFORCE:
                raise
            logger.warning("iam=audit: %s of %s would be refused: %s", context.operation, context.principal.arn, error)

    def _check_all(self, circumstances: Circumstances, asked: Iterable[Asked]) -> None:
        principal = circumstances.principal
        policies = self._policies.policies_of(principal.arn, principal.access_key_id)
        caller = caller_of(principal.arn, role_arn=policies.role_arn)
        shared = context_of(circumstances, caller, policies)
        for permission in asked:
            decision = self._decide(permission, caller, policies, shared)
            if decision.is_allowed:
                continue
            if self._mode is IamMode.ENFORCE:
                logger.info("refused: %s", decision.explanation)
                raise AccessDenied(decision.message)
            logger.warning("iam=audit: would be refused: %s", decision.explanation)

    def _decide(
        self, asked: Asked, caller: Caller, policies: PrincipalPolicies, shared: Mapping[str, ContextValue]
    ) -> Decision:
        resource = asked.resource
        owner = _account_in(resource)
        context = {**shared, **asked.keys}
        own_policy = None
        if resource is not None and not asked.is_new:
            context["aws:resourceaccount"] = owner or caller.account_id
            # What belongs to no account, a foundation model or a bucket, has no policy here.
            if self._resource_policies is not None and owner:
                own_policy = self._resource_policies.policy_on(resource)
            if policies.mentions(_RESOURCE_TAG) or (own_policy and own_policy.document.mentions(_RESOURCE_TAG)):
                context |= tag_keys(_RESOURCE_TAG, self._facts.tags_of(resource))
        request = AccessRequest(
            caller=caller,
            action=asked.action,
            resource=resource,
            account_id=owner,
            context=context,
            shown_as=asked.shown_as,
            is_any_resource=asked.is_any_resource,
            is_folder=asked.is_folder,
        )
        return evaluate(request, policies, own_policy)


def is_root(principal_arn: str) -> bool:
    return principal_arn.split(":", 5)[-1] == "root"


def context_of(circumstances: Circumstances, caller: Caller, policies: PrincipalPolicies) -> dict[str, ContextValue]:
    """The condition keys that every request has, in lower case."""
    moment = circumstances.received_at.astimezone(UTC)
    found: dict[str, ContextValue | None] = {
        "aws:currenttime": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "aws:epochtime": str(int(moment.timestamp())),
        "aws:sourceip": circumstances.source_ip or None,
        "aws:securetransport": str(circumstances.is_secure).lower(),
        "aws:useragent": circumstances.user_agent or None,
        "aws:requestedregion": circumstances.region,
        "aws:principalarn": caller.lasting_arn,
        "aws:principalaccount": caller.account_id,
        "aws:principaltype": caller.kind,
        "aws:principalisawsservice": "false",
        "aws:viaawsservice": "false",
        "aws:userid": policies.user_id or None,
        "aws:username": caller.user_name,
        "aws:tokenissuetime": f"{policies.token_issued_at:%Y-%m-%dT%H:%M:%SZ}" if policies.token_issued_at else None,
    }
    present = {key: value for key, value in found.items() if value is not None}
    return present | tag_keys("aws:principaltag/", policies.tags)


def tag_keys(prefix: str, tags: Mapping[str, str]) -> dict[str, ContextValue]:
    """A condition key for each tag. Two tags that differ in case alone are one key with both values."""
    values: dict[str, tuple[str, ...]] = {}
    for key, value in tags.items():
        values[prefix + key.lower()] = (*values.get(prefix + key.lower(), ()), value)
    return {key: found[0] if len(found) == 1 else found for key, found in values.items()}


def _asked(asking: Asking, rule: Rule, principal: Principal, role_arn: str | None) -> Iterator[Asked]:
    """Every permission that the request takes; the operation's own first."""
    keys: dict[str, ContextValue] = {key: value for read in rule.keys for key, value in read(asking).items()}
    keys |= _request_tag_keys([tag for member in rule.tags for tag in asking.params.get(member) or []])
    resources = rule.resources_of(asking)
    for resource in resources:
        yield Asked(
            action=rule.action,
            resource=resource.arn,
            shown_as=resource.shown_as,
            keys=keys,
            is_new=resource.arn.endswith("/*"),
        )
    if not resources:
        yield Asked(action=rule.action, resource=None, keys=keys)
    if rule.tagging and any(asking.params.get(member) for member in rule.tags):
        for resource in resources:
            yield Asked(action=rule.tagging, resource=resource.arn, shown_as=resource.shown_as, keys=keys, is_new=True)
    for member, kind in rule.tags.items():
        given = asking.params.get(member)
        if kind and given:
            yield Asked(
                action="bedrock:TagResource",
                resource=arns.bedrock_arn(asking.scope, kind, "*"),
                keys=_request_tag_keys(given),
                is_new=True,
            )
    for action, objects in (("s3:GetObject", rule.reads), ("s3:PutObject", rule.writes)):
        for arn in () if objects is None else objects(asking):
            is_folder = arn.endswith("/*")
            resource = arn.removesuffix("*") if is_folder else arn
            yield Asked(action=action, resource=resource, shown_as=arn, keys={}, is_folder=is_folder)
    if role_arn:
        yield Asked(action="iam:PassRole", resource=role_arn, keys={"iam:passedtoservice": SERVICE_PRINCIPAL})
    if principal.bearer_token_type is not None:
        yield Asked(
            action="bedrock:CallWithBearerToken",
            resource=None,
            keys={"bedrock:bearertokentype": principal.bearer_token_type},
        )


def _request_tag_keys(given: Sequence[Any]) -> dict[str, ContextValue]:
    """Of tags, in Bedrock's spelling or IAM's; of a list of tag keys to remove, which has no values."""
    if not given:
        return {}
    pairs = [cast("dict[str, str]", each) for each in given if not isinstance(each, str)]
    tags = {pair.get("key") or pair["Key"]: pair.get("value") or pair.get("Value") or "" for pair in pairs}
    names = [each for each in given if isinstance(each, str)]
    return {**tag_keys("aws:requesttag/", tags), "aws:tagkeys": (*tags, *names)}


def _account_in(arn: str | None) -> str:
    """The account that the resource belongs to; empty where it belongs to none: a bucket, a policy that AWS manages."""
    parts = (arn or "").split(":", 5)
    return parts[4] if len(parts) == 6 and parts[4].isdigit() else ""
