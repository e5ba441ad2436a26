"""What a model answers while it learns.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "sample_records",
        sa.Column("job_arn", sa.String(length=1011), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("job_arn", "step", name=op.f("pk_sample_records")),
    )


def downgrade() -> None:
    op.drop_table("sample_records")
