import pytest
from sqlalchemy import insert

from tanren.domain.scope import Scope
from tanren.runtime.placement_memory import MOST_REMEMBERED, PlacementMemory
from tanren.storage.database import Database
from tanren.storage.tables import tags


def write(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(insert(tags).values(resource_arn="arn:x", key="k", value="v"))


@pytest.mark.sqlite
def test_what_was_found_is_recalled_for_its_own_scope_and_id_until_anybody_writes(database: Database, scope: Scope):
    memory: PlacementMemory[str] = PlacementMemory(database)
    memory.keep(memory.question(scope, "m"), "found")
    assert memory.recall(memory.question(scope, "m")) == "found"
    assert memory.recall(memory.question(scope, "other")) is None
    assert memory.recall(memory.question(Scope(account_id="210987654321", region=scope.region), "m")) is None
    other = Database(database.engine.url)
    write(other)
    other.close()
    assert memory.recall(memory.question(scope, "m")) is None


@pytest.mark.sqlite
def test_what_was_read_while_somebody_wrote_is_not_recalled(database: Database, scope: Scope):
    memory: PlacementMemory[str] = PlacementMemory(database)
    question = memory.question(scope, "m")
    write(database)
    memory.keep(question, "found")
    assert memory.recall(memory.question(scope, "m")) is None


@pytest.mark.sqlite
def test_no_more_is_remembered_than_its_bound(database: Database, scope: Scope):
    memory: PlacementMemory[int] = PlacementMemory(database)
    for number in range(MOST_REMEMBERED + 1):
        memory.keep(memory.question(scope, str(number)), number)
    assert len(memory._found) == 1


def test_without_a_version_nothing_is_remembered(scope: Scope):
    memory: PlacementMemory[str] = PlacementMemory(Database("sqlite://"))
    memory.keep(memory.question(scope, "m"), "found")
    assert memory.recall(memory.question(scope, "m")) is None
