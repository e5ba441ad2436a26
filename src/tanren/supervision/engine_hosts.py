"""Engine hosts: a process for each base model that somebody wants, started, watched and let go as the rows say.

    Wanted ──▶ Starting ──▶ Ready, its socket there
       ▲           │  ╲──▶ Failed, after FAILED_STARTS_ALLOWED deaths before it was ready
       ╰───────────┴── its process has died, or lives and does not answer

A row that has gone ends its host.
"""

import hashlib
import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from tanren.domain.clock import utc_now
from tanren.jobs.heartbeat import Heartbeat
from tanren.serving.wire import encode_frame
from tanren.settings import Settings
from tanren.storage.engine_hosts import EngineHost, EngineHostStatus
from tanren.supervision.child import Child, child_environment, log_tail
from tanren.supervision.data_directory import socket_folder

logger = logging.getLogger(__name__)

FAILED_STARTS_ALLOWED: Final = 3
PING: Final = encode_frame({"operation": "ping"})


@dataclass(slots=True, kw_only=True)
class HostProcess:
    """The process of one base model."""

    child: Child
    socket_path: Path
    heartbeat: Heartbeat
    """At this socket; looked at once the host is ready."""
    failed_starts: int = 0
    """In a row, since it last was ready."""


@dataclass(slots=True, kw_only=True)
class Leaving:
    """A host that nobody wants any more: it has been told to end, and is killed at the deadline."""

    child: Child
    deadline: float


class EngineHostRows(Protocol):
    """What is needed of `EngineHosts`."""

    def every(self) -> list[EngineHost]: ...

    def set(
        self,
        base_folder: str,
        status: EngineHostStatus,
        *,
        at: datetime,
        socket_path: str = "",
        failure_message: str | None = None,
    ) -> None: ...


@dataclass(slots=True, kw_only=True)
class EngineHostProcesses:
    drain_seconds: float
    """What a host that is let go has for the answers under way."""
    hosts: dict[str, HostProcess] = field(default_factory=dict[str, HostProcess])
    """By base folder."""
    leaving: list[Leaving] = field(default_factory=list[Leaving])
    sockets_made: int = 0

    @property
    def children(self) -> list[Child]:
        return [*(host.child for host in self.hosts.values()), *(leaving.child for leaving in self.leaving)]

    def look_after(self, rows: EngineHostRows, settings: Settings, *, inherited: Mapping[str, str]) -> None:
        """One round: starts, stops and looks at hosts, and writes down what has become of them.

        Takes    inherited: the environment of this process.
        """
        hosts = rows.every()
        for base_folder in self.hosts.keys() - {host.base_folder for host in hosts}:
            self._let_go(base_folder)
        self.leaving = [leaving for leaving in self.leaving if not _has_left(leaving)]
        for host in hosts:
            known = self.hosts.get(host.base_folder)
            if host.status is EngineHostStatus.FAILED:
                continue
            if host.status is EngineHostStatus.WANTED or known is None:
                self._start(rows, host.base_folder, settings, inherited)
            elif host.status is EngineHostStatus.STARTING:
                self._look_after_starting(rows, host.base_folder, known)
            elif known.child.has_died():
                rows.set(host.base_folder, EngineHostStatus.WANTED, at=utc_now())
            elif known.heartbeat.is_silent():
                logger.error("%s lives and does not answer; it is killed and started again", known.child.name)
                known.heartbeat.close()
                known.child.kill()

    def _let_go(self, base_folder: str) -> None:
        """Does not wait for it: answers under way may end, and everything else goes on meanwhile."""
        host = self.hosts.pop(base_folder)
        host.heartbeat.close()
        child = host.child
        child.stop()
        self.leaving.append(Leaving(child=child, deadline=time.monotonic() + self.drain_seconds))

    def _start(self, rows: EngineHostRows, base_folder: str, settings: Settings, inherited: Mapping[str, str]) -> None:
        """Starts a process, unless its pause goes on, or it lives and only its row could not be written.

        Why      each start has a socket of its own name: what an earlier process left behind, or one that is leaving
                 still holds, is never taken for an answer of this one.
        """
        known = self.hosts.get(base_folder)
        if known is None or known.child.may_start():
            digest = hashlib.sha256(base_folder.encode()).hexdigest()[:12]
            self.sockets_made += 1
            socket_path = socket_folder(settings) / f"{digest}-{self.sockets_made}.sock"
            # The last life of this server, ended by kill -9, may have left one of this name.
            socket_path.unlink(missing_ok=True)
            argv = engine_host_command(base_folder, socket_path, settings)
            if known is None:
                child = Child(
                    name=f"engine host of {base_folder}",
                    argv=argv,
                    environment=child_environment(inherited, settings),
                    log_path=settings.data_dir / "logs" / f"engine-host-{digest}.log",
                )
                child.start()
                heartbeat = Heartbeat(str(socket_path), PING)
                known = HostProcess(child=child, socket_path=socket_path, heartbeat=heartbeat)
                self.hosts[base_folder] = known
            else:
                known.socket_path.unlink(missing_ok=True)
                known.socket_path, known.child.argv = socket_path, argv
                known.heartbeat.close()
                known.heartbeat = Heartbeat(str(socket_path), PING)
                known.child.start()
        if not known.child.has_died():
            rows.set(base_folder, EngineHostStatus.STARTING, at=utc_now(), socket_path=str(known.socket_path))

    def _look_after_starting(self, rows: EngineHostRows, base_folder: str, known: HostProcess) -> None:
        if not known.child.has_died():
            # The host binds its socket only when it can answer.
            if known.socket_path.exists():
                rows.set(base_folder, EngineHostStatus.READY, at=utc_now(), socket_path=str(known.socket_path))
                known.failed_starts = 0
            return
        if known.failed_starts + 1 < FAILED_STARTS_ALLOWED:
            rows.set(base_folder, EngineHostStatus.WANTED, at=utc_now())
            known.failed_starts += 1
            return
        message = (
            f"The engine host was started {FAILED_STARTS_ALLOWED} times and ended each time before it was ready; "
            f"the last time it {known.child.end}. {log_tail(known.child.log_path)} (log: {known.child.log_path})"
        )
        rows.set(base_folder, EngineHostStatus.FAILED, at=utc_now(), failure_message=message)
        self._let_go(base_folder)


def engine_host_command(base_folder: str, socket_path: Path, settings: Settings) -> list[str]:
    program = [sys.executable, "-m", "tanren.engine_host", "--base-folder", base_folder, "--socket", str(socket_path)]
    limits = ["--engine", settings.engine, "--max-active", str(settings.engine_max_active)]
    limits += ["--max-adapters", str(settings.engine_max_adapters)]
    if settings.engine_key_value_megabytes:
        limits += ["--key-value-megabytes", str(settings.engine_key_value_megabytes)]
    return [*program, *limits]


def _has_left(leaving: Leaving) -> bool:
    if leaving.child.process is not None and leaving.child.process.poll() is None:
        if time.monotonic() > leaving.deadline:
            leaving.child.kill()
        return False
    leaving.child.wait(leaving.deadline)
    return True
