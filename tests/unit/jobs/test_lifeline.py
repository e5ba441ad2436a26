import signal
import subprocess
import sys

import pytest

from tanren.jobs.lifeline import with_lifeline

READS_LIFELINE = (
    "from tanren.jobs.lifeline import end_with_parent, exit_at_once; import signal;"
    "end_with_parent(exit_at_once); print('up', flush=True); signal.pause()"
)


def _child(argv: list[str]) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"up\n"
    return child


def test_a_child_ends_when_its_parents_end_of_the_pipe_closes():
    with _child([sys.executable, "-c", READS_LIFELINE]) as child:
        child.stdin.close()
        assert child.wait(timeout=20) == 1


def test_a_program_that_is_not_ours_ends_with_its_parent_too():
    program = "import signal; print('up', flush=True); signal.pause()"
    with _child(with_lifeline([sys.executable, "-c", program])) as child:
        child.stdin.close()
        assert child.wait(timeout=20) != 0


def test_sigterm_reaches_the_program_behind_the_lifeline():
    program = "import signal, sys; signal.signal(15, lambda *_: sys.exit(9)); print('up', flush=True); signal.pause()"
    with _child(with_lifeline([sys.executable, "-c", program])) as child:
        child.terminate()
        assert child.wait(timeout=20) == 9


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with a killed parent")
def test_kill_9_of_the_wrapper_ends_the_program_behind_it():
    program = "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); signal.pause()"
    with _child(with_lifeline([sys.executable, "-c", program])) as wrapper:
        wrapper.send_signal(signal.SIGKILL)
        # The program holds the other end of standard output: this reads to the end when it has gone, not before.
        assert wrapper.stdout.read() == b""
        assert wrapper.wait(timeout=20) == -signal.SIGKILL


def test_a_sigterm_that_comes_before_the_program_runs_is_not_lost():
    script = """
import os, signal, subprocess, sys
from tanren.jobs import lifeline
start = subprocess.Popen
def start_late(*given, **named):
    os.kill(os.getpid(), signal.SIGTERM)
    return start(*given, **named)
subprocess.Popen = start_late
sys.argv = ["lifeline", "sleep", "60"]
lifeline.main()
"""
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as wrapper:
        assert wrapper.wait(timeout=20) != 0
