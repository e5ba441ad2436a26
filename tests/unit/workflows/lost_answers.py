"""A connection to the database that breaks after a transaction has happened, before it is told so."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest

from tanren.storage.database import Database


class ConnectionBroke(Exception):
    pass


def lose_the_answer_of(monkeypatch: pytest.MonkeyPatch, is_written: Callable[[], bool]) -> list[str]:
    """The first transaction after which this is so raises, and has happened all the same.

    Returns   what was lost, to be looked at afterwards.
    """
    written: Any = Database.writing
    lost: list[str] = []

    @contextmanager
    def writing(self: Database) -> Generator[Any]:
        with written(self) as connection:
            yield connection
        if not lost and is_written():
            lost.append("an answer")
            raise ConnectionBroke("the server closed the connection unexpectedly")

    monkeypatch.setattr(Database, "writing", writing)
    return lost
