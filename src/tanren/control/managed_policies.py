"""The rules of managed policies: versions that are never rewritten, one of which is in force."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from tanren.control.identity_policies import check_tags, visible_policy
from tanren.domain.aws_managed_policies import AWS_MANAGED_POLICIES
from tanren.domain.clock import Clock
from tanren.domain.errors import AccessDenied, NameTaken, QuotaExceeded, ResourceNotFound, StillInUse
from tanren.domain.identities import (
    MANAGED_BY_AWS,
    POLICIES_PER_ACCOUNT,
    VERSIONS_PER_POLICY,
    IdPrefix,
    ManagedPolicy,
    PolicyVersion,
    Role,
    UniqueIdMaker,
    User,
    policy_arn,
)
from tanren.domain.marked_pages import MarkedPage, marked_page
from tanren.domain.policies.documents import PolicyKind
from tanren.domain.policies.parsing import LONGEST_MANAGED_POLICY, parse_policy, policy_size
from tanren.storage.identities import (
    bounded_by,
    merged_by_folded_key,
    replace_tags,
    tags_of,
    without_folded_keys,
)
from tanren.storage.identity_database import IdentityDatabase
from tanren.storage.identity_policies import (
    change_policy,
    count_policies,
    has_policy_named,
    identities_with,
    insert_policy,
    insert_version,
    policies_of_account,
    remove_policy,
    remove_version,
    versions_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInUse:
    """A policy, and by how many of the account's users and roles it is used."""

    policy: ManagedPolicy
    attachment_count: int
    boundary_count: int


