"""The tables of identities: users, roles, policies, access keys, sessions. See `tables` for all others.

Their rows are read and written together, and held in memory as long as `iam_revision` stays: `identity_database`.
"""

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, String, Table, Text, UniqueConstraint

from tanren.storage.columns import UtcDateTime, metadata

iam_identities = Table(
    "iam_identities",
    metadata,
    Column("identity_id", String(32), primary_key=True),  # AIDA… of a user, AROA… of a role
    Column("account_id", String(12), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("name", String(64), nullable=False),
    Column("folded_name", String(64), nullable=False),  # two names that differ only in case are one
    Column("path", String(512), nullable=False),
    Column("description", String(1000)),
    Column("trust_policy", Text),
    Column("max_session_seconds", Integer),
    Column("boundary_arn", String(2048)),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("account_id", "kind", "folded_name", name="uq_iam_identities_name"),
)

iam_former_roles = Table(
    "iam_former_roles",
    metadata,
    Column("arn", String(2048), primary_key=True),
    Column("deleted_at", UtcDateTime, nullable=False),
)

iam_inline_policies = Table(
    "iam_inline_policies",
    metadata,
    Column("identity_id", String(32), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("document", Text, nullable=False),
)

iam_managed_policies = Table(
    "iam_managed_policies",
    metadata,
    Column("arn", String(2048), primary_key=True),
    Column("policy_id", String(32), nullable=False),
    Column("account_id", String(12), nullable=False),
    Column("name", String(128), nullable=False),
    Column("folded_name", String(128), nullable=False),
    Column("path", String(512), nullable=False),
    Column("description", String(1000)),
    Column("default_version", Integer, nullable=False),
    Column("latest_version", Integer, nullable=False),  # the number of a deleted version is not given again
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("account_id", "folded_name", name="uq_iam_managed_policies_name"),
)

iam_policy_versions = Table(
    "iam_policy_versions",
    metadata,
    Column("policy_arn", String(2048), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("document", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

iam_policy_attachments = Table(
    "iam_policy_attachments",
    metadata,
    Column("identity_id", String(32), primary_key=True),
    Column("policy_arn", String(2048), primary_key=True),
    Index(None, "policy_arn"),
)

iam_tags = Table(
    "iam_tags",
    metadata,
    Column("owner_id", String(32), primary_key=True),  # of a user, a role or a managed policy
    Column("folded_key", String(128), primary_key=True),
    Column("key", String(128), nullable=False),
    Column("value", String(256), nullable=False),
)

iam_access_keys = Table(
    "iam_access_keys",
    metadata,
    Column("access_key_id", String(128), primary_key=True),
    Column("account_id", String(12), nullable=False),
    Column("identity_id", String(32)),  # of a user; none for the root of its account
    Column("secret_access_key", String(128), nullable=False),
    Column("status", String(8), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "identity_id"),
)

iam_sessions = Table(
    "iam_sessions",
    metadata,
    Column("access_key_id", String(128), primary_key=True),
    Column("secret_access_key", String(128), nullable=False),
    Column("session_token", String(1024), nullable=False),
    Column("account_id", String(12), nullable=False),
    Column("identity_id", String(32)),  # the role that was assumed, or the user; none for root
    Column("session_name", String(64)),
    Column("policies", JSON),  # documents of session policies; null where none was given
    Column("tags", JSON, nullable=False),
    Column("transitive_tag_keys", JSON, nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "expires_at"),
)

iam_service_credentials = Table(
    "iam_service_credentials",
    metadata,
    Column("credential_id", String(32), primary_key=True),  # ACCA…
    Column("account_id", String(12), nullable=False),
    Column("identity_id", String(32), nullable=False),
    Column("service_name", String(64), nullable=False),
    Column("alias", String(200), nullable=False),
    Column("secret_sha256", String(64), nullable=False),
    Column("status", String(8), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    UniqueConstraint("alias", name="uq_iam_service_credentials_alias"),
    Index(None, "identity_id"),
)

iam_revision = Table(
    "iam_revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),  # grows with every change of the tables above
)
