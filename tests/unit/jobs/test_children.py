"""With real child processes: what matters is what they read, where they write, and that none is left."""

import subprocess
import sys

import pytest

from tanren.jobs.children import ReadyChild, give_orders, start_child
from tanren.jobs.queue import Assignment

ASSIGNMENT = Assignment(job_arn="arn:of:a-job", attempt=3)
TELLS_ITS_ORDERS = (
    "from tanren.jobs.children import await_orders; orders = await_orders();"
    "print(orders.assignment, flush=True); import sys; print('an error', file=sys.stderr)"
)
ENDS = "pass"


def child_of(program: str) -> subprocess.Popen[bytes]:
    return start_child([sys.executable, "-c", program], {})


@pytest.fixture
def ended():
    """Children that are waited for and closed, whatever happens."""
    children: list[subprocess.Popen[bytes]] = []
    yield lambda child: children.append(child) or child
    for child in children:
        child.kill()
        child.wait()
        child.stdin.close()


def test_a_child_works_on_its_orders_and_writes_where_they_say(tmp_path, ended):
    child = ended(child_of(TELLS_ITS_ORDERS))
    give_orders(child, ASSIGNMENT, tmp_path / "job.log")
    assert child.wait(timeout=60) == 0
    log = (tmp_path / "job.log").read_text()
    assert "arn:of:a-job" in log
    assert "attempt=3" in log
    assert "an error" in log


def test_a_child_without_orders_ends_with_its_parent(ended):
    child = ended(child_of(TELLS_ITS_ORDERS))
    child.stdin.close()
    assert child.wait(timeout=60) == 0


def test_orders_to_a_child_that_is_dead_are_no_error(tmp_path, ended):
    child = ended(child_of(ENDS))
    child.wait(timeout=60)
    give_orders(child, ASSIGNMENT, tmp_path / "job.log")


class Hours:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def started(ended):
    """(ready child, clock, what has been started) of a slot whose children run a program."""

    def make(program: str):
        clock, started = Hours(), []

        def start() -> subprocess.Popen[bytes]:
            started.append(ended(child_of(program)))
            return started[-1]

        return ReadyChild(start, after_seconds=2.0, clock=clock), clock, started

    return make


def test_one_child_stands_ready_once_the_slot_has_rested(started):
    ready, clock, children = started(TELLS_ITS_ORDERS)
    ready.stand()
    assert not children
    clock.now += 2
    ready.stand()
    ready.stand()
    assert len(children) == 1
    assert ready.take() is children[0]
    assert ready.take() is None
    ready.rest()
    ready.stand()
    assert len(children) == 1
    clock.now += 2
    ready.stand()
    assert len(children) == 2
    ready.close()
    assert children[1].returncode is not None


def test_a_child_that_died_is_not_taken_and_not_started_again_at_once(started):
    ready, clock, children = started(ENDS)
    clock.now += 2
    ready.stand()
    children[0].wait(timeout=60)
    ready.stand()
    assert ready.take() is None
    clock.now += ReadyChild.RETRY_SECONDS - 1
    ready.stand()
    assert len(children) == 1
    clock.now += 1
    ready.stand()
    assert len(children) == 2


def test_a_child_that_died_since_it_was_looked_at_is_not_taken(started):
    ready, clock, children = started(ENDS)
    clock.now += 2
    ready.stand()
    children[0].wait(timeout=60)
    assert ready.take() is None
