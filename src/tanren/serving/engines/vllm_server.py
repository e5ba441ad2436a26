"""A vLLM server as a child process: started, waited for, looked after, started again when it dies.

    start → answers /health within the time → life → dies, or stays unhealthy → its group is killed → pause → start …

A *life* is one run of the server: what it has loaded is gone with it, so each has an address, a key and a folder of
its own, and what is known of one never passes for the next one's. The first is begun by `open`, in the caller's thread;
what stands in its way is the caller's error. Later ones are begun by the keeper's thread, for as long as it takes.

Every line that the server writes is an event in our log, and the last ones are part of the error when it fails.
"""

import itertools
import logging
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tanren.domain.errors import EngineFailed, ModelNotReady, ServiceUnavailable, TanrenError
from tanren.serving.engines.intake import STOPPING
from tanren.serving.engines.vllm_api import VllmApi, VllmGone, VllmRefused
from tanren.serving.engines.vllm_options import serve_environment

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.1
HEALTH_PERIOD_SECONDS: Final = 5.0
UNHEALTHY_LOOKS: Final = 3
"""In a row, and the server is taken for stuck."""
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 60.0
LONG_LIFE_SECONDS: Final = 120.0
"""A server that lived for so long is in no loop of crashes: its pauses begin anew."""
FAILURES_TO_TELL: Final = 3
"""Failed starts in a row after which callers hear the reason rather than that they should come back."""
TAIL_LINES: Final = 12
STOP_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmLife:
    """One run of the server."""

    api: VllmApi
    files: Path
    """A folder for what this run of the server reads; it is gone when the next begins."""


