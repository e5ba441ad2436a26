"""Users, roles, their policies and tags, access keys, sessions and Bedrock API keys.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from tanren.storage.columns import UtcDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "iam_identities",
        sa.Column("identity_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("folded_name", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=512), nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=True),
        sa.Column("trust_policy", sa.Text(), nullable=True),
        sa.Column("max_session_seconds", sa.Integer(), nullable=True),
        sa.Column("boundary_arn", sa.String(length=2048), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("identity_id", name=op.f("pk_iam_identities")),
        sa.UniqueConstraint("account_id", "kind", "folded_name", name="uq_iam_identities_name"),
    )
    op.create_table(
        "iam_former_roles",
        sa.Column("arn", sa.String(length=2048), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_iam_former_roles")),
    )
    op.create_table(
        "iam_inline_policies",
        sa.Column("identity_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("identity_id", "name", name=op.f("pk_iam_inline_policies")),
    )
    op.create_table(
        "iam_managed_policies",
        sa.Column("arn", sa.String(length=2048), nullable=False),
        sa.Column("policy_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("folded_name", sa.String(length=128), nullable=False),
        sa.Column("path", sa.String(length=512), nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=True),
        sa.Column("default_version", sa.Integer(), nullable=False),
        sa.Column("latest_version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_iam_managed_policies")),
        sa.UniqueConstraint("account_id", "folded_name", name="uq_iam_managed_policies_name"),
    )
    op.create_table(
        "iam_policy_versions",
        sa.Column("policy_arn", sa.String(length=2048), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("policy_arn", "version", name=op.f("pk_iam_policy_versions")),
    )
    op.create_table(
        "iam_policy_attachments",
        sa.Column("identity_id", sa.String(length=32), nullable=False),
        sa.Column("policy_arn", sa.String(length=2048), nullable=False),
        sa.PrimaryKeyConstraint("identity_id", "policy_arn", name=op.f("pk_iam_policy_attachments")),
    )
    op.create_index(op.f("ix_iam_policy_attachments_policy_arn"), "iam_policy_attachments", ["policy_arn"])
    op.create_table(
        "iam_tags",
        sa.Column("owner_id", sa.String(length=32), nullable=False),
        sa.Column("folded_key", sa.String(length=128), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("value", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "folded_key", name=op.f("pk_iam_tags")),
    )
    op.create_table(
        "iam_access_keys",
        sa.Column("access_key_id", sa.String(length=128), nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("identity_id", sa.String(length=32), nullable=True),
        sa.Column("secret_access_key", sa.String(length=128), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("access_key_id", name=op.f("pk_iam_access_keys")),
    )
    op.create_index(op.f("ix_iam_access_keys_identity_id"), "iam_access_keys", ["identity_id"])
    op.create_table(
        "iam_sessions",
        sa.Column("access_key_id", sa.String(length=128), nullable=False),
        sa.Column("secret_access_key", sa.String(length=128), nullable=False),
        sa.Column("session_token", sa.String(length=1024), nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("identity_id", sa.String(length=32), nullable=True),
        sa.Column("session_name", sa.String(length=64), nullable=True),
        sa.Column("policies", sa.JSON(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("transitive_tag_keys", sa.JSON(), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("access_key_id", name=op.f("pk_iam_sessions")),
    )
    op.create_index(op.f("ix_iam_sessions_expires_at"), "iam_sessions", ["expires_at"])
    op.create_table(
        "iam_service_credentials",
        sa.Column("credential_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("identity_id", sa.String(length=32), nullable=False),
        sa.Column("service_name", sa.String(length=64), nullable=False),
        sa.Column("alias", sa.String(length=200), nullable=False),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_iam_service_credentials")),
        sa.UniqueConstraint("alias", name="uq_iam_service_credentials_alias"),
    )
    op.create_index(op.f("ix_iam_service_credentials_identity_id"), "iam_service_credentials", ["identity_id"])
    revision_table = op.create_table(
        "iam_revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_iam_revision")),
    )
    op.bulk_insert(revision_table, [{"id": 1, "revision": 0}])


def downgrade() -> None:
    for table in (
        "iam_revision",
        "iam_service_credentials",
        "iam_sessions",
        "iam_access_keys",
        "iam_tags",
        "iam_policy_attachments",
        "iam_policy_versions",
        "iam_managed_policies",
        "iam_inline_policies",
        "iam_former_roles",
        "iam_identities",
    ):
        op.drop_table(table)
