"""Spares looks at a store that nobody has written to since the last one, which found nothing.

An idle process that asks its tables ten times a second takes some percent of a processor, and, where the processors are
busy with an answer, holds the answer up. Asking whether anybody has written costs microseconds.
"""

import time
from collections.abc import Callable

from tanren.storage.database import Database


class FreshLooks:
    def __init__(
        self, database: Database, *, at_least_every: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`at_least_every`: seconds, for what comes with time alone, as the end of a lease does."""
        self._database = database
        self._at_least_every = at_least_every
        self._clock = clock
        self._version: int | None = None
        self._looked_at: float | None = None

    def is_due(self) -> bool:
        """Whether a look may find what the last one did not; then it is taken as made. Asked before the look, so that
        what is written during it is seen by the next."""
        version, now = self._database.version(), self._clock()
        is_old = self._looked_at is None or now - self._looked_at >= self._at_least_every
        if version is not None and version == self._version and not is_old:
            return False
        self._version, self._looked_at = version, now
        return True
