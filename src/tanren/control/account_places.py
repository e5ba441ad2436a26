"""So many of something at a time for each account, so that none can take all there are from the others."""

import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from tanren.domain.errors import Throttled


class AccountPlaces:
    """Counted in this process. Safe in threads."""

    def __init__(self, most: int, *, of: str) -> None:
        """`of` is what a place is for, in the plural, as messages call it."""
        self._most = most
        self._of = of
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def place(self, account_id: str) -> Generator[None]:
        """A place, for as long as the block lasts. Raises   Throttled where the account has taken all of its own."""
        with self._lock:
            if self._taken[account_id] >= self._most:
                raise Throttled(
                    f"{self._most} {self._of} of account {account_id} are under way, which is the most at a time; try "
                    "again when one has ended."
                )
            self._taken[account_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[account_id] -= 1
                if not self._taken[account_id]:
                    del self._taken[account_id]
