import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

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
