"""The first schema: jobs, models, throughputs, deployments, tags, metrics, events, engine hosts.

It creates the tables as `storage/tables.py` had them at this revision, and the trigger that makes a terminal status
final.
"""

from alembic import op

from tanren.storage.tables import TERMINAL_STATUS_TRIGGER, metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    connection = op.get_bind()
    metadata.create_all(connection)
    for statement in TERMINAL_STATUS_TRIGGER[connection.dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    metadata.drop_all(op.get_bind())
