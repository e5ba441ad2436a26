"""What a throughput has been measured to make is a column of its own: its tags are its owner's alone.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

FORMER_TAG = "tanren:tokens-per-minute"


def upgrade() -> None:
    op.add_column("provisioned_throughputs", sa.Column("tokens_per_minute", sa.Integer(), nullable=True))
    throughputs = sa.table("provisioned_throughputs", sa.column("arn"), sa.column("tokens_per_minute"))
    tags = sa.table("tags", sa.column("resource_arn"), sa.column("key"), sa.column("value"))
    connection = op.get_bind()
    measured = sa.select(tags.c.resource_arn, tags.c.value).where(tags.c.key == FORMER_TAG)
    for arn, tokens_per_minute in connection.execute(measured).all():
        values = {"tokens_per_minute": int(tokens_per_minute)}
        connection.execute(sa.update(throughputs).where(throughputs.c.arn == arn).values(values))
    connection.execute(sa.delete(tags).where(tags.c.key == FORMER_TAG))


def downgrade() -> None:
    op.drop_column("provisioned_throughputs", "tokens_per_minute")
