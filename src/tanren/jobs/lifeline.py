"""A child process that ends when its parent does, however the parent ended.

The parent holds the write end of the child's standard input and never writes. When the parent dies, even by kill -9,
the system closes the pipe, the child reads end-of-file and goes. No process of ours can therefore outlive its server.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType


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
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    on_signal(signal.SIGTERM, child.terminate)
    # Ctrl-C reaches the whole group; the parent then stops its children in order, by SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(child.kill)
    sys.exit(child.wait())


if __name__ == "__main__":
    main()