class ManagedPolicyControl:
    def __init__(self, database: IdentityDatabase, *, clock: Clock, new_id: UniqueIdMaker) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id

    def create(
        self,
        account_id: str,
        name: str,
        document: str,
        *,
        path: str,
        description: str | None,
        tags: Mapping[str, str],
    ) -> ManagedPolicy:
        """Raises   MalformedPolicy."""
        _check_document(document)
        now = self._clock()
        policy = ManagedPolicy(
            arn=policy_arn(account_id, path, name),
            policy_id=self._new_id(IdPrefix.MANAGED_POLICY),
            account_id=account_id,
            name=name,
            path=path,
            description=description,
            default_version=1,
            latest_version=1,
            created_at=now,
            updated_at=now,
        )
        check_tags(policy.arn, tags)
        with self._database.writing() as connection:
            if has_policy_named(connection, account_id, name):
                raise NameTaken(f"A policy called {name} already exists. Duplicate names are not allowed.")
            if count_policies(connection, account_id) >= POLICIES_PER_ACCOUNT:
                raise QuotaExceeded(f"Cannot exceed quota for PoliciesPerAccount: {POLICIES_PER_ACCOUNT}")
            insert_policy(connection, policy, document)
            replace_tags(connection, policy.policy_id, tags)
        return policy

    def get(self, account_id: str, arn: str) -> tuple[PolicyInUse, Mapping[str, str]]:
        with self._database.reading() as connection:
            policy = visible_policy(connection, account_id, arn)
            return _in_use(connection, policy, account_id), tags_of(connection, policy.policy_id)

    def list(
        self,
        account_id: str,
        *,
        scope: str,
        only_attached: bool,
        path_prefix: str,
        usage: str | None,
        marker: str | None,
        size: int | None,
    ) -> MarkedPage[PolicyInUse]:
        """`scope` is `All`, `AWS` or `Local`; `usage` `PermissionsPolicy`, `PermissionsBoundary` or None for either."""
        with self._database.reading() as connection:
            own = [] if scope == "AWS" else policies_of_account(connection, account_id)
            aws = [] if scope == "Local" else [known.policy for known in AWS_MANAGED_POLICIES.values()]
            below = [policy for policy in (*own, *aws) if policy.path.startswith(path_prefix)]
            found = [_in_use(connection, policy, account_id) for policy in below]
        is_used: Mapping[str | None, Callable[[PolicyInUse], int]] = {
            "PermissionsPolicy": lambda each: each.attachment_count,
            "PermissionsBoundary": lambda each: each.boundary_count,
            None: lambda each: each.attachment_count + each.boundary_count,
        }
        wanted = [each for each in found if is_used[usage](each)] if only_attached or usage is not None else found
        return marked_page(wanted, lambda each: each.policy.arn, marker=marker, size=size)

    def delete(self, account_id: str, arn: str) -> None:
        """Raises   StillInUse, while it is attached or has versions beside the one in force."""
        with self._database.writing() as connection:
            policy = _own_policy(connection, account_id, arn)
            in_use = _in_use(connection, policy, account_id)
            if in_use.attachment_count or in_use.boundary_count:
                raise StillInUse(
                    f"Cannot delete a policy attached to entities: {arn} is attached to {in_use.attachment_count} and "
                    f"is the permissions boundary of {in_use.boundary_count}."
                )
            if len(versions_of(connection, arn)) > 1:
                raise StillInUse(
                    "This policy has more than one version. Before you delete a policy, you must delete the policy's "
                    "versions. The default version is deleted with the policy."
                )
            replace_tags(connection, policy.policy_id, {})
            remove_policy(connection, arn)

    def create_version(self, account_id: str, arn: str, document: str, *, is_default: bool) -> PolicyVersion:
        """Raises   MalformedPolicy."""
        _check_document(document)
        now = self._clock()
        with self._database.writing() as connection:
            policy = _own_policy(connection, account_id, arn)
            if len(versions_of(connection, arn)) >= VERSIONS_PER_POLICY:
                raise QuotaExceeded(
                    f"A managed policy can have up to {VERSIONS_PER_POLICY} versions. Before you create a new version, "
                    "you must delete an existing version."
                )
            number = policy.latest_version + 1
            insert_version(connection, arn, number, document, now)
            default = {"default_version": number} if is_default else {}
            change_policy(connection, arn, latest_version=number, updated_at=now, **default)
        return PolicyVersion(policy_arn=arn, number=number, document=document, created_at=now)

    def versions(self, account_id: str, arn: str) -> tuple[ManagedPolicy, Sequence[PolicyVersion]]:
        """The policy and all of its versions, the newest first."""
        with self._database.reading() as connection:
            policy = visible_policy(connection, account_id, arn)
            found = versions_of(connection, arn)
        return policy, sorted(found, key=lambda version: version.number, reverse=True)

    def set_default(self, account_id: str, arn: str, version_id: str) -> None:
        with self._database.writing() as connection:
            _own_policy(connection, account_id, arn)
            version = version_named(versions_of(connection, arn), arn, version_id)
            change_policy(connection, arn, default_version=version.number, updated_at=self._clock())

    def delete_version(self, account_id: str, arn: str, version_id: str) -> None:
        with self._database.writing() as connection:
            policy = _own_policy(connection, account_id, arn)
            version = version_named(versions_of(connection, arn), arn, version_id)
            if version.number == policy.default_version:
                raise StillInUse("Cannot delete the default version of a policy. Make another one the default first.")
            remove_version(connection, arn, version.number)

    def users_of(self, account_id: str, arn: str) -> tuple[Sequence[User | Role], Sequence[User | Role]]:
        """To whom it is attached, and whose boundary it is."""
        with self._database.reading() as connection:
            visible_policy(connection, account_id, arn)
            return identities_with(connection, arn, account_id), _bounded(connection, arn, account_id)

    def tag(self, account_id: str, arn: str, added: Mapping[str, str]) -> None:
        with self._database.writing() as connection:
            policy = _own_policy(connection, account_id, arn)
            merged = merged_by_folded_key(tags_of(connection, policy.policy_id), added)
            check_tags(arn, merged)
            replace_tags(connection, policy.policy_id, merged)

    def untag(self, account_id: str, arn: str, keys: Collection[str]) -> None:
        with self._database.writing() as connection:
            policy = _own_policy(connection, account_id, arn)
            replace_tags(connection, policy.policy_id, without_folded_keys(tags_of(connection, policy.policy_id), keys))


def version_named(versions: Sequence[PolicyVersion], arn: str, version_id: str) -> PolicyVersion:
    """Raises ResourceNotFound."""
    found = next((version for version in versions if version.version_id == version_id), None)
    if found is None:
        raise ResourceNotFound(f"Policy {arn} version {version_id} does not exist or is not attachable.")
    return found


def _own_policy(connection: Connection, account_id: str, arn: str) -> ManagedPolicy:
    policy = visible_policy(connection, account_id, arn)
    if policy.account_id == MANAGED_BY_AWS:
        raise AccessDenied(f"{arn} is managed by AWS and cannot be changed; create a policy of your own.")
    return policy


def _in_use(connection: Connection, policy: ManagedPolicy, account_id: str) -> PolicyInUse:
    return PolicyInUse(
        policy=policy,
        attachment_count=len(identities_with(connection, policy.arn, account_id)),
        boundary_count=len(_bounded(connection, policy.arn, account_id)),
    )


def _bounded(connection: Connection, arn: str, account_id: str) -> list[User | Role]:
    return [identity for identity in bounded_by(connection, arn) if identity.account_id == account_id]


def _check_document(document: str) -> None:
    if policy_size(document) > LONGEST_MANAGED_POLICY:
        raise QuotaExceeded(f"Cannot exceed quota for PolicySize: {LONGEST_MANAGED_POLICY}")
    parse_policy(document, PolicyKind.IDENTITY)
