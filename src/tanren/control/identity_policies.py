"""The rules of what hangs on a user and on a role alike: inline policies, attachments, permissions boundary, tags."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from sqlalchemy import Connection

from tanren.domain.errors import QuotaExceeded, ResourceNotFound, StillInUse, TooManyTags, ValidationFailed
from tanren.domain.identities import MANAGED_BY_AWS, POLICIES_PER_IDENTITY, TAGS_PER_IDENTITY, ManagedPolicy, Role, User
from tanren.domain.marked_pages import MarkedPage, marked_page
from tanren.domain.policies.documents import PolicyKind
from tanren.domain.policies.parsing import LONGEST_ROLE_POLICIES, LONGEST_USER_POLICIES, parse_policy, policy_size
from tanren.storage.identities import (
    IdentityRows,
    merged_by_folded_key,
    replace_tags,
    tags_of,
    without_folded_keys,
)
from tanren.storage.identity_database import IdentityDatabase
from tanren.storage.identity_policies import (
    attach,
    attached_to,
    detach,
    find_policy,
    inline_policies_of,
    put_inline_policy,
    remove_inline_policy,
)

_AWS_TAG_PREFIX = "aws:"

T = TypeVar("T", User, Role)


class IdentityPolicyControl(Generic[T]):
    """Of users, or of roles; `noun` is how messages call them."""

    def __init__(self, database: IdentityDatabase, rows: IdentityRows[T], *, noun: str) -> None:
        self._database = database
        self._rows = rows
        self._noun = noun
        self._longest = LONGEST_USER_POLICIES if noun == "user" else LONGEST_ROLE_POLICIES

    def put_inline(self, account_id: str, name: str, policy_name: str, document: str) -> None:
        """Raises   MalformedPolicy; QuotaExceeded, counting all inline policies together."""
        parse_policy(document, PolicyKind.IDENTITY)
        with self._database.writing() as connection:
            owner = self._rows.get(connection, account_id, name)
            others = {**inline_policies_of(connection, owner.identity_id), policy_name: document}
            if sum(map(policy_size, others.values())) > self._longest:
                raise QuotaExceeded(
                    f"Maximum policy size of {self._longest} bytes exceeded for {self._noun} {name}. It counts all of "
                    "its inline policies together, without white space; a managed policy may be longer."
                )
            put_inline_policy(connection, owner.identity_id, policy_name, document)

    def get_inline(self, account_id: str, name: str, policy_name: str) -> str:
        with self._database.reading() as connection:
            owner = self._rows.get(connection, account_id, name)
            document = inline_policies_of(connection, owner.identity_id).get(policy_name)
        if document is None:
            raise self._no_such_inline(policy_name)
        return document

    def list_inline(self, account_id: str, name: str, *, marker: str | None, size: int | None) -> MarkedPage[str]:
        with self._database.reading() as connection:
            owner = self._rows.get(connection, account_id, name)
            found = inline_policies_of(connection, owner.identity_id)
        return marked_page(found, str, marker=marker, size=size)

    def delete_inline(self, account_id: str, name: str, policy_name: str) -> None:
        with self._database.writing() as connection:
            owner = self._rows.get(connection, account_id, name)
            if not remove_inline_policy(connection, owner.identity_id, policy_name):
                raise self._no_such_inline(policy_name)

    def attach(self, account_id: str, name: str, policy_arn: str) -> None:
        """Attaching what is attached changes nothing."""
        with self._database.writing() as connection:
            owner = self._rows.get(connection, account_id, name)
            visible_policy(connection, account_id, policy_arn)
            attached = attached_to(connection, owner.identity_id)
            if policy_arn in attached:
                return
            if len(attached) >= POLICIES_PER_IDENTITY:
                raise QuotaExceeded(
                    f"Cannot exceed quota for PoliciesPer{self._noun.capitalize()}: {POLICIES_PER_IDENTITY}"
                )
            attach(connection, owner.identity_id, policy_arn)

    def detach(self, account_id: str, name: str, policy_arn: str) -> None:
        with self._database.writing() as connection:
            owner = self._rows.get(connection, account_id, name)
            if not detach(connection, owner.identity_id, policy_arn):
                raise ResourceNotFound(f"Policy {policy_arn} was not found: it is not attached to {self._noun} {name}.")

    def attached(
        self, account_id: str, name: str, *, path_prefix: str, marker: str | None, size: int | None
    ) -> MarkedPage[ManagedPolicy]:
        with self._database.reading() as connection:
            owner = self._rows.get(connection, account_id, name)
            arns = attached_to(connection, owner.identity_id)
            found = [visible_policy(connection, account_id, arn) for arn in arns]
        below = [policy for policy in found if policy.path.startswith(path_prefix)]
        return marked_page(below, lambda policy: policy.arn, marker=marker, size=size)

    def set_boundary(self, account_id: str, name: str, policy_arn: str | None) -> None:
        """None takes it away."""
        with self._database.writing() as connection:
            owner = self._rows.get(connection, account_id, name)
            if policy_arn is None and owner.boundary_arn is None:
                raise ResourceNotFound(f"{self._noun.capitalize()} {name} has no permissions boundary.")
            check_boundary(connection, account_id, policy_arn)
            self._rows.replace(connection, replace(owner, boundary_arn=policy_arn))

    def tag(self, account_id: str, name: str, added: Mapping[str, str]) -> None:
        with self._database.writing() as connection:
            owner = self._rows.get(connection, account_id, name)
            merged = merged_by_folded_key(tags_of(connection, owner.identity_id), added)
            check_tags(owner.arn, merged)
            replace_tags(connection, owner.identity_id, merged)

    def untag(self, account_id: str, name: str, keys: Collection[str]) -> None:
        with self._database.writing() as connection:
            owner = self._rows.get(connection, account_id, name)
            left = without_folded_keys(tags_of(connection, owner.identity_id), keys)
            replace_tags(connection, owner.identity_id, left)

    def tags(self, account_id: str, name: str, *, marker: str | None, size: int | None) -> MarkedPage[tuple[str, str]]:
        with self._database.reading() as connection:
            owner = self._rows.get(connection, account_id, name)
            found = tags_of(connection, owner.identity_id)
        return marked_page(found.items(), lambda tag: tag[0], marker=marker, size=size)

    def _no_such_inline(self, policy_name: str) -> ResourceNotFound:
        return ResourceNotFound(f"The {self._noun} policy with name {policy_name} cannot be found.")


def visible_policy(connection: Connection, account_id: str, policy_arn: str) -> ManagedPolicy:
    """The account's own, or one of AWS's.

    Raises   ResourceNotFound, in the same words for one of another account as for one that does not exist.
    """
    policy = find_policy(connection, policy_arn)
    if policy is None or policy.account_id not in (account_id, MANAGED_BY_AWS):
        raise ResourceNotFound(
            f"Policy {policy_arn} does not exist or is not attachable. docs/identity.md lists the policies of AWS that "
            "this server knows."
        )
    return policy


def check_boundary(connection: Connection, account_id: str, policy_arn: str | None) -> None:
    """Raises ResourceNotFound, if there is no such policy."""
    if policy_arn is not None:
        visible_policy(connection, account_id, policy_arn)


def check_tags(arn: str, tags: Mapping[str, str]) -> None:
    """Raises   TooManyTags past 50; ValidationFailed for AWS's own, and for two that differ only in case."""
    if len(tags) > TAGS_PER_IDENTITY:
        raise TooManyTags(f"{arn} would have {len(tags)} tags; it takes at most {TAGS_PER_IDENTITY}.", arn)
    if any(key.lower().startswith(_AWS_TAG_PREFIX) for key in tags):
        raise ValidationFailed(f"Tag keys that begin with {_AWS_TAG_PREFIX} are AWS's own and cannot be set.")
    if len({key.lower() for key in tags}) < len(tags):
        raise ValidationFailed("Duplicate tag keys found. Please note that tag keys are case insensitive.")


def refuse_while_policies_hang(connection: Connection, owner: User | Role) -> None:
    """Raises StillInUse, while a policy is attached or inline."""
    attached = attached_to(connection, owner.identity_id)
    if attached:
        raise StillInUse(f"Cannot delete entity, must detach all policies first: {', '.join(attached)}.")
    inline = inline_policies_of(connection, owner.identity_id)
    if inline:
        raise StillInUse(f"Cannot delete entity, must delete policies first: {', '.join(sorted(inline))}.")
