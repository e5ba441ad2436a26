"""A child process that ends when its parent does, however the parent ended.

The parent holds the write end of the child's standard input and never writes. When the parent dies, even by kill -9,
the system closes the pipe, the child reads end-of-file and goes. No process of ours can therefore outlive its server.

A program that is not ours is run by this module, which reads the pipe in its place. If this wrapper itself is killed,
Linux kills the program with it (PR_SET_PDEATHSIG). macOS has no such thing: there, kill -9 of the wrapper alone leaves
the program; all other ways to end work there too.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Final

PR_SET_PDEATHSIG: Final = 1
"""From linux/prctl.h."""


def end_with_parent(on_parent_gone: Callable[[], None]) -> None:
    """Calls `on_parent_gone` from a thread when standard input ends. Call it once, early in `main`."""

    def wait() -> None:
        descriptor = sys.stdin.fileno()
        while os.read(descriptor, 4096):
            pass
        on_parent_gone()

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def exit_at_once() -> None:
    """For a process whose state is all in the store: nothing is tidied, as after kill -9."""
    os._exit(1)


def on_signal(number: signal.Signals, act: Callable[[], object]) -> None:
    """From now on the signal calls `act`, in the main thread."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        act()

    signal.signal(number, handle)


def with_lifeline(argv: Sequence[str]) -> list[str]:
    """A command for a program that is not ours and reads no lifeline: this module runs it and reads it in its place."""
    return [sys.executable, "-m", "tanren.jobs.lifeline", *argv]


def main() -> None:
    """Runs the command that the arguments are, passes SIGTERM on to it, and kills it when the parent has gone."""
    child: subprocess.Popen[bytes] | None = None
    is_asked_to_end = False

    def pass_on() -> None:
        nonlocal is_asked_to_end
        is_asked_to_end = True
        if child is not None:
            child.terminate()

    # Before the child exists, so that no SIGTERM ends the wrapper without reaching it.
    on_signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # preexec_fn is unsafe beside other threads only; the lifeline's own is started after it.
    dies_with = _dies_with_process(os.getpid()) if sys.platform == "linux" else None
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, preexec_fn=dies_with)
    if is_asked_to_end:
        child.terminate()
    end_with_parent(child.kill)
    sys.exit(child.wait())


def _dies_with_process(parent: int) -> Callable[[], None]:
    """For the new process, before it becomes the program: the system kills it when `parent` ends.

    Why      the setting outlives exec. It is bound to the thread that started the process, here the main thread.
    Source   prctl(2), PR_SET_PDEATHSIG.
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def set_signal() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)  # it ended before the setting was made

    return set_signal


if __name__ == "__main__":
    main()
