"""Imported models and their jobs, custom models from elsewhere, copies of custom models, and access to base models.

A custom model that CreateCustomModel makes is itself a place in a queue while it is Creating, and may have no base that
tanren knows. The triggers make a terminal status of a job final in the store itself, as those of the other jobs do.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from tanren.storage.columns import UtcDateTime

revision = "0007"
down_revision = "0006"

JOB_TABLES = ("model_import_jobs", "model_copy_jobs")
TERMINAL = "('Completed', 'Failed')"


def upgrade() -> None:
    with op.batch_alter_table("custom_models") as batch:
        batch.alter_column("base_model_arn", existing_type=sa.String(length=1011), nullable=True)
        batch.add_column(sa.Column("client_request_token", sa.String(length=256), nullable=True))
        batch.add_column(sa.Column("request_digest", sa.String(length=64), nullable=True))
        batch.add_column(sa.Column("failure_message", sa.String(length=2048), nullable=True))
        batch.add_column(sa.Column("attempt", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("lease_owner", sa.String(length=128), nullable=True))
        batch.add_column(sa.Column("lease_expires_at", UtcDateTime(), nullable=True))
        batch.add_column(sa.Column("crash_count", sa.Integer(), nullable=False, server_default="0"))
        batch.create_unique_constraint("uq_custom_models_token", ["account_id", "region", "client_request_token"])
        batch.create_index(op.f("ix_custom_models_status_lease_expires_at"), ["status", "lease_expires_at"])
    op.create_table(
        "model_import_jobs",
        *_job_columns(),
        sa.Column("imported_model_name", sa.String(length=63), nullable=False),
        sa.Column("role_arn", sa.String(length=2048), nullable=False),
        sa.Column("source_s3_uri", sa.String(length=1024), nullable=False),
        sa.Column("imported_model_arn", sa.String(length=1011), nullable=True),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_model_import_jobs")),
        sa.UniqueConstraint("account_id", "region", "name", name="uq_model_import_jobs_name"),
        sa.UniqueConstraint("account_id", "region", "client_request_token", name="uq_model_import_jobs_token"),
    )
    op.create_index(
        "uq_model_import_jobs_running_model_name",
        "model_import_jobs",
        ["account_id", "region", "imported_model_name"],
        unique=True,
        sqlite_where=sa.text("status = 'InProgress'"),
        postgresql_where=sa.text("status = 'InProgress'"),
    )
    op.create_table(
        "model_copy_jobs",
        *_job_columns(),
        sa.Column("source_account_id", sa.String(length=12), nullable=False),
        sa.Column("source_model_arn", sa.String(length=1011), nullable=False),
        sa.Column("source_model_name", sa.String(length=63), nullable=False),
        sa.Column("target_model_arn", sa.String(length=1011), nullable=False),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_model_copy_jobs")),
        sa.UniqueConstraint("account_id", "region", "client_request_token", name="uq_model_copy_jobs_token"),
    )
    for table in JOB_TABLES:
        op.create_index(f"ix_{table}_created_at", table, ["account_id", "region", "created_at"])
        op.create_index(f"ix_{table}_status_lease_expires_at", table, ["status", "lease_expires_at"])
        _make_terminal_status_final(table)
    op.create_table(
        "imported_models",
        sa.Column("arn", sa.String(length=1011), nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("model_id", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("job_arn", sa.String(length=1011), nullable=False),
        sa.Column("job_name", sa.String(length=63), nullable=False),
        sa.Column("source_s3_uri", sa.String(length=1024), nullable=False),
        sa.Column("architecture", sa.String(length=128), nullable=False),
        sa.Column("parameter_count", sa.BigInteger(), nullable=False),
        sa.Column("context_length", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("has_chat_template", sa.Boolean(), nullable=False),
        sa.Column("artifact_path", sa.String(length=1024), nullable=False),
        sa.Column("weights_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_imported_models")),
        sa.UniqueConstraint("account_id", "region", "name", name="uq_imported_models_name"),
    )
    op.create_index("ix_imported_models_created_at", "imported_models", ["account_id", "region", "created_at"])
    op.create_table(
        "resource_policies",
        sa.Column("resource_arn", sa.String(length=1011), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("resource_arn", name=op.f("pk_resource_policies")),
    )
    op.create_table(
        "use_case_forms",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("form", sa.LargeBinary(), nullable=False),
        sa.Column("principal_arn", sa.String(length=2048), nullable=False),
        sa.Column("submitted_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_use_case_forms")),
    )
    op.create_table(
        "foundation_model_agreements",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("model_id", sa.String(length=140), nullable=False),
        sa.Column("offer_id", sa.String(length=64), nullable=False),
        sa.Column("weights", sa.JSON(), nullable=False),
        sa.Column("principal_arn", sa.String(length=2048), nullable=False),
        sa.Column("accepted_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "model_id", name=op.f("pk_foundation_model_agreements")),
    )


def downgrade() -> None:
    tables = ("foundation_model_agreements", "use_case_forms", "resource_policies", "imported_models", *JOB_TABLES)
    for table in tables:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for table in JOB_TABLES:
            op.execute(f"DROP FUNCTION {table}_terminal_status_is_final")
    # A model without a base is one that the schema before had no place for.
    op.execute("DELETE FROM custom_models WHERE base_model_arn IS NULL")
    with op.batch_alter_table("custom_models") as batch:
        batch.drop_index(op.f("ix_custom_models_status_lease_expires_at"))
        batch.drop_constraint("uq_custom_models_token", type_="unique")
        for column in (
            "crash_count",
            "lease_expires_at",
            "lease_owner",
            "attempt",
            "failure_message",
            "request_digest",
            "client_request_token",
        ):
            batch.drop_column(column)
        batch.alter_column("base_model_arn", existing_type=sa.String(length=1011), nullable=False)


def _job_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("arn", sa.String(length=1011), nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("client_request_token", sa.String(length=256), nullable=True),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("failure_message", sa.String(length=2048), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=128), nullable=True),
        sa.Column("lease_expires_at", UtcDateTime(), nullable=True),
        sa.Column("crash_count", sa.Integer(), nullable=False),
    ]


def _make_terminal_status_final(table: str) -> None:
    name = f"{table}_terminal_status_is_final"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"""
            CREATE FUNCTION {name}() RETURNS trigger AS $$
            BEGIN RAISE EXCEPTION 'a terminal status is final' USING ERRCODE = 'integrity_constraint_violation'; END
            $$ LANGUAGE plpgsql
            """
        )
        op.execute(
            f"""
            CREATE TRIGGER {name}
            BEFORE UPDATE OF status ON {table} FOR EACH ROW
            WHEN (OLD.status IN {TERMINAL} AND NEW.status <> OLD.status)
            EXECUTE FUNCTION {name}()
            """
        )
        return
    op.execute(
        f"""
        CREATE TRIGGER {name}
        BEFORE UPDATE OF status ON {table}
        WHEN OLD.status IN {TERMINAL} AND NEW.status <> OLD.status
        BEGIN SELECT RAISE(ABORT, 'a terminal status is final'); END
        """
    )
