"""The first schema: jobs, models, throughputs, deployments, tags, metrics, events, engine hosts.

The trigger makes a terminal status of a job final in the store itself.
"""

import sqlalchemy as sa
from alembic import op

from tanren.storage.columns import UtcDateTime

revision = "0001"
down_revision = None

TERMINAL_STATUS_IS_FINAL = {
    "sqlite": (
        """
        CREATE TRIGGER customization_jobs_terminal_status_is_final
        BEFORE UPDATE OF status ON customization_jobs
        WHEN OLD.status IN ('Completed', 'Failed', 'Stopped') AND NEW.status <> OLD.status
        BEGIN SELECT RAISE(ABORT, 'a terminal status is final'); END
        """,
    ),
    "postgresql": (
        """
        CREATE FUNCTION customization_jobs_terminal_status_is_final() RETURNS trigger AS $$
        BEGIN RAISE EXCEPTION 'a terminal status is final' USING ERRCODE = 'integrity_constraint_violation'; END
        $$ LANGUAGE plpgsql
        """,
        """
        CREATE TRIGGER customization_jobs_terminal_status_is_final
        BEFORE UPDATE OF status ON customization_jobs FOR EACH ROW
        WHEN (OLD.status IN ('Completed', 'Failed', 'Stopped') AND NEW.status <> OLD.status)
        EXECUTE FUNCTION customization_jobs_terminal_status_is_final()
        """,
    ),
}


