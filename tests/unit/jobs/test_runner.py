"""With real child processes: what a runner is for is what happens when they end."""

import signal
import sys
import threading
from pathlib import Path

import pytest

from tanren.domain.clock import utc_now
from tanren.domain.customization_jobs import JobStatus
from tanren.jobs.children import start_child
from tanren.jobs.queue import Assignment, JobQueue
from tanren.jobs.runner import ChildEnd, HowItEnded, run_assignment
from tanren.storage.tables import customization_jobs

YIELDS_ON_SIGTERM = (
    "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(75));print('up', flush=True); signal.pause()"
)


@pytest.fixture
def run(database, tmp_path: Path):
    """Runs a Python program as the assignment's child."""
    queue = JobQueue(database, customization_jobs, claimable=(JobStatus.IN_PROGRESS,), lease_seconds=0.15)

    def start(program: str, stop: threading.Event | None = None) -> ChildEnd:
        return run_assignment(
            Assignment(job_arn="arn", attempt=1),
            start=lambda log: start_child([sys.executable, "-c", program], {"GIVEN": "yes"}, log),
            log_path=tmp_path / "logs" / "job.log",
            queue=queue,
            clock=utc_now,
            stop=stop or threading.Event(),
        )

    queue.renew = lambda assignment, *, now: True
    start.queue = queue
    start.log = tmp_path / "logs" / "job.log"
    return start


def test_a_child_that_exits_with_0_has_finished(run):
    assert run("import os; assert os.environ['GIVEN'] == 'yes'").how is HowItEnded.FINISHED


def test_a_crash_is_told_with_exit_code_and_last_words(run):
    end = run("import sys; print('last words'); sys.exit(3)")
    assert (end.how, end.exit_code) == (HowItEnded.CRASHED, 3)
    assert "last words" in end.log_tail
    assert "exit code 3" in end.reason


def test_a_child_that_was_killed_is_a_crash_by_the_signals_name(run):
    end = run(f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})")
    assert end.how is HowItEnded.CRASHED
    assert "SIGKILL" in end.reason


def test_a_worker_that_must_go_asks_its_child_to_yield(run):
    stop = threading.Event()

    def when_up() -> None:
        while not (run.log.exists() and "up" in run.log.read_text()):
            pass
        stop.set()

    threading.Thread(target=when_up, daemon=True).start()
    assert run(YIELDS_ON_SIGTERM, stop).how is HowItEnded.YIELDED


def test_a_lost_lease_ends_the_child(run, monkeypatch):
    monkeypatch.setattr("tanren.jobs.runner.YIELD_SECONDS", 0.2)
    run.queue.renew = lambda assignment, *, now: False
    assert run("import signal; signal.pause()").how is HowItEnded.LEASE_LOST
