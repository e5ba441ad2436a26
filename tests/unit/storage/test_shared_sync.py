"""A disk that can be held up, and writers who wait for it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tanren.storage.shared_sync import SharedSync

WRITERS = 20


class SlowDisk:
    """Each sync waits until it is let go; what it brings to the disk is what had been written when it began."""

    def __init__(self) -> None:
        self.written = 0
        self.on_disk = 0
        self.syncs = 0
        self.has_begun = threading.Event()
        self.may_end = threading.Event()

    def sync(self) -> None:
        self.syncs += 1
        had_been_written = self.written
        self.has_begun.set()
        assert self.may_end.wait(20)
        self.on_disk = had_been_written


def test_all_who_write_during_a_sync_share_the_next_one_and_nobody_returns_before_his_write_is_on_the_disk() -> None:
    disk = SlowDisk()
    shared = SharedSync(disk.sync)
    all_have_written = threading.Barrier(WRITERS + 1)

    def write(waits: bool = True) -> bool:
        disk.written += 1
        mine = disk.written
        if waits:
            all_have_written.wait(20)
        shared()
        return disk.on_disk >= mine

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        first = pool.submit(write, waits=False)
        assert disk.has_begun.wait(20)
        others = [pool.submit(write) for _ in range(WRITERS)]
        all_have_written.wait(20)
        disk.may_end.set()
        assert all(writer.result(20) for writer in (first, *others))
    # All were under way before the first sync ended, but may have come too late to join the second.
    assert 2 <= disk.syncs <= 1 + WRITERS


def test_one_who_asks_during_a_sync_is_served_by_a_later_one() -> None:
    disk = SlowDisk()
    shared = SharedSync(disk.sync)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(shared)
        assert disk.has_begun.wait(20)
        disk.written = 1
        second = pool.submit(shared)
        disk.may_end.set()
        first.result(20)
        second.result(20)
    assert (disk.syncs, disk.on_disk) == (2, 1)


def test_a_failed_sync_is_told_to_all_it_would_have_served_and_the_next_is_tried() -> None:
    failures = iter([OSError("the disk is gone"), None])

    def sync() -> None:
        failure = next(failures)
        if failure is not None:
            raise failure

    shared = SharedSync(sync)
    with pytest.raises(OSError, match="the disk is gone"):
        shared()
    shared()
