import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from tanren.storage.database import Database, sqlite_url, upgrade
from tanren.storage.tables import metadata

LONGEST_NAME = 63
"""PostgreSQL cuts what is longer."""


def test_the_migrations_make_the_tables_that_the_code_expects(database):
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_every_table_can_be_made_in_postgresql(table):
    names = [table.name, *(index.name for index in table.indexes), *(c.name for c in table.constraints)]
    assert all(len(name) <= LONGEST_NAME for name in names)
    for statement in (CreateTable(table), *(CreateIndex(index) for index in table.indexes)):
        statement.compile(dialect=postgresql.dialect())


def test_a_migration_that_is_killed_in_the_middle_leaves_nothing_behind(tmp_path):
    """In a process of its own, which ends without a word after its third table."""
    url = sqlite_url(tmp_path / "tanren.db")
    program = """
import os, sys
from alembic import op
from tanren.storage.database import upgrade
made = op.create_table
count = []
def create_table(*arguments, **options):
    count.append(1)
    if len(count) == 4:
        os._exit(9)
    return made(*arguments, **options)
op.create_table = create_table
upgrade(sys.argv[1])
"""
    done = subprocess.run([sys.executable, "-c", program, url], check=False)
    assert done.returncode == 9
    upgrade(url)
    database = Database(url)
    with database.reading() as connection:
        assert set(metadata.tables) <= set(inspect(connection).get_table_names())
    database.close()
