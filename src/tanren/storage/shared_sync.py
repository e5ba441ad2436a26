"""One sync of a file for all who wait for one at the same time.

How      whoever asks first while none is being prepared leads the next sync: he waits until the one under way has
         ended, and then syncs for all who have asked by then. Nobody is served by a sync that began before he asked,
         since what he has written might not be in it. Where a sync fails, all whom it would have served are told: the
         system tells of a lost page once, so a second try that works would prove nothing.
Cost     nobody waits for more than two syncs.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future


class SharedSync:
    """Called after a write; returns when that is on the disk. May be called from any thread."""

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._under_way = threading.Lock()
        self._joining = threading.Lock()
        self._next: Future[None] | None = None

    def __call__(self) -> None:
        """Raises   what `sync` raises."""
        with self._joining:
            leads = self._next is None
            mine = self._next = self._next or Future()
        if leads:
            with self._under_way:
                with self._joining:
                    self._next = None
                try:
                    self._sync()
                except BaseException as error:
                    mine.set_exception(error)
                else:
                    mine.set_result(None)
        mine.result()
