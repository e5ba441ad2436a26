"""What an evaluation job of a customization job has found about its model.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("evaluation_jobs", sa.Column("findings", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("evaluation_jobs", "findings")
