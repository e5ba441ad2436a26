"""The adapters that an engine holds, by digest; the one unused for longest goes when there is no room.

Who uses an adapter borrows it: a *loan* keeps it in memory until it is given back. What is on loan is not evicted, and
an adapter that is dropped meanwhile is no longer found, but let go only with its last loan. So a handle that `let_go`
receives is named by nobody.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from tanren.domain.errors import Throttled
from tanren.serving.protocol import AdapterRef


class Sized(Protocol):
    @property
    def size_bytes(self) -> int: ...


AdapterT = TypeVar("AdapterT", bound=Sized)


@dataclass(slots=True, eq=False)
class _Held(Generic[AdapterT]):
    """An adapter in memory. Changed under the cache's lock only."""

    adapter: AdapterT
    loan_count: int = 0
    is_dropped: bool = False
    """No longer found; let go with its last loan."""


class Loan(Generic[AdapterT]):
    """The right to use an adapter."""

    def __init__(self, cache: "AdapterCache[AdapterT]", held: _Held[AdapterT]) -> None:
        self._cache = cache
        self._held = held
        self._is_given_back = False
        self.adapter = held.adapter

    def give_back(self) -> None:
        """Ends the loan; more than once is once."""
        if not self._is_given_back:
            self._is_given_back = True
            self._cache.returned(self._held)


class AdapterCache(Generic[AdapterT]):
    """Loads on demand, each digest once, and never answers with anything but the adapter that was asked for."""

    def __init__(
        self,
        load: Callable[[AdapterRef], AdapterT],
        *,
        capacity: int,
        let_go: Callable[[AdapterT], None] = lambda adapter: None,
    ) -> None:
        """`load` checks the digest and raises where the adapter cannot be used; then nothing is kept. `let_go` is told
        of every adapter whose memory may be freed, on whichever thread gave it up, without a lock held."""
        self._load = load
        self._let_go = let_go
        self._capacity = capacity
        self._resident: OrderedDict[str, _Held[AdapterT]] = OrderedDict()
        self._lent_though_dropped: set[_Held[AdapterT]] = set()
        self._lock = threading.Lock()
        self._loading = threading.Lock()

    def borrow(self, adapter: AdapterRef) -> Loan[AdapterT]:
        """A loan of the adapter, loaded if it is not resident; it is now the last to go.

        Raises   what `load` raises; Throttled if as many others as there is room for are all in use.
        """
        found = self._find(adapter.sha256)
        if found is not None:
            return found
        with self._loading:
            # Another thread may have loaded it while this one waited.
            found = self._find(adapter.sha256)
            if found is not None:
                return found
            with self._lock:
                self._check_room()  # before the work below, and once more after it
            loaded = self._load(adapter)
            try:
                return self._place(adapter.sha256, loaded)
            except Throttled:
                self._let_go(loaded)
                raise

    def drop(self, adapter: AdapterRef) -> None:
        with self._lock:
            held = self._resident.pop(adapter.sha256, None)
            freed = [] if held is None else self._dropped(held)
        self._let_all_go(freed)

    def returned(self, held: _Held[AdapterT]) -> None:
        """A loan has ended. Called by the loan."""
        with self._lock:
            held.loan_count -= 1
            freed = [held.adapter] if held.is_dropped and held.loan_count == 0 else []
            if freed:
                self._lent_though_dropped.remove(held)
        self._let_all_go(freed)

    def resident(self) -> tuple[str, ...]:
        """Digests, least recently used first."""
        with self._lock:
            return tuple(self._resident)

    def size_bytes(self) -> int:
        """Of all that is in memory, what is on loan after it was dropped included."""
        with self._lock:
            held = [*self._resident.values(), *self._lent_though_dropped]
            return sum(each.adapter.size_bytes for each in held)

    def _find(self, sha256: str) -> Loan[AdapterT] | None:
        with self._lock:
            held = self._resident.get(sha256)
            if held is None:
                return None
            self._resident.move_to_end(sha256)
            held.loan_count += 1
            return Loan(self, held)

    def _place(self, sha256: str, loaded: AdapterT) -> Loan[AdapterT]:
        with self._lock:
            self._check_room()
            freed: list[AdapterT] = []
            for other in [name for name, held in self._resident.items() if held.loan_count == 0]:
                if len(self._resident) < self._capacity:
                    break
                freed += self._dropped(self._resident.pop(other))
            held = self._resident[sha256] = _Held(loaded, loan_count=1)
        self._let_all_go(freed)
        return Loan(self, held)

    def _check_room(self) -> None:
        if len(self._resident) >= self._capacity and all(held.loan_count for held in self._resident.values()):
            raise Throttled(
                f"Too many requests, please wait before trying again. {self._capacity} adapters are in use, which is "
                "as many as this engine host holds at once."
            )

    def _dropped(self, held: _Held[AdapterT]) -> list[AdapterT]:
        """What may be let go now that it is no longer resident."""
        held.is_dropped = True
        if held.loan_count == 0:
            return [held.adapter]
        self._lent_though_dropped.add(held)
        return []

    def _let_all_go(self, adapters: list[AdapterT]) -> None:
        for each in adapters:
            self._let_go(each)
