"""Alembic's entry: runs the migrations over the URL that `storage.database.upgrade` hands in.

All of them in one transaction: a process that is killed in the middle leaves the schema that was there before.
"""

from alembic import context

from tanren.storage.columns import metadata
from tanren.storage.database import Database

database = Database(context.config.attributes["url"])
with database.writing() as connection:
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    context.run_migrations()
database.close()
