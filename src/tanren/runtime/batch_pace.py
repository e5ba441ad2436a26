"""How many records of a batch job may be under way: enough to keep the engine full, few enough to leave it to others.

An engine has so many places; what is beyond them waits in its queue, online requests too, and each place that is taken
makes every answer slower. The pace looks at the engine every so often and moves as congestion control does:

    until a queue is first seen   double                  (how many places there are is not known yet)
    our own queue                 as many fewer as wait
    others are answered, or wait  a quarter fewer, or as many as they are; down to an eighth of the places
    nobody else, and no queue     more again, up to `share` of the places

Why      a record can wait and a caller cannot. The rest of the places is free for an online request at once; without
         it, the first of them would wait until a record ends.
"""

from typing import Final

FIRST_ALLOWED: Final = 4
LEAST_SHARE: Final = 1 / 8
"""Of the places: so that a job goes on beside callers that never pause."""
GROWTH: Final = 1 / 16
"""Of the places, at each look at which nobody else is there."""


class Pace:
    def __init__(self, *, most: int, share: float) -> None:
        """`most`: never more than so many. `share`: of the engine's places that records may take, above 0 to 1."""
        self._most = most
        self._share = share
        self._places: int | None = None
        """Of the engine: the most that it was seen to work on while others waited. None until something waited."""
        self.allowed = min(FIRST_ALLOWED, most)

    def observe(self, *, active_count: int, queued_count: int, under_way: int) -> None:
        """The engine's state at this moment, and how many of our records are in it."""
        if queued_count:
            self._places = max(self._places or 1, active_count)
        others = active_count + queued_count - under_way
        if others > 0:
            self._allow(self.allowed - max(others, self.allowed // 4))
        elif queued_count:
            self._allow(under_way - queued_count)
        elif under_way < self.allowed:
            return  # There are no more records to begin: nothing is learned.
        elif self._places is None:
            self._allow(self.allowed * 2)
        else:
            self._allow(self.allowed + max(1, int(self._places * GROWTH)))

    def refused(self) -> None:
        """The engine's queue was full."""
        self._allow(self.allowed // 2)

    def _allow(self, wanted: int) -> None:
        least, bound = 1, self._most
        if self._places is not None:
            bound = max(1, min(bound, int(self._places * self._share)))
            least = max(1, min(bound, int(self._places * LEAST_SHARE)))
        self.allowed = max(least, min(wanted, bound))
