"""With real processes: what a fork reads and writes, that it is one of its own, and that none outlives its caller."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tanren.jobs.fork_server import CAN_FORK, ForkServer

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="this system forbids forks without a new program")

SECONDS = 60
REPEATS = "print(os.getpid(), sys.stdin.read(), end=''); return 0"


@pytest.fixture
def server_of() -> Iterator[Callable[[str], ForkServer]]:
    """A server whose forks do what the program says."""
    made: list[ForkServer] = []

    def make(program: str) -> ForkServer:
        script = (
            "import os, signal, sys\nfrom tanren.jobs.fork_server import serve_forks\n"
            f"def obey():\n    {program}\nserve_forks(obey)\n"
        )
        made.append(ForkServer([sys.executable, "-c", script]))
        return made[-1]

    yield make
    for each in made:
        each.close()


def run(server: ForkServer, orders: bytes = b"", *, seconds: float = SECONDS) -> tuple[bytes, bytes]:
    """What it answered, and its last words."""
    with tempfile.TemporaryFile() as errors:
        answer = server.run(orders, errors=errors.fileno(), seconds=seconds)
        errors.seek(0)
        return answer, errors.read()


def test_each_order_has_a_process_of_its_own(server_of: Callable[[str], ForkServer]):
    server = server_of(REPEATS)
    answers = [run(server, orders)[0].split() for orders in (b"first", b"second")]
    assert [words for _, words in answers] == [b"first", b"second"]
    assert len({process for process, _ in answers}) == 2


def test_orders_are_carried_out_beside_each_other(server_of: Callable[[str], ForkServer], tmp_path: Path):
    """A pipe with a name is opened when both of its ends are."""
    os.mkfifo(tmp_path / "pipe")
    server = server_of("open(*sys.stdin.read().split()).close(); print('met'); return 0")
    with ThreadPoolExecutor() as threads:
        answers = threads.map(lambda end: run(server, f"{tmp_path / 'pipe'} {end}".encode()), "rw")
    assert list(answers) == [(b"met\n", b"")] * 2


def test_what_a_fork_says_on_standard_error_is_kept_apart_from_its_answer(server_of: Callable[[str], ForkServer]):
    answer, errors = run(server_of("print('answer'); os.write(2, b'words'); raise ValueError('last')"))
    assert answer == b"answer\n"
    assert errors.startswith(b"words")
    assert errors.endswith(b"ValueError: last\n")


def test_a_fork_that_is_killed_has_answered_nothing_and_the_server_goes_on(server_of: Callable[[str], ForkServer]):
    server = server_of("sys.stdin.read() == 'die' and os.kill(os.getpid(), signal.SIGKILL); print('well'); return 0")
    assert run(server, b"die") == (b"", b"")
    assert run(server, b"live") == (b"well\n", b"")


def test_a_server_that_was_killed_is_started_anew(server_of: Callable[[str], ForkServer]):
    server = server_of("sys.stdin.read() == 'die' and os.kill(os.getppid(), signal.SIGKILL); print('well'); return 0")
    run(server, b"die")
    assert run(server, b"live") == (b"well\n", b"")


def test_nobody_waits_longer_than_was_said(server_of: Callable[[str], ForkServer]):
    with pytest.raises(TimeoutError):
        run(server_of("signal.alarm(60); signal.pause()"), seconds=0.2)


def test_a_server_ends_with_its_caller_however_that_ends():
    caller = (
        "import os, sys\nfrom tanren.jobs.fork_server import ForkServer\n"
        "program = 'from tanren.jobs.fork_server import serve_forks; print(1, flush=True); serve_forks(lambda: 0)'\n"
        "ForkServer([sys.executable, '-c', program]).start()\nsys.stdin.read()\nos.kill(os.getpid(), 9)"
    )
    with subprocess.Popen([sys.executable, "-c", caller], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        process.stdin.close()
        # The server holds the other end of standard output: this reads to the end when it has gone, not before.
        assert process.stdout.read() == b""