class VllmServer:
    """Keeps one server."""

    def __init__(
        self,
        command: Path,
        arguments: Callable[[Path], list[str]],
        *,
        check: Callable[[VllmApi], None],
        on_end: Callable[[], None],
        start_seconds: float,
    ) -> None:
        """`arguments`: of the command, for a socket. `check` raises where a server that answers is not what was
        started. `on_end` hears of the end of each life, before the next begins."""
        self._command = command
        self._arguments = arguments
        self._check = check
        self._on_end = on_end
        self._start_seconds = start_seconds
        self._numbers = itertools.count(1)
        self._folder = Path(tempfile.mkdtemp(prefix="tanren-vllm-"))  # readable by its owner only
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._life: VllmLife | None = None
        self._failure: TanrenError | None = None
        self._failed_starts = 0
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="vllm-keeper", daemon=True)

    def open(self) -> None:
        """Returns when the first life has begun. Raises   EngineFailed with the reason; then nothing is left behind."""
        try:
            self._start()
        except BaseException:
            self._end()
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._keeper.start()

    @property
    def life(self) -> VllmLife:
        """The current one. Raises   ModelNotReady while there is none, EngineFailed once it does not come back."""
        life = self._life
        if life is not None:
            return life
        if self._closing.is_set():
            raise ServiceUnavailable(STOPPING)
        if self._failed_starts >= FAILURES_TO_TELL:
            raise EngineFailed(f"vLLM was started {self._failed_starts} times and failed; at last: {self._failure}")
        raise ModelNotReady("vLLM has ended and is being started again; the request may be sent again in a moment")

    @property
    def process_id(self) -> int:
        """Of the process that leads the server's group."""
        assert self._process is not None
        return self._process.pid

    def close(self) -> None:
        """Ends the server and everything that it started. Called once, last."""
        self._closing.set()
        self._life = None
        self._end()
        if self._keeper.is_alive():
            self._keeper.join()
        self._end()  # a life that the keeper had just begun
        shutil.rmtree(self._folder, ignore_errors=True)

    # The keeper's thread.

    def _keep(self) -> None:
        pause, began_at = FIRST_PAUSE_SECONDS, time.monotonic()
        while True:
            self._wait_for_end()
            self._life = None
            self._end()
            self._on_end()
            if self._closing.is_set():
                return
            if time.monotonic() - began_at >= LONG_LIFE_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            logger.error("vLLM is started again in %g s. %s", pause, self._last_lines())
            if self._closing.wait(pause):
                return
            pause, began_at = min(pause * 2, LONGEST_PAUSE_SECONDS), time.monotonic()
            try:
                self._start()
                self._failed_starts = 0
            except TanrenError as error:
                self._failure = error
                self._failed_starts += 1
                logger.error("vLLM could not be started again: %s", error)
            except Exception as error:
                self._failure = EngineFailed(f"vLLM could not be started: {error}")
                self._failed_starts += 1
                logger.exception("vLLM could not be started again")

    def _wait_for_end(self) -> None:
        """Returns when the server has ended, is stuck, or could not be started, and when everything closes."""
        unhealthy, next_look = 0, time.monotonic() + HEALTH_PERIOD_SECONDS
        while (life := self._life) is not None and not self._closing.wait(LOOK_SECONDS):
            assert self._process is not None
            if self._process.poll() is not None:
                return
            if time.monotonic() >= next_look:
                unhealthy = 0 if life.api.is_healthy() else unhealthy + 1
                next_look = time.monotonic() + HEALTH_PERIOD_SECONDS
                if unhealthy >= UNHEALTHY_LOOKS:
                    logger.error("vLLM lives and does not answer %d times in a row; it is killed", unhealthy)
                    return

    # Whoever starts it.

    def _start(self) -> None:
        """Begins a life. Raises   EngineFailed where the server ends or does not answer in time; what `check` does."""
        for leftover in self._folder.iterdir():
            shutil.rmtree(leftover)
        files = self._folder / str(next(self._numbers))
        files.mkdir()
        api = VllmApi(files / "s", secrets.token_urlsafe(32))
        command = [str(self._command), *self._arguments(api.socket)]
        logger.info("vLLM is started: %s", " ".join(command))
        # The environment is handed on as a whole, less what is not the server's business; nothing is read from it.
        environment = serve_environment(os.environ.items(), key=api.key)  # noqa: TID251
        self._tail.clear()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tanren.serving.engines.vllm_lifeline", str(self._folder), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            process_group=0,
        )
        self._reader = threading.Thread(target=self._read_log, args=(self._process,), name="vllm-log", daemon=True)
        self._reader.start()
        self._wait_until_healthy(api, self._process)
        try:
            self._check(api)
        except (VllmGone, VllmRefused) as error:
            raise EngineFailed(f"vLLM started and did not answer its first questions ({error}).") from error
        self._life = VllmLife(api=api, files=files)

    def _wait_until_healthy(self, api: VllmApi, process: subprocess.Popen[bytes]) -> None:
        started_at = time.monotonic()
        while not (api.socket.exists() and api.is_healthy()):
            if process.poll() is not None:
                self._join_reader()
                raise EngineFailed(f"vLLM ended before it could answer. {self._last_lines()}")
            if time.monotonic() - started_at > self._start_seconds:
                raise EngineFailed(
                    f"vLLM did not answer within {self._start_seconds:g} s (TANREN_VLLM_START_SECONDS). "
                    f"{self._last_lines()}"
                )
            if self._closing.wait(LOOK_SECONDS):
                raise ServiceUnavailable(STOPPING)
        logger.info("vLLM answers after %.1f s", time.monotonic() - started_at)

    def _end(self) -> None:
        """Nothing of the server is left when this returns."""
        process = self._process
        if process is None:
            return
        # Not asked first: it has no state, and its engine processes outlive a server that ends by itself.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin is not None:
            process.stdin.close()
        self._join_reader()

    def _join_reader(self) -> None:
        """All that the server wrote has been read, unless something of it still holds its output open."""
        if self._reader is not None:
            self._reader.join(STOP_SECONDS)

    def _read_log(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                text = line.decode(errors="replace").rstrip()
                if text:
                    self._tail.append(text)
                    logger.info("vllm: %s", text)

    def _last_lines(self) -> str:
        return f"Its last lines: {' | '.join(self._tail)}" if self._tail else "It wrote nothing."
