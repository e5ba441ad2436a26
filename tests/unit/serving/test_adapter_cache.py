"""The cache loads each adapter once, keeps the recently used ones, and never answers with another."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from tanren.domain.errors import Throttled, ValidationFailed
from tanren.serving.adapter_cache import AdapterCache
from tanren.serving.protocol import AdapterRef


@dataclass(frozen=True, slots=True)
class Loaded:
    sha256: str
    size_bytes: int = 10


@dataclass
class Disk:
    """Counts what is read and let go; refuses the adapter named `bad`."""

    reads: list[str] = field(default_factory=list)
    let_go: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def load(self, adapter: AdapterRef) -> Loaded:
        self.gate.wait()
        self.reads.append(adapter.sha256)
        if adapter.sha256 == "bad":
            raise ValidationFailed("damaged")
        return Loaded(adapter.sha256)

    def cache(self, capacity: int = 2) -> AdapterCache[Loaded]:
        return AdapterCache(self.load, capacity=capacity, let_go=lambda adapter: self.let_go.append(adapter.sha256))


def ref(sha256: str) -> AdapterRef:
    return AdapterRef(folder=f"/adapters/{sha256}", sha256=sha256)


def used(cache: AdapterCache[Loaded], name: str) -> str:
    """The digest of what was lent for a moment."""
    loan = cache.borrow(ref(name))
    loan.give_back()
    return loan.adapter.sha256


def test_the_adapter_unused_for_longest_goes_when_there_is_no_room():
    disk = Disk()
    cache = disk.cache()
    for name in ("a", "b", "a", "c", "a"):
        assert used(cache, name) == name
    assert cache.resident() == ("c", "a")
    assert (disk.reads, disk.let_go) == (["a", "b", "c"], ["b"])
    assert cache.size_bytes() == 20


def test_what_is_on_loan_stays_and_another_goes_in_its_place():
    disk = Disk()
    cache = disk.cache()
    loan = cache.borrow(ref("a"))
    for name in ("b", "c", "d"):
        used(cache, name)
    assert cache.resident() == ("a", "d")
    assert disk.let_go == ["b", "c"]
    loan.give_back()
    used(cache, "e")
    assert disk.let_go == ["b", "c", "a"]


def test_where_all_are_on_loan_one_more_is_throttled_before_it_is_read_and_nothing_changes():
    disk = Disk()
    cache = disk.cache()
    loans = [cache.borrow(ref(name)) for name in ("a", "b")]
    with pytest.raises(Throttled, match="2 adapters are in use"):
        cache.borrow(ref("c"))
    assert (disk.reads, disk.let_go, cache.resident()) == (["a", "b"], [], ("a", "b"))
    loans[0].give_back()
    assert used(cache, "c") == "c"


def test_a_dropped_adapter_is_let_go_with_its_last_loan_and_not_before():
    disk = Disk()
    cache = disk.cache()
    first, second = cache.borrow(ref("a")), cache.borrow(ref("a"))
    cache.drop(ref("a"))
    assert cache.resident() == ()
    assert cache.size_bytes() == 10
    first.give_back()
    first.give_back()
    assert disk.let_go == []
    second.give_back()
    assert disk.let_go == ["a"]
    assert cache.size_bytes() == 0


def test_threads_that_ask_at_once_load_once():
    disk = Disk()
    disk.gate.clear()
    cache = disk.cache()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(used, cache, "a") for _ in range(8)]
        disk.gate.set()
        assert {each.result() for each in asked} == {"a"}
    assert disk.reads == ["a"]


def test_an_adapter_that_cannot_be_loaded_leaves_nothing_and_drops_nobody():
    disk = Disk()
    cache = disk.cache(capacity=1)
    used(cache, "a")
    for _ in range(2):
        with pytest.raises(ValidationFailed):
            cache.borrow(ref("bad"))
    assert cache.resident() == ("a",)
    assert disk.reads == ["a", "bad", "bad"]


def test_a_dropped_adapter_is_read_again():
    disk = Disk()
    cache = disk.cache(capacity=1)
    used(cache, "a")
    cache.drop(ref("a"))
    cache.drop(ref("a"))
    used(cache, "a")
    assert disk.reads == ["a", "a"]


def test_whatever_threads_do_nothing_on_loan_is_let_go_and_everything_is_let_go_once():
    cache: AdapterCache[Loaded]
    lent: dict[int, int] = {}
    lock, gone = threading.Lock(), list[int]()

    def let_go(adapter: Loaded) -> None:
        with lock:
            assert lent.get(id(adapter), 0) == 0
            gone.append(id(adapter))
            kept.append(adapter)  # so that no other gets its address

    kept: list[Loaded] = []
    cache = AdapterCache(lambda adapter: Loaded(adapter.sha256), capacity=3, let_go=let_go)

    def use(seed: int) -> None:
        choice = random.Random(seed)
        for _ in range(200):
            name = choice.choice("abcdefgh")
            if choice.random() < 0.2:
                cache.drop(ref(name))
                continue
            try:
                loan = cache.borrow(ref(name))
            except Throttled:
                continue
            with lock:
                lent[id(loan.adapter)] = lent.get(id(loan.adapter), 0) + 1
            assert loan.adapter.sha256 == name
            with lock:
                lent[id(loan.adapter)] -= 1
            loan.give_back()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(use, range(6)))
    for name in "abcdefgh":
        cache.drop(ref(name))
    assert len(gone) == len(set(gone))
    assert cache.size_bytes() == 0
