"""A list is read in its order from an index: by creation time and then by ARN, which made each page sort once more.

Jobs have a second one, for those of a status among ten thousand others.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"

LISTED = (
    "customization_jobs",
    "custom_models",
    "model_import_jobs",
    "imported_models",
    "model_copy_jobs",
    "provisioned_throughputs",
    "custom_model_deployments",
    "model_invocation_jobs",
)
SCOPE = ["account_id", "region"]


def upgrade() -> None:
    for table in LISTED:
        name = f"ix_{table}_created_at"
        op.drop_index(name, table_name=table)
        op.create_index(name, table, [*SCOPE, "created_at", "arn"])
    op.create_index("ix_customization_jobs_status", "customization_jobs", [*SCOPE, "status", "created_at", "arn"])


def downgrade() -> None:
    op.drop_index("ix_customization_jobs_status", table_name="customization_jobs")
    for table in LISTED:
        name = f"ix_{table}_created_at"
        op.drop_index(name, table_name=table)
        op.create_index(name, table, [*SCOPE, "created_at"])
