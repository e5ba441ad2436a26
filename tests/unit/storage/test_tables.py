import subprocess
import sys

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import insert, inspect, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from tanren.storage import identity_tables, migrations, tables
from tanren.storage.database import Database, sqlite_url, upgrade
from tanren.storage.tables import provisioned_throughputs, tags

(metadata,) = {tables.metadata, identity_tables.metadata}
"""One for both modules, so that none of their tables is forgotten here."""
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


def test_what_was_measured_of_a_throughput_is_no_tag_of_it_any_more(tmp_path):
    url = sqlite_url(tmp_path / "tanren.db")
    _upgrade_to("0009", url)
    moment = "2026-11-21 12:00:00.000000"
    values = {
        "arn": "arn:measured",
        "account_id": "123456789012",
        "region": "us-east-1",
        "provisioned_id": "a" * 12,
        "name": "pt",
        "request_digest": "",
        "model_units": 1,
        "model_arn": "m",
        "desired_model_arn": "m",
        "foundation_model_id": "f",
        "status": "InService",
        "created_at": moment,
        "updated_at": moment,
    }
    database = Database(url)
    with database.writing() as connection:
        places = ", ".join(f":{name}" for name in values)
        connection.execute(text(f"INSERT INTO provisioned_throughputs ({', '.join(values)}) VALUES ({places})"), values)
        for key, value in (("team", "forge"), ("tanren:tokens-per-minute", "21500")):
            connection.execute(insert(tags).values(resource_arn="arn:measured", key=key, value=value))
    upgrade(url)
    with database.reading() as connection:
        assert connection.execute(select(provisioned_throughputs.c.tokens_per_minute)).scalar_one() == 21500
        assert connection.execute(select(tags.c.key)).scalars().all() == ["team"]
    database.close()


def _upgrade_to(revision, url):
    config = Config()
    config.set_main_option("script_location", migrations.__path__[0])
    config.attributes["url"] = url
    command.upgrade(config, revision)


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
