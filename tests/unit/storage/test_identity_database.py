from collections.abc import Callable
from typing import Any

import pytest

from tanren.storage.database import Database
from tanren.storage.identity_database import GLANCE_SECONDS, IdentityDatabase


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def opened(database: Database, watch: Stopwatch) -> Callable[[], IdentityDatabase]:
    """One for each process that there might be."""
    return lambda: IdentityDatabase(database, monotonic=watch)


def test_a_change_moves_the_revision_on_at_once_here_and_within_half_a_second_elsewhere(
    opened: Callable[[], IdentityDatabase], watch: Stopwatch
) -> None:
    here, elsewhere = opened(), opened()
    before = here.revision()
    assert elsewhere.revision() == before
    with here.writing():
        pass
    assert here.revision() == before + 1
    watch.seconds += GLANCE_SECONDS / 2
    assert elsewhere.revision() == before
    watch.seconds += GLANCE_SECONDS / 2
    assert elsewhere.revision() == before + 1


def test_a_change_that_fails_leaves_the_revision(opened: Callable[[], IdentityDatabase]) -> None:
    identities = opened()
    before = identities.revision()
    with pytest.raises(ZeroDivisionError), identities.writing():
        raise ZeroDivisionError
    assert identities.revision() == before


def test_between_two_glances_the_database_is_not_asked(
    opened: Callable[[], IdentityDatabase], watch: Stopwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    identities = opened()
    identities.revision()

    def refuse(*_: Any) -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(Database, "reading", refuse)
    identities.revision()
    watch.seconds += GLANCE_SECONDS
    with pytest.raises(AssertionError, match="was asked"):
        identities.revision()
