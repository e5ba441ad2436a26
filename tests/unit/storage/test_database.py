import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, insert, select

from tanren.domain.errors import ValidationFailed
from tanren.storage.database import Database, _read_json
from tanren.storage.tables import tags

WRITTEN = ['{"a": [1, 2.5, "é", null, true]}', '{"loss": NaN}', "[Infinity, -1e999]", '"\\ud800"', str(10**30), "0.1"]


@pytest.mark.parametrize("text", WRITTEN)
def test_a_json_column_reads_what_python_wrote(text: str) -> None:
    assert repr(_read_json(text)) == repr(json.loads(text))


@pytest.mark.sqlite
def test_what_was_written_is_synced_before_writing_returns_and_nothing_is_synced_for_what_was_not(
    database, monkeypatch
):
    synced = []

    def note_size(descriptor):
        synced.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fdatasync", note_size)
    with database.writing() as connection:
        connection.execute(insert(tags).values(resource_arn="arn:x", key="k", value="v"))
        assert synced == []
    assert len(synced) == 1
    assert synced[0] > 0
    with pytest.raises(ZeroDivisionError), database.writing():
        _ = 1 / 0
    assert len(synced) == 1


@pytest.mark.sqlite
def test_the_version_is_another_after_each_commit_by_whoever_and_the_same_after_anything_else(database):
    def write(to):
        with to.writing() as connection:
            connection.execute(insert(tags).values(resource_arn="arn:x", key=str(len(seen)), value="v"))

    seen = [database.version()]
    with database.reading() as connection:
        connection.execute(select(tags)).all()
    with pytest.raises(ZeroDivisionError), database.writing():
        _ = 1 / 0
    assert database.version() == seen[0]
    other = Database(database.engine.url)
    for writer in (database, other, database):
        write(writer)
        seen.append(database.version())
    other.close()
    assert None not in seen
    assert len(set(seen)) == len(seen)


def test_a_database_in_memory_has_no_version():
    assert Database("sqlite://").version() is None


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("nonsense", "no URL of a database"),
        ("gopher://host/tanren", "no URL of a database"),
        ("mysql+mysqldb://host/tanren", r"driver MySQLdb, which is not installed: pip install 'tanren\[postgresql\]'"),
    ],
)
def test_a_database_that_cannot_be_spoken_to_is_refused_with_what_to_do(url, text):
    with pytest.raises(ValidationFailed, match=text):
        Database(url)


def test_many_threads_write_by_turns_and_all_of_it_is_kept(database):
    def write(number):
        with database.writing() as connection:
            connection.execute(insert(tags).values(resource_arn=f"arn:{number}", key="k", value="v"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(64)))
    with database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(tags)).scalar_one() == 64


def test_what_is_written_while_reading_is_not_kept(database):
    with database.reading() as connection:
        connection.execute(insert(tags).values(resource_arn="arn:x", key="k", value="v"))
    with database.reading() as connection:
        assert connection.execute(select(tags)).all() == []
