import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tanren.jobs import heartbeat as module
from tanren.jobs.heartbeat import ASKED_EVERY_SECONDS, SILENCE_SECONDS, Heartbeat


class Process:
    """Listens, and answers when the test says so."""

    def __init__(self, path: Path, *, backlog: int = 5) -> None:
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen(backlog)
        self.listener.settimeout(5)

    def answer(self) -> bytes:
        connection, _ = self.listener.accept()
        question = connection.recv(100)
        connection.sendall(b"here\n")
        connection.close()
        return question


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "s"


@pytest.fixture
def process(path) -> Iterator[Process]:
    made = Process(path)
    yield made
    made.listener.close()


@pytest.fixture
def heartbeat(path) -> Iterator[Heartbeat]:
    made = Heartbeat(str(path), b"ping\n")
    yield made
    made.close()


@pytest.fixture
def later(monkeypatch):
    """Lets time go by."""
    now = [1000.0]
    monkeypatch.setattr(module, "time", type("Clock", (), {"monotonic": lambda: now[0]}))

    def advance(seconds: float) -> None:
        now[0] += seconds

    return advance


def test_a_process_that_answers_is_asked_again_after_a_while_and_is_never_silent(process, heartbeat, later):
    for _ in range(3):
        assert not heartbeat.is_silent()
        assert process.answer() == b"ping\n"
        later(SILENCE_SECONDS + 1)
        assert not heartbeat.is_silent()
        assert not heartbeat.is_silent()
        later(ASKED_EVERY_SECONDS)


def test_a_process_that_takes_the_question_and_says_nothing_is_silent_after_its_time(process, heartbeat, later):
    assert not heartbeat.is_silent()
    later(SILENCE_SECONDS - 1)
    assert not heartbeat.is_silent()
    later(2)
    assert heartbeat.is_silent()


def test_a_process_that_takes_no_connection_any_more_is_silent_too(path, heartbeat, later):
    process = Process(path, backlog=0)
    waiting = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(9)]

    def connect_all() -> None:
        for each in waiting:
            each.setblocking(False)
            each.connect(str(path))

    with pytest.raises(BlockingIOError):
        connect_all()
    assert not heartbeat.is_silent()
    later(SILENCE_SECONDS + 1)
    assert heartbeat.is_silent()
    for each in (*waiting, process.listener):
        each.close()


def test_where_nobody_listens_nobody_is_silent(heartbeat, later):
    for _ in range(3):
        assert not heartbeat.is_silent()
        later(SILENCE_SECONDS + 1)
