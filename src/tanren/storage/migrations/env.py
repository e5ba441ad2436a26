"""Alembic's entry: runs the migrations over the URL that `storage.database.upgrade` hands in."""

from alembic import context
from sqlalchemy import create_engine

from tanren.storage.tables import metadata

with create_engine(context.config.attributes["url"]).begin() as connection:
    context.configure(connection=connection, target_metadata=metadata)
    context.run_migrations()
