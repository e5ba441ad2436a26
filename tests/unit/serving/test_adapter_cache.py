"""The cache loads each adapter once, keeps the recently used ones, and never answers with another."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from tanren.domain.errors import ValidationFailed
from tanren.serving.adapter_cache import AdapterCache
from tanren.serving.protocol import AdapterRef


@dataclass(frozen=True, slots=True)
class Loaded:
    sha256: str
    size_bytes: int = 10


@dataclass
class Disk:
    """Counts what is read; refuses the adapter named `bad`."""

    reads: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def load(self, adapter: AdapterRef) -> Loaded:
        self.gate.wait()
        self.reads.append(adapter.sha256)
        if adapter.sha256 == "bad":
            raise ValidationFailed("damaged")
        return Loaded(adapter.sha256)


def ref(sha256: str) -> AdapterRef:
    return AdapterRef(folder=f"/adapters/{sha256}", sha256=sha256)


def test_the_adapter_unused_for_longest_goes_when_there_is_no_room():
    disk = Disk()
    cache = AdapterCache(disk.load, capacity=2)
    for name in ("a", "b", "a", "c", "a"):
        assert cache.get(ref(name)).sha256 == name
    assert cache.resident() == ("c", "a")
    assert disk.reads == ["a", "b", "c"]
    assert cache.size_bytes() == 20


def test_threads_that_ask_at_once_load_once():
    disk = Disk()
    disk.gate.clear()
    cache = AdapterCache(disk.load, capacity=2)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(cache.get, ref("a")) for _ in range(8)]
        disk.gate.set()
        assert {each.result().sha256 for each in asked} == {"a"}
    assert disk.reads == ["a"]


def test_an_adapter_that_cannot_be_loaded_leaves_nothing_and_drops_nobody():
    disk = Disk()
    cache = AdapterCache(disk.load, capacity=1)
    cache.get(ref("a"))
    for _ in range(2):
        with pytest.raises(ValidationFailed):
            cache.get(ref("bad"))
    assert cache.resident() == ("a",)
    assert disk.reads == ["a", "bad", "bad"]


def test_a_dropped_adapter_is_read_again():
    disk = Disk()
    cache = AdapterCache(disk.load, capacity=1)
    cache.get(ref("a"))
    cache.drop(ref("a"))
    cache.drop(ref("a"))
    cache.get(ref("a"))
    assert disk.reads == ["a", "a"]
