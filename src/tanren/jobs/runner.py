"""Runs one assignment in a child process: gives it its orders, keeps its lease alive, and says how it ended.

The child writes the job's outcome to the store itself, fenced by its attempt. What is left to the runner is what a
child cannot do: notice that it died, and stop it when the worker must go or when the lease has been lost.
"""

import logging
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import IO

from tanren.domain.clock import Clock
from tanren.jobs.children import Child, give_orders
from tanren.jobs.queue import Assignment, JobQueue

logger = logging.getLogger(__name__)

YIELDED_EXIT_CODE = 75
"""EX_TEMPFAIL: the child wrote a checkpoint and can be continued by anyone."""
LATER_EXIT_CODE = 76
"""The child cannot go on now, since something around it is away; the job is as it was."""
YIELD_SECONDS = 10.0
"""How long a child may take to write its checkpoint after SIGTERM."""
_POLL_SECONDS = 0.05
_LOG_TAIL_BYTES = 2000


class HowItEnded(Enum):
    FINISHED = auto()
    """The child has written a terminal status."""
    YIELDED = auto()
    """It was told to let go; the job can be continued at once."""
    LATER = auto()
    """It cannot go on now; the job can be continued after a pause."""
    LEASE_LOST = auto()
    CRASHED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEnd:
    how: HowItEnded
    exit_code: int
    log_tail: str
    """Last lines of the child's output; only for a crash."""

    @property
    def reason(self) -> str:
        if self.exit_code < 0:
            names = {int(known): known.name for known in signal.Signals}
            return f"its process was ended by {names.get(-self.exit_code, f'signal {-self.exit_code}')}"
        return f"its process ended with exit code {self.exit_code}"


def run_assignment(
    assignment: Assignment,
    *,
    start: Callable[[IO[bytes]], Child],
    log_path: Path,
    queue: JobQueue,
    clock: Clock,
    stop: threading.Event,
) -> ChildEnd:
    """Blocks until the child has ended. `stop` set from another thread asks the child to yield.

    Takes    start: gives a child that waits for its orders; one that is new writes to the job's log, its argument.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        child = start(log)
        try:
            give_orders(child, assignment, log_path)
            lost = _watch(child, assignment, queue, clock, stop)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
            if child.stdin is not None:
                child.stdin.close()
    return _end(child.returncode, lost=lost, was_told_to_go=stop.is_set(), log_path=log_path)


def _watch(child: Child, assignment: Assignment, queue: JobQueue, clock: Clock, stop: threading.Event) -> bool:
    """Whether the lease was lost. Returns when the child has ended or must be killed."""
    renewal = queue.lease.total_seconds() / 3
    renewed_at = clock()
    deadline = None
    while child.poll() is None:
        now = clock()
        if (now - renewed_at).total_seconds() >= renewal:
            # A job that has just been finished by its child cannot be renewed either; the child is then about to exit.
            if not queue.renew(assignment, now=now):
                return _ended_within(child, YIELD_SECONDS) is False
            renewed_at = now
        if stop.is_set() and deadline is None:
            child.terminate()
            deadline = now
        if deadline is not None and (now - deadline).total_seconds() > YIELD_SECONDS:
            logger.warning("child %d did not yield within %g s", child.pid, YIELD_SECONDS)
            return False
        _ended_within(child, _POLL_SECONDS)
    return False


def _ended_within(child: Child, seconds: float) -> bool:
    try:
        child.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(exit_code: int, *, lost: bool, was_told_to_go: bool, log_path: Path) -> ChildEnd:
    if lost:
        how = HowItEnded.LEASE_LOST
    elif exit_code == 0:
        how = HowItEnded.FINISHED
    elif exit_code == YIELDED_EXIT_CODE or was_told_to_go:
        # A child that had to be killed because it was slow to let go has not crashed.
        how = HowItEnded.YIELDED
    elif exit_code == LATER_EXIT_CODE:
        how = HowItEnded.LATER
    else:
        how = HowItEnded.CRASHED
    tail = _tail(log_path) if how is HowItEnded.CRASHED else ""
    return ChildEnd(how=how, exit_code=exit_code, log_tail=tail)


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LOG_TAIL_BYTES))
        return file.read().decode(errors="replace").strip()
