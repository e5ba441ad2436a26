"""What the rows said of a model id, for as long as nothing has been written to the store since.

Every request asks where its model id leads, and a store that nobody has changed says the same again. A change by
whichever process is seen at the next question, since the store's own number of it is asked each time.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from tanren.domain.scope import Scope
from tanren.storage.database import Database

MOST_REMEMBERED = 1024
"""Model ids."""

FoundT = TypeVar("FoundT")


@dataclass(frozen=True, slots=True)
class Question:
    """Taken before the rows are read: what is written meanwhile makes the answer an old one."""

    scope: Scope
    model_id: str
    version: int | None


class PlacementMemory(Generic[FoundT]):
    def __init__(self, database: Database) -> None:
        self._database = database
        self._version: int | None = None
        self._found: dict[tuple[Scope, str], FoundT] = {}
        """What was read at `_version`."""

    def question(self, scope: Scope, model_id: str) -> Question:
        return Question(scope, model_id, self._database.version())

    def recall(self, question: Question) -> FoundT | None:
        if question.version is None or question.version != self._version:
            return None
        return self._found.get((question.scope, question.model_id))

    def keep(self, question: Question, found: FoundT) -> None:
        """`found`: what was read after the question was taken."""
        if question.version is None:
            return
        if question.version != self._version or len(self._found) >= MOST_REMEMBERED:
            self._version, self._found = question.version, {}
        self._found[question.scope, question.model_id] = found
