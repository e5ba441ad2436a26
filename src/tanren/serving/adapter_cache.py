"""The adapters that an engine holds, by digest; the one unused for longest goes when there is no room.

No pins are needed: a sequence keeps the adapter that it began with, so eviction takes it from the cache and not from
the sequences. Its memory is free when the last of them ends.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from tanren.serving.protocol import AdapterRef


class Sized(Protocol):
    @property
    def size_bytes(self) -> int: ...


AdapterT = TypeVar("AdapterT", bound=Sized)


class AdapterCache(Generic[AdapterT]):
    """Loads on demand, each digest once, and never answers with anything but the adapter that was asked for."""

    def __init__(self, load: Callable[[AdapterRef], AdapterT], *, capacity: int) -> None:
        """`load` checks the digest and raises where the adapter cannot be used; then nothing is kept."""
        self._load = load
        self._capacity = capacity
        self._resident: OrderedDict[str, AdapterT] = OrderedDict()
        self._lock = threading.Lock()
        self._loading = threading.Lock()

    def get(self, adapter: AdapterRef) -> AdapterT:
        """The adapter, loaded if it is not resident; it is now the last to go. Raises   what `load` raises."""
        found = self._find(adapter.sha256)
        if found is not None:
            return found
        with self._loading:
            # Another thread may have loaded it while this one waited.
            found = self._find(adapter.sha256)
            if found is not None:
                return found
            loaded = self._load(adapter)
            with self._lock:
                while len(self._resident) >= self._capacity:
                    self._resident.popitem(last=False)
                self._resident[adapter.sha256] = loaded
            return loaded

    def drop(self, adapter: AdapterRef) -> None:
        with self._lock:
            self._resident.pop(adapter.sha256, None)

    def resident(self) -> tuple[str, ...]:
        """Digests, least recently used first."""
        with self._lock:
            return tuple(self._resident)

    def size_bytes(self) -> int:
        with self._lock:
            return sum(adapter.size_bytes for adapter in self._resident.values())

    def _find(self, sha256: str) -> AdapterT | None:
        with self._lock:
            if sha256 in self._resident:
                self._resident.move_to_end(sha256)
            return self._resident.get(sha256)
