"""Where invocation logs go, and the changes of state that jobs have still to announce.

Triggers note every change in the transaction that makes it, whoever makes it: a job cannot change its state unheard.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from tanren.storage.columns import UtcDateTime

revision = "0006"
down_revision = "0005"

MESSAGE_COLUMNS = {"customization_jobs": "failure_message", "model_invocation_jobs": "message"}
"""Table of jobs → its column with the reason of a failure."""


def upgrade() -> None:
    op.create_table(
        "invocation_logging_configurations",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("logging_config", sa.JSON(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "region", name=op.f("pk_invocation_logging_configurations")),
    )
    op.create_table(
        "job_state_changes",
        sa.Column("change_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("job_table", sa.String(length=32), nullable=False),
        sa.Column("job_arn", sa.String(length=1011), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("message", sa.String(length=2048), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_job_state_changes")),
    )
    note = _note_in_sqlite if op.get_bind().dialect.name == "sqlite" else _note_in_postgresql
    for table, message in MESSAGE_COLUMNS.items():
        for statement in note(table, message):
            op.execute(statement)


def _insert(table: str, message: str) -> str:
    return (
        "INSERT INTO job_state_changes (job_table, job_arn, status, message, changed_at) "
        f"VALUES ('{table}', NEW.arn, NEW.status, NEW.{message}, NEW.updated_at)"
    )


def _note_in_sqlite(table: str, message: str) -> list[str]:
    return [
        f"CREATE TRIGGER {table}_notes_its_first_state AFTER INSERT ON {table} BEGIN {_insert(table, message)}; END",
        f"CREATE TRIGGER {table}_notes_its_state AFTER UPDATE OF status ON {table} "
        f"WHEN OLD.status <> NEW.status BEGIN {_insert(table, message)}; END",
    ]


def _note_in_postgresql(table: str, message: str) -> list[str]:
    return [
        f"CREATE FUNCTION {table}_note_state() RETURNS trigger AS $$ "
        f"BEGIN {_insert(table, message)}; RETURN NULL; END $$ LANGUAGE plpgsql",
        f"CREATE TRIGGER {table}_notes_its_first_state AFTER INSERT ON {table} FOR EACH ROW "
        f"EXECUTE FUNCTION {table}_note_state()",
        f"CREATE TRIGGER {table}_notes_its_state AFTER UPDATE OF status ON {table} FOR EACH ROW "
        f"WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION {table}_note_state()",
    ]


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table in MESSAGE_COLUMNS:
        on_table = "" if is_sqlite else f" ON {table}"
        op.execute(f"DROP TRIGGER {table}_notes_its_state{on_table}")
        op.execute(f"DROP TRIGGER {table}_notes_its_first_state{on_table}")
        if not is_sqlite:
            op.execute(f"DROP FUNCTION {table}_note_state")
    op.drop_table("job_state_changes")
    op.drop_table("invocation_logging_configurations")
