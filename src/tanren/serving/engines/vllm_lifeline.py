"""Runs vLLM so that nothing of it outlives the engine host: its server starts processes, which start processes.

    python -m tanren.serving.engines.vllm_lifeline FOLDER COMMAND …

This process leads a group of its own, and all that vLLM starts belongs to it. When standard input ends, the engine host
is gone, and the whole group is killed; so it is when the server itself ends, since an engine process that has lost its
server would hold the GPU's memory for good. `jobs/lifeline.py` does the same for programs of one process.

FOLDER is the host's, for the server's files; where the host is gone without having removed it, it is removed here.

Exit     that of the server is on the last line of the log: the group's own end is always a kill.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from tanren.jobs.lifeline import end_with_parent

PR_SET_PDEATHSIG: Final = 1
"""From linux/prctl.h."""


def main() -> None:
    parent = os.getpid()
    if os.getpgrp() != parent:
        os.setpgid(0, 0)

    def die_with_parent() -> None:
        # Where this process alone is killed, the system kills the server, and its engine finds it gone.
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    # preexec_fn is unsafe beside other threads only; the lifeline's own is started after it.
    server = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
    end_with_parent(lambda: tidy_up(Path(sys.argv[1])))
    code = server.wait()
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    os.write(sys.stderr.fileno(), f"vllm {how}\n".encode())
    kill_group()


def tidy_up(folder: Path) -> None:
    """The host is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    kill_group()


def kill_group() -> None:
    """This process included."""
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
