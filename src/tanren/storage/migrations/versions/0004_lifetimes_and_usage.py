"""Resources that delete themselves, engine hosts that are unloaded when nobody asks them, and what was used.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from tanren.storage.columns import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "resource_expiries",
        sa.Column("resource_arn", sa.String(length=1011), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("resource_arn", name=op.f("pk_resource_expiries")),
    )
    op.create_index(op.f("ix_resource_expiries_expires_at"), "resource_expiries", ["expires_at"])
    op.create_table(
        "usage",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("resource_arn", sa.String(length=1011), nullable=False),
        sa.Column("model_arn", sa.String(length=1011), nullable=False),
        sa.Column("minute", UtcDateTime(), nullable=False),
        sa.Column("request_count", sa.BigInteger(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("generation_seconds", sa.Float(), nullable=False),
        sa.Column("unit_seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "region", "resource_arn", "model_arn", "minute", name=op.f("pk_usage")),
    )
    op.create_index(op.f("ix_usage_minute"), "usage", ["minute"])
    op.add_column("engine_hosts", sa.Column("used_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("engine_hosts", "used_at")
    op.drop_table("usage")
    op.drop_table("resource_expiries")
