"""Notices a process that lives and no longer answers: asked at its Unix socket every so often, without ever waiting.

Why      a process that is stuck is worse than one that has died: whoever asks it waits, and nobody starts it again.
Cost     a look is a clock and a comparison; a question is one connection.
"""

import socket
import time
from typing import Final

ASKED_EVERY_SECONDS: Final = 10.0
SILENCE_SECONDS: Final = 60.0
"""Far longer than any process of ours is away from its socket, also on a machine that is overloaded."""


class Heartbeat:
    """Of one process, at one socket. Any answer counts, whatever it says."""

    def __init__(self, socket_path: str, question: bytes) -> None:
        self._socket_path = socket_path
        self._question = question
        self._connection: socket.socket | None = None
        self._next_at = 0.0
        self._asked_at: float | None = None

    def is_silent(self) -> bool:
        """Whether a question has been without an answer for too long. Call it often; it also asks."""
        now = time.monotonic()
        if self._asked_at is None:
            if now >= self._next_at:
                self._ask(now)
            return False
        if self._has_answered():
            self.close()
            self._next_at = now + ASKED_EVERY_SECONDS
            return False
        return now - self._asked_at > SILENCE_SECONDS

    def close(self) -> None:
        self._asked_at = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, now: float) -> None:
        self._asked_at = now
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection.setblocking(False)
        try:
            self._connection.connect(self._socket_path)
            self._connection.sendall(self._question)
        except BlockingIOError:
            # Nobody takes connections, and no more fit into the queue: silence has begun.
            self._connection.close()
            self._connection = None
        except OSError:
            # Nobody listens there: the process is leaving or has died, which others notice.
            self.close()
            self._next_at = now + ASKED_EVERY_SECONDS

    def _has_answered(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.recv(4096)
        except BlockingIOError:
            return False
        except OSError:
            return True  # it has hung up, so it is not stuck
        return True
