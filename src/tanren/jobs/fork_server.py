"""A process that has its libraries loaded and forks for each of its orders: none waits until they are loaded.

    caller    ForkServer.run ──▶ a new socket and a file for errors, handed over as descriptors
    server    serve_forks    ──▶ a fork: orders on its standard input, its answer on standard output, errors in the file

So each order has a process of its own, which ends with it, takes nothing of another's, and may be held to limits. The
server itself reads no orders. It ends when its caller does: its own standard input is the pipe that they come through.

Why      importing a tokenizer's libraries takes a second, forking 10 ms. multiprocessing's fork server would load the
         caller's program into each fork, and is one for a whole process.
Limits   a fork has none of the server's threads, so what the server loads may start none, but for such as know of
         forks (OpenBLAS's). Where the system's own libraries forbid a fork without a new program, as on macOS, there is
         no such server.
"""

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Final

CAN_FORK: Final = sys.platform != "darwin"

_ANSWER_AND_ERRORS: Final = 2
"""Descriptors of one order."""
_TAKEN_UP: Final = b"!"
"""What a fork says first."""
_PIECE_BYTES: Final = 1 << 16


class ForkServer:
    """The caller's side. Its process is started with the first orders, and anew where it has ended. Safe in threads."""

    def __init__(self, command: Sequence[str]) -> None:
        """`command` calls `serve_forks`."""
        self._command = command
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._door: socket.socket | None = None

    def start(self) -> None:
        """So that the first orders do not wait either."""
        with self._lock:
            self._open_door()

    def run(self, orders: bytes, *, errors: int, seconds: float) -> bytes:
        """What the fork has written to its standard output; its errors go to the descriptor `errors`.

        The fork is not ended where it takes longer: `obey` must see to that by itself.

        Raises   TimeoutError.
        """
        deadline = time.monotonic() + seconds
        # Orders that a server had before it as it was ended were taken up by nobody: the next server has them.
        said = self._asked(orders, errors, deadline) or self._asked(orders, errors, deadline)
        return said.removeprefix(_TAKEN_UP)

    def close(self) -> None:
        """Ends the server; forks that are at work go on."""
        with self._lock:
            self._close_door()

    def _asked(self, orders: bytes, errors: int, deadline: float) -> bytes:
        """`_TAKEN_UP` and the answer; nothing where no fork has the orders."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._hand_over(theirs.fileno(), errors)
            pieces: list[bytes] = []
            try:
                ours.settimeout(max(deadline - time.monotonic(), 0.001))
                ours.sendall(orders)
                ours.shutdown(socket.SHUT_WR)
                while piece := ours.recv(_PIECE_BYTES):
                    pieces.append(piece)
                    ours.settimeout(max(deadline - time.monotonic(), 0.001))
            except ConnectionError:
                pass  # it was ended before it had read or said everything: what came is what there is
            return b"".join(pieces)

    def _hand_over(self, *descriptors: int) -> None:
        with self._lock:
            try:
                socket.send_fds(self._open_door(), [b"!"], descriptors)
            except ConnectionError:
                self._close_door()
                socket.send_fds(self._open_door(), [b"!"], descriptors)

    def _open_door(self) -> socket.socket:
        if self._door is None:
            self._door, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(self._command, stdin=theirs.fileno())
        return self._door

    def _close_door(self) -> None:
        if self._door is not None and self._process is not None:
            self._door.close()
            self._process.wait()
            self._door = self._process = None


def serve_forks(obey: Callable[[], int]) -> None:
    """The server's side: calls `obey` in a fork for each order; its result is the fork's exit code.

    Returns when the caller has gone.
    """
    # The system takes care of forks that have ended; an interrupt in a terminal is the caller's to act on.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Forks share the memory of what is loaded: no collector is to write into it.
    gc.freeze()
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as door:
        while True:
            message, descriptors, _, _ = socket.recv_fds(door, 1, _ANSWER_AND_ERRORS)
            if not message:
                return
            if os.fork() == 0:
                door.close()
                _carry_out(obey, *descriptors)
            for each in descriptors:
                os.close(each)


def _carry_out(obey: Callable[[], int], answer: int, errors: int) -> None:
    """In the fork, which ends here, as a process that was started for these orders alone."""
    code = 1
    try:
        for descriptor, place in ((answer, 0), (answer, 1), (errors, 2)):
            os.dup2(descriptor, place)
        for descriptor in (answer, errors):
            os.close(descriptor)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.write(1, _TAKEN_UP)
        code = obey()
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
