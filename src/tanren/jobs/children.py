"""Child processes that run one assignment each, and may stand ready before there is one.

A child is started without an assignment. It loads its libraries, then reads its orders from standard input: one line of
JSON with the assignment and the file that its output goes to. The pipe stays open behind it as the child's lifeline.

Why     loading torch and transformers takes four seconds of the six between a request and its job's first step.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, cast

from tanren.jobs.queue import Assignment

Child = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    job_arn: str
    attempt: int
    log_path: str
    """Where the child's standard output and error go from now on."""

    @property
    def assignment(self) -> Assignment:
        return Assignment(job_arn=self.job_arn, attempt=self.attempt)


def start_child(argv: Sequence[str], environment: Mapping[str, str], log: IO[bytes] | None = None) -> Child:
    """Takes    log: of its output until it has orders; by default the caller's own."""
    return subprocess.Popen(
        argv,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log and subprocess.STDOUT,
        env={**os.environ, **environment},
    )


def give_orders(child: Child, assignment: Assignment, log_path: Path) -> None:
    """A child that is dead by then is not noticed here: whoever waits for it sees how it ended."""
    orders = Orders(job_arn=assignment.job_arn, attempt=assignment.attempt, log_path=str(log_path))
    assert child.stdin is not None
    with suppress(BrokenPipeError):
        child.stdin.write(json.dumps(asdict(orders)).encode() + b"\n")


def await_orders() -> Orders:
    """In the child: blocks until there are orders, and sends its output where they say.

    The process ends with 0 where the parent has gone, or lets this child go without orders.
    """
    line = b""
    # Not a byte beyond the line: what follows it is the lifeline's.
    while not line.endswith(b"\n"):
        piece = os.read(sys.stdin.fileno(), 1)
        if not piece:
            os._exit(0)
        line += piece
    orders = Orders(**json.loads(line))
    log = os.open(orders.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(log, stream.fileno())
    os.close(log)
    return orders


class ReadyChild:
    """At most one child that stands ready for a slot's next assignment.

    It is started once the slot has had nothing to do for `after_seconds`, so that it takes no processor time from what
    comes right after a start or a job. One that died is not started again before `RETRY_SECONDS`.
    """

    RETRY_SECONDS = 60.0

    def __init__(
        self,
        start: Callable[[], Child],
        *,
        after_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._start = start
        self._after_seconds = after_seconds
        self._clock = clock
        self._child: Child | None = None
        self._not_before = clock() + after_seconds

    def stand(self) -> None:
        """Call it now and then while there is nothing to do."""
        if self._child is not None and self._child.poll() is not None:
            self._let_go()
            self._not_before = self._clock() + self.RETRY_SECONDS
        if self._child is None and self._clock() >= self._not_before:
            self._child = self._start()

    def take(self) -> Child | None:
        """The child, which is the caller's from now on; None where none is alive."""
        child, self._child = self._child, None
        if child is not None and child.poll() is not None:
            _close(child)
            return None
        return child

    def rest(self) -> None:
        """The slot has done something: its next child waits until it has had nothing to do for a while."""
        self._not_before = self._clock() + self._after_seconds

    def close(self) -> None:
        self._let_go()

    def _let_go(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            _close(child)


def _close(child: Child) -> None:
    child.wait()
    cast("IO[bytes]", child.stdin).close()
