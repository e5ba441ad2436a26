import subprocess
import sys

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
