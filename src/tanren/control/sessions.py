"""The rules of temporary keys: who may assume a role, for how long, and what a session inherits.

Whether a role may be assumed is one decision over its trust policy and the caller's own policies. A refusal reads the
same whether or not there is such a role. The sessions of a role end with it.

Source   https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html and API_GetSessionToken.html
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from tanren.control.identity_policies import check_tags, visible_policy
from tanren.domain.arns import parse_arn
from tanren.domain.clock import Clock
from tanren.domain.errors import AccessDenied, QuotaExceeded, ResourceNotFound, ValidationFailed
from tanren.domain.identities import (
    DEFAULT_ROLE_SESSION_SECONDS,
    DEFAULT_USER_SESSION_SECONDS,
    LONGEST_CHAINED_SESSION_SECONDS,
    LONGEST_ROOT_SESSION_SECONDS,
    POLICIES_PER_IDENTITY,
    IdPrefix,
    Role,
    Session,
    UniqueIdMaker,
    new_secret,
    new_session_token,
)
from tanren.domain.policies.documents import PolicyKind
from tanren.domain.policies.evaluation import AccessRequest, evaluate
from tanren.domain.policies.parsing import LONGEST_SESSION_POLICY, parse_policy, policy_size
from tanren.domain.policies.principals import PrincipalType, caller_of
from tanren.domain.policies.templates import ContextValue
from tanren.storage.access_keys import find_access_key, find_session, insert_session
from tanren.storage.identities import roles
from tanren.storage.identity_database import IdentityDatabase
from tanren.storage.identity_policies import default_document
from tanren.storage.principals import Principals

logger = logging.getLogger(__name__)

ASSUME_ROLE = "sts:AssumeRole"
TAG_SESSION = "sts:TagSession"

Judge = Callable[[str, str], None]
"""What becomes of a refusal: its text for the caller, and the explanation for the log."""


def refuse(message: str, explanation: str) -> None:
    """The judge of `iam=enforce`. Raises AccessDenied."""
    logger.info("refused: %s", explanation)
    raise AccessDenied(message)


def note(message: str, explanation: str) -> None:
    """The judge of `iam=audit`."""
    logger.warning("iam=audit: would be refused: %s", explanation)


def overlook(message: str, explanation: str) -> None:
    """The judge of `iam=off`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks for a session, by which key, and what conditions may ask of the request."""

    arn: str
    account_id: str
    access_key_id: str
    context: Mapping[str, ContextValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSessionRequest:
    role_arn: str
    session_name: str
    duration_seconds: int | None
    policy: str | None
    """An inline session policy, as JSON text."""
    policy_arns: tuple[str, ...]
    """Of managed policies that limit the session as well."""
    tags: Mapping[str, str]
    transitive_tag_keys: tuple[str, ...]
    external_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSession:
    session: Session
    role: Role
    packed_policy_percent: int | None
    """How much of the room for session policies and tags is taken; None where there are none."""


class SessionControl:
    def __init__(
        self,
        database: IdentityDatabase,
        principals: Principals,
        *,
        judge: Judge,
        clock: Clock,
        new_id: UniqueIdMaker,
    ) -> None:
        self._database = database
        self._principals = principals
        self._judge = judge
        self._clock = clock
        self._new_id = new_id
        self._roles = roles()

    def assume_role(self, asker: Asker, asked: RoleSessionRequest) -> RoleSession:
        """Raises   AccessDenied; MalformedPolicy or QuotaExceeded for a session policy; ValidationFailed."""
        check_tags(asked.role_arn, asked.tags)
        unknown = set(asked.transitive_tag_keys) - asked.tags.keys()
        if unknown:
            raise ValidationFailed(f"TransitiveTagKeys names {', '.join(sorted(unknown))}, which Tags does not have.")
        with self._database.reading() as connection:
            role = self._role(connection, asked.role_arn)
            inherited, inherited_keys = self._inherited(connection, asker)
        # As the keys of policy conditions, those of tags are one whatever their case.
        folded = {key.lower() for key in inherited}
        clash = sorted(key for key in asked.tags if key.lower() in folded)
        if clash:
            raise ValidationFailed(
                f"One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key "
                f"from the calling session: {', '.join(clash)}."
            )
        if role is None:
            raise AccessDenied(_denied(asker, ASSUME_ROLE, asked.role_arn))
        self._check_allowed(asker, role, asked)
        seconds = self._role_seconds(asker, role, asked.duration_seconds)
        with self._database.reading() as connection:
            # As on AWS, managed session policies are of the role's account.
            policies = self._session_policies(connection, role.account_id, asked)
        tags = {**inherited, **asked.tags}
        session = self._begin(
            account_id=role.account_id,
            identity_id=role.identity_id,
            session_name=asked.session_name,
            seconds=seconds,
            policies=policies,
            tags=tags,
            transitive_tag_keys=(*inherited_keys, *asked.transitive_tag_keys),
        )
        size = sum(map(policy_size, policies or ())) + sum(len(key) + len(value) for key, value in tags.items())
        percent = -(-100 * size // (LONGEST_SESSION_POLICY * (len(policies or ()) or 1))) if size else None
        return RoleSession(session=session, role=role, packed_policy_percent=percent)

    def session_of_caller(self, asker: Asker, *, duration_seconds: int | None) -> Session:
        """Temporary keys of whoever asks with lasting ones."""
        caller = caller_of(asker.arn)
        if not self._has_lasting_key(asker):
            raise AccessDenied("Cannot call GetSessionToken with session credentials")
        if caller.is_root:
            seconds = min(duration_seconds or LONGEST_ROOT_SESSION_SECONDS, LONGEST_ROOT_SESSION_SECONDS)
            identity_id = None
        else:
            seconds = duration_seconds or DEFAULT_USER_SESSION_SECONDS
            identity_id = self._principals.policies_of(asker.arn, asker.access_key_id).user_id
        return self._begin(
            account_id=asker.account_id,
            identity_id=identity_id,
            session_name=None,
            seconds=seconds,
            policies=None,
            tags={},
            transitive_tag_keys=(),
        )

    def user_id_of(self, asker: Asker) -> str:
        """As GetCallerIdentity says it: the account of root, else the identity's id, with the session's name."""
        if caller_of(asker.arn).is_root:
            return asker.account_id
        return self._principals.policies_of(asker.arn, asker.access_key_id).user_id

    def _role(self, connection: Connection, role_arn: str) -> Role | None:
        arn = parse_arn(role_arn)
        if arn is None or (arn.service, arn.kind) != ("iam", "role"):
            raise ValidationFailed(
                f"{role_arn} is invalid: RoleArn is the ARN of a role, arn:aws:iam::ACCOUNT:role/NAME."
            )
        role = self._roles.find(connection, arn.account_id, arn.resource_id)
        return role if role is not None and role.arn == role_arn else None

    def _check_allowed(self, asker: Asker, role: Role, asked: RoleSessionRequest) -> None:
        known = self._principals.role_of(role.arn)
        policies = self._principals.policies_of(asker.arn, asker.access_key_id)
        caller = caller_of(asker.arn, role_arn=policies.role_arn)
        context = {**asker.context, "sts:rolesessionname": asked.session_name}
        if asked.external_id is not None:
            context["sts:externalid"] = asked.external_id
        if asked.transitive_tag_keys:
            context["sts:transitivetagkeys"] = asked.transitive_tag_keys
        for action in (ASSUME_ROLE, TAG_SESSION) if asked.tags else (ASSUME_ROLE,):
            request = AccessRequest(
                caller=caller, action=action, resource=role.arn, account_id=role.account_id, context=context
            )
            decision = evaluate(request, policies, None if known is None else known.trust)
            if not decision.is_allowed:
                self._judge(_denied(asker, action, role.arn), decision.explanation)

    def _role_seconds(self, asker: Asker, role: Role, asked: int | None) -> int:
        is_chained = caller_of(asker.arn).kind is PrincipalType.ASSUMED_ROLE
        if asked is None:
            return DEFAULT_ROLE_SESSION_SECONDS
        if is_chained and asked > LONGEST_CHAINED_SESSION_SECONDS:
            raise ValidationFailed(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
            )
        if asked > role.max_session_seconds:
            raise ValidationFailed(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role: "
                f"{asked} s were asked for, {role.max_session_seconds} s are allowed."
            )
        return asked

    def _session_policies(
        self, connection: Connection, account_id: str, asked: RoleSessionRequest
    ) -> tuple[str, ...] | None:
        if asked.policy is None and not asked.policy_arns:
            return None
        if len(asked.policy_arns) > POLICIES_PER_IDENTITY:
            raise ValidationFailed(
                f"{len(asked.policy_arns)} managed session policies; a session takes at most {POLICIES_PER_IDENTITY}."
            )
        found: list[str] = []
        if asked.policy is not None:
            if policy_size(asked.policy) > LONGEST_SESSION_POLICY:
                raise QuotaExceeded(
                    f"The session policy has {policy_size(asked.policy)} characters; {LONGEST_SESSION_POLICY} are "
                    "allowed. Put it into a managed policy and name that in PolicyArns."
                )
            parse_policy(asked.policy, PolicyKind.SESSION)
            found.append(asked.policy)
        for arn in asked.policy_arns:
            try:
                visible_policy(connection, account_id, arn)
            except ResourceNotFound as error:
                raise ValidationFailed(str(error)) from error
            document = default_document(connection, arn)
            assert document is not None
            found.append(document)
        return tuple(found)

    def _inherited(self, connection: Connection, asker: Asker) -> tuple[dict[str, str], tuple[str, ...]]:
        """The transitive tags of the session that asks, and their keys."""
        session = find_session(connection, asker.access_key_id)
        if session is None:
            return {}, ()
        return {key: session.tags[key] for key in session.transitive_tag_keys}, session.transitive_tag_keys

    def _has_lasting_key(self, asker: Asker) -> bool:
        if asker.access_key_id.startswith(IdPrefix.SESSION_KEY):
            return False
        with self._database.reading() as connection:
            is_users = find_access_key(connection, asker.access_key_id) is not None
        return is_users or caller_of(asker.arn).is_root

    def _begin(
        self,
        *,
        account_id: str,
        identity_id: str | None,
        session_name: str | None,
        seconds: int,
        policies: tuple[str, ...] | None,
        tags: Mapping[str, str],
        transitive_tag_keys: tuple[str, ...],
    ) -> Session:
        now = self._clock()
        session = Session(
            access_key_id=self._new_id(IdPrefix.SESSION_KEY),
            secret_access_key=new_secret(),
            session_token=new_session_token(),
            account_id=account_id,
            identity_id=identity_id,
            session_name=session_name,
            policies=policies,
            tags=tags,
            transitive_tag_keys=transitive_tag_keys,
            issued_at=now,
            expires_at=now + timedelta(seconds=seconds),
        )
        with self._database.writing() as connection:
            insert_session(connection, session, forget_before=now - timedelta(days=1))
        return session


def _denied(asker: Asker, action: str, role_arn: str) -> str:
    return f"User: {asker.arn} is not authorized to perform: {action} on resource: {role_arn}"