def upgrade() -> None:

    op.create_table(
        "custom_model_deployments",
        sa.Column("arn", sa.String(length=1011), nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("deployment_id", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("client_request_token", sa.String(length=256), nullable=True),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=2048), nullable=True),
        sa.Column("model_arn", sa.String(length=1011), nullable=False),
        sa.Column("update_model_arn", sa.String(length=1011), nullable=True),
        sa.Column("update_status", sa.String(length=16), nullable=True),
        sa.Column("foundation_model_id", sa.String(length=140), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("failure_message", sa.String(length=2048), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_custom_model_deployments")),
        sa.UniqueConstraint(
            "account_id",
            "region",
            "client_request_token",
            name=op.f("uq_custom_model_deployments_token"),
        ),
        sa.UniqueConstraint("account_id", "region", "name", name=op.f("uq_custom_model_deployments_name")),
    )
    op.create_index(
        op.f("ix_custom_model_deployments_created_at"),
        "custom_model_deployments",
        ["account_id", "region", "created_at"],
        unique=False,
    )
    op.create_index(op.f("ix_custom_model_deployments_status"), "custom_model_deployments", ["status"], unique=False)
    op.create_table(
        "custom_models",
        sa.Column("arn", sa.String(length=1011), nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("model_id", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("job_arn", sa.String(length=1011), nullable=True),
        sa.Column("job_name", sa.String(length=63), nullable=True),
        sa.Column("base_model_arn", sa.String(length=1011), nullable=False),
        sa.Column("foundation_model_id", sa.String(length=140), nullable=False),
        sa.Column("customization_type", sa.String(length=32), nullable=False),
        sa.Column("hyperparameters", sa.JSON(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("artifact_path", sa.String(length=1024), nullable=False),
        sa.Column("artifact_sha256", sa.String(length=64), nullable=False),
        sa.Column("training_loss", sa.Float(), nullable=True),
        sa.Column("validation_losses", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_custom_models")),
        sa.UniqueConstraint("account_id", "region", "name", name=op.f("uq_custom_models_name")),
    )
    op.create_index(
        op.f("ix_custom_models_created_at"),
        "custom_models",
        ["account_id", "region", "created_at"],
        unique=False,
    )
    op.create_table(
        "customization_jobs",
        sa.Column("arn", sa.String(length=1011), nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("output_model_name", sa.String(length=63), nullable=False),
        sa.Column("role_arn", sa.String(length=2048), nullable=False),
        sa.Column("client_request_token", sa.String(length=256), nullable=True),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("customization_type", sa.String(length=32), nullable=False),
        sa.Column("base_model_arn", sa.String(length=1011), nullable=False),
        sa.Column("foundation_model_id", sa.String(length=140), nullable=False),
        sa.Column("hyperparameters", sa.JSON(), nullable=False),
        sa.Column("training_s3_uri", sa.String(length=1024), nullable=False),
        sa.Column("validation_s3_uris", sa.JSON(), nullable=False),
        sa.Column("output_s3_uri", sa.String(length=1024), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("phases", sa.JSON(), nullable=False),
        sa.Column("failure_message", sa.String(length=2048), nullable=True),
        sa.Column("output_model_arn", sa.String(length=1011), nullable=True),
        sa.Column("training_loss", sa.Float(), nullable=True),
        sa.Column("validation_losses", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=128), nullable=True),
        sa.Column("lease_expires_at", UtcDateTime(), nullable=True),
        sa.Column("crash_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_customization_jobs")),
        sa.UniqueConstraint(
            "account_id",
            "region",
            "client_request_token",
            name=op.f("uq_customization_jobs_token"),
        ),
        sa.UniqueConstraint("account_id", "region", "name", name=op.f("uq_customization_jobs_name")),
    )
    op.create_index(
        op.f("ix_customization_jobs_created_at"),
        "customization_jobs",
        ["account_id", "region", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_customization_jobs_status_lease_expires_at"),
        "customization_jobs",
        ["status", "lease_expires_at"],
        unique=False,
    )
    op.create_index(
        "uq_customization_jobs_running_output_name",
        "customization_jobs",
        ["account_id", "region", "output_model_name"],
        unique=True,
        sqlite_where=sa.text("status IN ('InProgress', 'Stopping')"),
        postgresql_where=sa.text("status IN ('InProgress', 'Stopping')"),
    )
    op.create_table(
        "engine_hosts",
        sa.Column("base_folder", sa.String(length=1024), nullable=False),
        sa.Column("socket_path", sa.String(length=1024), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("failure_message", sa.String(length=2048), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("base_folder", name=op.f("pk_engine_hosts")),
    )
    op.create_table(
        "job_events",
        sa.Column("event_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("job_arn", sa.String(length=1011), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_job_events")),
    )
    op.create_index(op.f("ix_job_events_job_arn_event_id"), "job_events", ["job_arn", "event_id"], unique=False)
    op.create_table(
        "provisioned_throughputs",
        sa.Column("arn", sa.String(length=1011), nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("provisioned_id", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("client_request_token", sa.String(length=256), nullable=True),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("model_units", sa.Integer(), nullable=False),
        sa.Column("model_arn", sa.String(length=1011), nullable=False),
        sa.Column("desired_model_arn", sa.String(length=1011), nullable=False),
        sa.Column("foundation_model_id", sa.String(length=140), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("failure_message", sa.String(length=2048), nullable=True),
        sa.Column("commitment_duration", sa.String(length=16), nullable=True),
        sa.Column("commitment_expires_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_provisioned_throughputs")),
        sa.UniqueConstraint(
            "account_id",
            "region",
            "client_request_token",
            name=op.f("uq_provisioned_throughputs_token"),
        ),
        sa.UniqueConstraint("account_id", "region", "name", name=op.f("uq_provisioned_throughputs_name")),
    )
    op.create_index(
        op.f("ix_provisioned_throughputs_created_at"),
        "provisioned_throughputs",
        ["account_id", "region", "created_at"],
        unique=False,
    )
    op.create_index(op.f("ix_provisioned_throughputs_status"), "provisioned_throughputs", ["status"], unique=False)
    op.create_table(
        "step_records",
        sa.Column("job_arn", sa.String(length=1011), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("job_arn", "step", name=op.f("pk_step_records")),
    )
    op.create_table(
        "tags",
        sa.Column("resource_arn", sa.String(length=1011), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("value", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("resource_arn", "key", name=op.f("pk_tags")),
    )
    op.create_table(
        "validation_records",
        sa.Column("job_arn", sa.String(length=1011), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("job_arn", "step", name=op.f("pk_validation_records")),
    )
    for statement in TERMINAL_STATUS_IS_FINAL[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    for table in [
        "custom_model_deployments",
        "custom_models",
        "customization_jobs",
        "engine_hosts",
        "job_events",
        "provisioned_throughputs",
        "step_records",
        "tags",
        "validation_records",
    ]:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION customization_jobs_terminal_status_is_final")
