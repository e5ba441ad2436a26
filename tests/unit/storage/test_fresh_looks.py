import pytest
from sqlalchemy import insert

from tanren.storage.database import Database
from tanren.storage.fresh_looks import FreshLooks
from tanren.storage.tables import tags


class Seconds:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def write(database: Database, key: str) -> None:
    with database.writing() as connection:
        connection.execute(insert(tags).values(resource_arn="arn:x", key=key, value="v"))


@pytest.mark.sqlite
def test_a_look_is_due_at_first_after_a_write_by_whoever_and_after_a_while(database, seconds):
    looks = FreshLooks(database, at_least_every=1.0, clock=seconds)
    assert looks.is_due()
    assert not looks.is_due()
    write(database, "own")
    assert looks.is_due()
    assert not looks.is_due()
    other = Database(database.engine.url)
    write(other, "another's")
    other.close()
    assert looks.is_due()
    seconds.now += 0.9
    assert not looks.is_due()
    seconds.now += 0.2
    assert looks.is_due()
    assert not looks.is_due()


def test_where_nobody_can_tell_whether_anything_was_written_every_look_is_due():
    looks = FreshLooks(Database("sqlite://"), at_least_every=60.0)
    assert [looks.is_due() for _ in range(3)] == [True] * 3
