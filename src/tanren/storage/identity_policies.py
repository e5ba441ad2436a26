"""Rows of inline policies, managed policies and their versions, and of what they are attached to."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from tanren.domain.aws_managed_policies import AWS_MANAGED_POLICIES
from tanren.domain.identities import ManagedPolicy, PolicyVersion
from tanren.storage.identities import Identity, identity_of
from tanren.storage.identity_database import row_of
from tanren.storage.identity_tables import (
    iam_identities,
    iam_inline_policies,
    iam_managed_policies,
    iam_policy_attachments,
    iam_policy_versions,
)


def inline_policies_of(connection: Connection, identity_id: str) -> dict[str, str]:
    """Name → document."""
    columns = iam_inline_policies.c
    rows = connection.execute(select(columns.name, columns.document).where(columns.identity_id == identity_id))
    return {row.name: row.document for row in rows}


def put_inline_policy(connection: Connection, identity_id: str, name: str, document: str) -> None:
    remove_inline_policy(connection, identity_id, name)
    connection.execute(insert(iam_inline_policies).values(identity_id=identity_id, name=name, document=document))


def remove_inline_policy(connection: Connection, identity_id: str, name: str) -> bool:
    columns = iam_inline_policies.c
    wanted = (columns.identity_id == identity_id, columns.name == name)
    return connection.execute(delete(iam_inline_policies).where(*wanted)).rowcount == 1


def find_policy(connection: Connection, arn: str) -> ManagedPolicy | None:
    """Of an account, or of those that AWS manages."""
    known = AWS_MANAGED_POLICIES.get(arn)
    if known is not None:
        return known.policy
    row = connection.execute(select(iam_managed_policies).where(iam_managed_policies.c.arn == arn)).one_or_none()
    return None if row is None else _policy_of(row)


def has_policy_named(connection: Connection, account_id: str, name: str) -> bool:
    """In whatever path, and whatever the case of its letters."""
    columns = iam_managed_policies.c
    wanted = (columns.account_id == account_id, columns.folded_name == name.lower())
    return connection.execute(select(columns.arn).where(*wanted)).first() is not None


def policies_of_account(connection: Connection, account_id: str) -> list[ManagedPolicy]:
    rows = connection.execute(select(iam_managed_policies).where(iam_managed_policies.c.account_id == account_id))
    return [_policy_of(row) for row in rows]


def count_policies(connection: Connection, account_id: str) -> int:
    wanted = iam_managed_policies.c.account_id == account_id
    return connection.execute(select(func.count()).select_from(iam_managed_policies).where(wanted)).scalar_one()


def insert_policy(connection: Connection, policy: ManagedPolicy, document: str) -> None:
    """With its first version."""
    columns = {**row_of(iam_managed_policies, policy), "folded_name": policy.name.lower()}
    connection.execute(insert(iam_managed_policies).values(columns))
    insert_version(connection, policy.arn, policy.default_version, document, policy.created_at)


def change_policy(connection: Connection, arn: str, **values: Any) -> None:
    connection.execute(update(iam_managed_policies).where(iam_managed_policies.c.arn == arn).values(**values))


def remove_policy(connection: Connection, arn: str) -> None:
    """With its versions."""
    connection.execute(delete(iam_policy_versions).where(iam_policy_versions.c.policy_arn == arn))
    connection.execute(delete(iam_managed_policies).where(iam_managed_policies.c.arn == arn))


def versions_of(connection: Connection, arn: str) -> list[PolicyVersion]:
    known = AWS_MANAGED_POLICIES.get(arn)
    if known is not None:
        return [known.version]
    rows = connection.execute(select(iam_policy_versions).where(iam_policy_versions.c.policy_arn == arn))
    return [
        PolicyVersion(policy_arn=arn, number=row.version, document=row.document, created_at=row.created_at)
        for row in rows
    ]


def insert_version(connection: Connection, arn: str, number: int, document: str, at: datetime) -> None:
    values = {"policy_arn": arn, "version": number, "document": document, "created_at": at}
    connection.execute(insert(iam_policy_versions).values(**values))


def remove_version(connection: Connection, arn: str, number: int) -> None:
    columns = iam_policy_versions.c
    connection.execute(delete(iam_policy_versions).where(columns.policy_arn == arn, columns.version == number))


def default_document(connection: Connection, arn: str) -> str | None:
    """What the policy says now; None where there is no such policy."""
    policy = find_policy(connection, arn)
    if policy is None:
        return None
    return next(v.document for v in versions_of(connection, arn) if v.number == policy.default_version)


def attached_to(connection: Connection, identity_id: str) -> list[str]:
    """ARNs of managed policies."""
    columns = iam_policy_attachments.c
    return list(
        connection.execute(
            select(columns.policy_arn).where(columns.identity_id == identity_id).order_by(columns.policy_arn)
        ).scalars()
    )


def attach(connection: Connection, identity_id: str, arn: str) -> None:
    connection.execute(insert(iam_policy_attachments).values(identity_id=identity_id, policy_arn=arn))


def detach(connection: Connection, identity_id: str, arn: str) -> bool:
    columns = iam_policy_attachments.c
    wanted = (columns.identity_id == identity_id, columns.policy_arn == arn)
    return connection.execute(delete(iam_policy_attachments).where(*wanted)).rowcount == 1


def identities_with(connection: Connection, arn: str, account_id: str) -> list[Identity]:
    """The account's users and roles that the policy is attached to."""
    identities, attachments = iam_identities.c, iam_policy_attachments.c
    joined = select(iam_identities).join(iam_policy_attachments, identities.identity_id == attachments.identity_id)
    wanted = (attachments.policy_arn == arn, identities.account_id == account_id)
    return [identity_of(row) for row in connection.execute(joined.where(*wanted))]


def _policy_of(row: Row[Any]) -> ManagedPolicy:
    return ManagedPolicy(
        arn=row.arn,
        policy_id=row.policy_id,
        account_id=row.account_id,
        name=row.name,
        path=row.path,
        description=row.description,
        default_version=row.default_version,
        latest_version=row.latest_version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
