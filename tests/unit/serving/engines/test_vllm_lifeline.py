"""Nothing that vLLM started outlives its server, and nothing of it outlives the engine host."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PATIENCE_SECONDS = 30


@contextmanager
def guarded(script: str, pid_file: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A shell under the lifeline, and the process that it has started."""
    command = ["/bin/sh", "-c", f"sleep 1000 & echo $! > {pid_file}.new; mv {pid_file}.new {pid_file}; {script}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tanren.serving.engines.vllm_lifeline", str(pid_file.parent / "files"), *command],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        wait_until(pid_file.exists)
        yield process, int(pid_file.read_text())
    finally:
        process.kill()
        process.communicate()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """A process that nobody has waited for yet is dead all the same."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_when_the_host_goes_everything_goes(tmp_path: Path):
    (tmp_path / "files" / "1").mkdir(parents=True)
    with guarded("wait", tmp_path / "pid") as (process, grandchild):
        assert is_alive(grandchild)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
        process.stdin = None
        wait_until(lambda: not is_alive(grandchild))
    assert not (tmp_path / "files").exists()


@pytest.mark.parametrize(
    ("end", "said"), [("exit 3", "vllm ended with exit code 3"), ("kill -9 $$", "vllm was ended by SIGKILL")]
)
def test_when_the_server_ends_what_it_started_ends_and_its_end_is_in_the_log(tmp_path: Path, end: str, said: str):
    with guarded(end, tmp_path / "pid") as (process, grandchild):
        assert process.stderr is not None
        assert said in process.stderr.read().decode()
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
        wait_until(lambda: not is_alive(grandchild))
