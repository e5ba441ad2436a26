"""A process that the supervisor keeps: started, found dead, and started again after a pause, or stopped.

A child that dies again and again is started more and more slowly. It leads a process group of its own, and reads its
standard input, which ends with the supervisor.
"""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tanren.aws.tls import tls_files
from tanren.domain.clock import utc_now
from tanren.processes import TLS_FOLDER
from tanren.settings import Settings, to_environment
from tanren.storage.process_states import ProcessState

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 10.0
LONG_LIFE_SECONDS: Final = 60.0
"""A child that lived as long as this is not in a loop of crashes; its pauses begin anew."""
LOG_TAIL_CHARACTERS: Final = 500


@dataclass(slots=True, kw_only=True)
class Child:
    name: str
    argv: list[str]
    environment: Mapping[str, str]
    """All that the child sees."""
    log_path: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    started_moment: datetime | None = None
    start_count: int = 0
    died_at: float | None = None
    """When it was found dead; None while it lives."""
    quick_deaths: int = 0
    """In a row, each before a long life; the pause before the next start doubles with each."""

    def start(self) -> None:
        self._close()
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                process_group=0,
            )
        self.started_at = time.monotonic()
        self.started_moment = utc_now()
        self.start_count += 1
        self.died_at = None

    def has_died(self) -> bool:
        if self.process is None or self.process.poll() is None:
            return False
        if self.died_at is None:
            self.died_at = time.monotonic()
            lived = self.died_at - self.started_at
            self.quick_deaths = self.quick_deaths + 1 if lived < LONG_LIFE_SECONDS else 0
            logger.warning("%s %s after %.1f s; its log: %s", self.name, self.end, lived, self.log_path)
        return True

    @property
    def pause(self) -> float:
        """Seconds between its death and its next start."""
        return min(FIRST_PAUSE_SECONDS * 2 ** max(0, self.quick_deaths - 1), LONGEST_PAUSE_SECONDS)

    def may_start(self) -> bool:
        """Whether it is dead and its pause is over."""
        return self.has_died() and self.died_at is not None and time.monotonic() - self.died_at >= self.pause

    @property
    def state(self) -> ProcessState | None:
        """None before its first start."""
        if self.started_moment is None:
            return None
        return ProcessState(
            name=self.name,
            is_running=self.died_at is None,
            started_at=self.started_moment,
            restart_count=self.start_count - 1,
        )

    @property
    def end(self) -> str:
        """How it ended, in words; empty while it lives."""
        code = None if self.process is None else self.process.returncode
        if code is None:
            return ""
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self, deadline: float) -> None:
        """Returns when the child has ended; past the deadline it is killed."""
        if self.process is None:
            return
        try:
            self.process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            logger.warning("%s did not end in time and is killed", self.name)
            self.kill()
            self.process.wait()
        self._close()

    def kill(self) -> None:
        """With everything in its group: a training process, or the program behind a lifeline."""
        if self.process is not None and self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def _close(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()


def child_environment(inherited: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """What our own children see: all that the supervisor sees, but for three things.

    Why      a shell that has evaluated `tanren env` points AWS_ENDPOINT_URL at our own gateway, which is not the AWS
             that `--aws-endpoint aws` means, and trusts our own authority, which does not vouch for it; and no proxy of
             the outside leads to the embedded S3 on loopback.
    """
    own_authority = str(tls_files(settings.data_dir / TLS_FOLDER).authority)
    kept = {
        name: value
        for name, value in inherited.items()
        if not name.startswith("AWS_ENDPOINT_URL") and (name, value) != ("AWS_CA_BUNDLE", own_authority)
    }
    given = inherited.get("no_proxy") or inherited.get("NO_PROXY") or ""
    direct = given if given.strip() == "*" else ",".join([*([given] if given else []), "127.0.0.1", "localhost"])
    return {**kept, "no_proxy": direct, "NO_PROXY": direct, **to_environment(settings)}


def log_tail(path: Path) -> str:
    """The last whole lines of a log, as far as LOG_TAIL_CHARACTERS go; of a longer last line its end."""
    with suppress(OSError), path.open("rb") as file:
        # A character has at most four bytes.
        file.seek(max(0, path.stat().st_size - 4 * LOG_TAIL_CHARACTERS))
        text = file.read().decode(errors="replace").strip()
        if len(text) <= LOG_TAIL_CHARACTERS:
            return text
        tail = text[-LOG_TAIL_CHARACTERS:]
        return (tail.partition("\n")[2] or tail).strip()
    return ""
