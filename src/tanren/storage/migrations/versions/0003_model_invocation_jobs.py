"""Batch inference: jobs that put a file of records to a model.

The trigger makes a terminal status of a job final in the store itself, as that of customization jobs does.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from tanren.storage.columns import UtcDateTime

revision = "0003"
down_revision = "0002"

TERMINAL = "('Completed', 'PartiallyCompleted', 'Failed', 'Stopped', 'Expired')"

TERMINAL_STATUS_IS_FINAL = {
    "sqlite": (
        f"""
        CREATE TRIGGER model_invocation_jobs_terminal_status_is_final
        BEFORE UPDATE OF status ON model_invocation_jobs
        WHEN OLD.status IN {TERMINAL} AND NEW.status <> OLD.status
        BEGIN SELECT RAISE(ABORT, 'a terminal status is final'); END
        """,
    ),
    "postgresql": (
        """
        CREATE FUNCTION model_invocation_jobs_terminal_status_is_final() RETURNS trigger AS $$
        BEGIN RAISE EXCEPTION 'a terminal status is final' USING ERRCODE = 'integrity_constraint_violation'; END
        $$ LANGUAGE plpgsql
        """,
        f"""
        CREATE TRIGGER model_invocation_jobs_terminal_status_is_final
        BEFORE UPDATE OF status ON model_invocation_jobs FOR EACH ROW
        WHEN (OLD.status IN {TERMINAL} AND NEW.status <> OLD.status)
        EXECUTE FUNCTION model_invocation_jobs_terminal_status_is_final()
        """,
    ),
}


def upgrade() -> None:
    op.create_table(
        "model_invocation_jobs",
        sa.Column("arn", sa.String(length=1011), nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("client_request_token", sa.String(length=256), nullable=True),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("role_arn", sa.String(length=2048), nullable=False),
        sa.Column("model_id", sa.String(length=2048), nullable=False),
        sa.Column("model_arn", sa.String(length=1011), nullable=False),
        sa.Column("invocation_type", sa.String(length=16), nullable=False),
        sa.Column("input_s3_uri", sa.String(length=1024), nullable=False),
        sa.Column("output_s3_uri", sa.String(length=1024), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("message", sa.String(length=2048), nullable=True),
        sa.Column("total_records", sa.BigInteger(), nullable=False),
        sa.Column("succeeded_records", sa.BigInteger(), nullable=False),
        sa.Column("failed_records", sa.BigInteger(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("timeout_hours", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=128), nullable=True),
        sa.Column("lease_expires_at", UtcDateTime(), nullable=True),
        sa.Column("crash_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_model_invocation_jobs")),
        sa.UniqueConstraint("account_id", "region", "client_request_token", name="uq_model_invocation_jobs_token"),
        sa.UniqueConstraint("account_id", "region", "name", name="uq_model_invocation_jobs_name"),
    )
    op.create_index(
        op.f("ix_model_invocation_jobs_created_at"), "model_invocation_jobs", ["account_id", "region", "created_at"]
    )
    op.create_index(
        op.f("ix_model_invocation_jobs_status_lease_expires_at"),
        "model_invocation_jobs",
        ["status", "lease_expires_at"],
    )
    for statement in TERMINAL_STATUS_IS_FINAL[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("model_invocation_jobs")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION model_invocation_jobs_terminal_status_is_final")
