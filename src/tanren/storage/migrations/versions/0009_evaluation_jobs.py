"""Evaluation jobs: jobs that put a data set of prompts to a model and score its answers.

The trigger makes a terminal status of a job final in the store itself, as those of the other jobs do; the row of a job
that has ended can be deleted.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

from tanren.storage.columns import UtcDateTime

revision = "0009"
down_revision = "0008"

TERMINAL = "('Completed', 'Failed', 'Stopped')"

TERMINAL_STATUS_IS_FINAL = {
    "sqlite": (
        f"""
        CREATE TRIGGER evaluation_jobs_terminal_status_is_final
        BEFORE UPDATE OF status ON evaluation_jobs
        WHEN OLD.status IN {TERMINAL} AND NEW.status <> OLD.status
        BEGIN SELECT RAISE(ABORT, 'a terminal status is final'); END
        """,
    ),
    "postgresql": (
        """
        CREATE FUNCTION evaluation_jobs_terminal_status_is_final() RETURNS trigger AS $$
        BEGIN RAISE EXCEPTION 'a terminal status is final' USING ERRCODE = 'integrity_constraint_violation'; END
        $$ LANGUAGE plpgsql
        """,
        f"""
        CREATE TRIGGER evaluation_jobs_terminal_status_is_final
        BEFORE UPDATE OF status ON evaluation_jobs FOR EACH ROW
        WHEN (OLD.status IN {TERMINAL} AND NEW.status <> OLD.status)
        EXECUTE FUNCTION evaluation_jobs_terminal_status_is_final()
        """,
    ),
}


def upgrade() -> None:
    op.create_table(
        "evaluation_jobs",
        sa.Column("arn", sa.String(length=1011), nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("client_request_token", sa.String(length=256), nullable=True),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("role_arn", sa.String(length=2048), nullable=False),
        sa.Column("application_type", sa.String(length=32), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("model_arns", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("failure_messages", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=128), nullable=True),
        sa.Column("lease_expires_at", UtcDateTime(), nullable=True),
        sa.Column("crash_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_evaluation_jobs")),
        sa.UniqueConstraint("account_id", "region", "client_request_token", name="uq_evaluation_jobs_token"),
        sa.UniqueConstraint("account_id", "region", "name", name="uq_evaluation_jobs_name"),
    )
    op.create_index("ix_evaluation_jobs_created_at", "evaluation_jobs", ["account_id", "region", "created_at", "arn"])
    op.create_index(
        op.f("ix_evaluation_jobs_status_lease_expires_at"), "evaluation_jobs", ["status", "lease_expires_at"]
    )
    for statement in TERMINAL_STATUS_IS_FINAL[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("evaluation_jobs")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION evaluation_jobs_terminal_status_is_final")
