"""`tanren serve`: one foreground process that starts gateway, worker, engine hosts and neighbourhood, and keeps them.

    lock the data directory → migrate → root keys → start the children → ready → keep → stop

A child that dies is started again. Every child reads its standard input and goes when it ends, so kill -9 of the
supervisor leaves none behind; all state is in the data directory, so the next start picks up whatever was going on.
"""

import fcntl
import hashlib
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tanren.aws.neighbourhood_process import MinistackSettings, make_directories, ministack_command
from tanren.domain.clock import utc_now
from tanren.domain.errors import Conflict, ServiceUnavailable
from tanren.gateway import HEALTH_PATH, gateway_command
from tanren.jobs.lifeline import with_lifeline
from tanren.settings import Settings, to_environment
from tanren.storage.database import Database, upgrade
from tanren.storage.engine_hosts import EngineHosts, EngineHostStatus
from tanren.storage.root_keys import RootKeys, random_key_pair, read_root_keys, write_root_keys
from tanren.worker import worker_command

logger = logging.getLogger(__name__)

LOCK_FILE = "lock"
POLL_SECONDS = 0.05
READY_SECONDS = 60.0
DRAIN_SECONDS = 35.0
"""Longer than the gateway's own drain, so that a request under way may end."""
QUICK_DEATH_SECONDS = 5.0
FAILED_STARTS_ALLOWED = 3


@dataclass(slots=True, kw_only=True)
class Child:
    name: str
    argv: list[str]
    environment: Mapping[str, str]
    inherits_environment: bool = True
    """False: `environment` is all that the child sees."""
    log_path: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    quick_deaths: int = 0
    """In a row; a child that dies at once is started again more and more slowly."""

    def start(self) -> None:
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**(os.environ if self.inherits_environment else {}), **self.environment},
            )
        self.started_at = time.monotonic()

    def has_died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def restart(self) -> None:
        """Starts a dead child again, once its pause is over."""
        assert self.process is not None
        lived = time.monotonic() - self.started_at
        if lived < QUICK_DEATH_SECONDS:
            pause = min(0.1 * 2**self.quick_deaths, 10.0)
            if lived < pause:
                return
            self.quick_deaths += 1
        else:
            self.quick_deaths = 0
        logger.warning(
            "%s ended with %s and is started again; its log: %s", self.name, self.process.returncode, self.log_path
        )
        self._close()
        self.start()

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
            self.process.kill()
            self.process.wait()
        self._close()

    def _close(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()


@dataclass(slots=True, kw_only=True)
class Supervisor:
    settings: Settings
    on_ready: Callable[[RootKeys], None]
    """Called once, when every service answers."""
    children: list[Child] = field(default_factory=list[Child])
    engine_hosts: dict[str, Child] = field(default_factory=dict[str, Child])
    """By base folder."""
    is_stopping: bool = False

    def run(self) -> None:
        """Serves until SIGTERM or Ctrl-C. Raises Conflict, if another server has the directory or the port."""
        self.settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(self.settings):
            _check_port(self.settings)
            upgrade(self.settings.effective_database_url)
            keys = _root_keys(self.settings)
            database = Database(self.settings.effective_database_url)
            hosts = EngineHosts(database)
            hosts.forget_processes(at=utc_now())
            signal.signal(signal.SIGTERM, self._on_signal)
            signal.signal(signal.SIGINT, self._on_signal)
            try:
                self._start(keys)
                self._wait_until_ready(hosts)
                if not self.is_stopping:
                    self.on_ready(keys)
                while not self.is_stopping:
                    self._look_after(hosts)
                    time.sleep(POLL_SECONDS)
            finally:
                self._stop_all()
                database.close()

    def _on_signal(self, *_: object) -> None:
        self.is_stopping = True

    def _start(self, keys: RootKeys) -> None:
        settings = replace(
            self.settings, access_key=keys.access_key_id, secret_key=keys.secret_access_key, account=keys.account_id
        )
        logs = settings.data_dir / "logs"
        if not settings.aws_endpoint:
            port = _free_port()
            neighbour = MinistackSettings(
                port=port,
                directory=settings.data_dir / "neighbourhood",
                account_id=keys.account_id,
                region=settings.region,
                public_host=_reachable(settings.host),
            )
            make_directories(neighbour)
            argv, environment = ministack_command(neighbour, inherited=os.environ)
            self.children.append(
                Child(
                    name="neighbourhood",
                    argv=with_lifeline(argv),
                    environment=environment,
                    inherits_environment=False,
                    log_path=logs / "neighbourhood.log",
                )
            )
            settings = replace(settings, embedded_endpoint=f"http://127.0.0.1:{port}")
        environment = to_environment(settings)
        for name, argv in (("worker", worker_command()), ("gateway", gateway_command())):
            self.children.append(Child(name=name, argv=argv, environment=environment, log_path=logs / f"{name}.log"))
        for child in self.children:
            child.start()
        self.settings = settings

    def _wait_until_ready(self, hosts: EngineHosts) -> None:
        urls = [f"http://{_reachable(self.settings.host)}:{self.settings.port}{HEALTH_PATH}"]
        if self.settings.embedded_endpoint:
            urls.append(self.settings.embedded_endpoint + "/")
        deadline = time.monotonic() + READY_SECONDS
        while urls and not self.is_stopping:
            urls = [url for url in urls if not _answers(url)]
            self._look_after(hosts)
            if urls and time.monotonic() > deadline:
                raise ServiceUnavailable(
                    f"{', '.join(urls)} did not answer within {READY_SECONDS:g} s; see the logs in "
                    f"{self.settings.data_dir / 'logs'}."
                )
            if urls:
                time.sleep(POLL_SECONDS)

    def _look_after(self, hosts: EngineHosts) -> None:
        for child in self.children:
            if child.has_died():
                child.restart()
        for host in hosts.every():
            known = self.engine_hosts.get(host.base_folder)
            if host.status is EngineHostStatus.WANTED:
                self._start_engine_host(hosts, host.base_folder)
            elif host.status is EngineHostStatus.STARTING and known is not None:
                self._look_after_starting(hosts, known, host.base_folder, host.socket_path)
            elif host.status is EngineHostStatus.READY and known is not None and known.has_died():
                logger.warning("%s has died; see %s", known.name, known.log_path)
                hosts.set(host.base_folder, EngineHostStatus.WANTED, at=utc_now())

    def _start_engine_host(self, hosts: EngineHosts, base_folder: str) -> None:
        digest = hashlib.sha256(base_folder.encode()).hexdigest()[:12]
        socket_path = _socket_folder(self.settings) / f"{digest}.sock"
        socket_path.unlink(missing_ok=True)
        earlier = self.engine_hosts.get(base_folder)
        child = Child(
            name=f"engine host of {base_folder}",
            argv=[
                sys.executable,
                "-m",
                "tanren.engine_host",
                "--base-folder",
                base_folder,
                "--socket",
                str(socket_path),
            ],
            environment=to_environment(self.settings),
            log_path=self.settings.data_dir / "logs" / f"engine-host-{digest}.log",
            quick_deaths=0 if earlier is None else earlier.quick_deaths,
        )
        child.start()
        self.engine_hosts[base_folder] = child
        hosts.set(base_folder, EngineHostStatus.STARTING, at=utc_now(), socket_path=str(socket_path))

    def _look_after_starting(self, hosts: EngineHosts, child: Child, base_folder: str, socket_path: str) -> None:
        if child.has_died():
            child.quick_deaths += 1
            if child.quick_deaths < FAILED_STARTS_ALLOWED:
                hosts.set(base_folder, EngineHostStatus.WANTED, at=utc_now())
                return
            child.quick_deaths = 0
            message = f"it ended {FAILED_STARTS_ALLOWED} times while it started; see {child.log_path}"
            hosts.set(base_folder, EngineHostStatus.FAILED, at=utc_now(), failure_message=message)
        elif Path(socket_path).exists():
            # The host binds its socket only when it can answer.
            child.quick_deaths = 0
            hosts.set(base_folder, EngineHostStatus.READY, at=utc_now(), socket_path=socket_path)

    def _stop_all(self) -> None:
        """The gateway drains first; what it needs goes after it."""
        by_name = {child.name: child for child in self.children}
        deadline = time.monotonic() + DRAIN_SECONDS
        first = [by_name[name] for name in ("gateway", "worker") if name in by_name]
        last = [*self.engine_hosts.values(), *(child for child in self.children if child not in first)]
        for group in (first, last):
            for child in group:
                child.stop()
            for child in group:
                child.wait(deadline)


@contextmanager
def _locked(settings: Settings) -> Generator[None]:
    """Holds the data directory. The lock is the system's, so it is free again however its holder ended."""
    path = settings.data_dir / LOCK_FILE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = path.read_text().strip()
            raise Conflict(
                f"{settings.data_dir} is in use by another tanren server ({holder}). Stop that one, or give this one "
                "another --data-dir."
            ) from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()}, http://{settings.host}:{settings.port}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _check_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise Conflict(
                f"Port {settings.port} of {settings.host} cannot be used: {error.strerror}. Give another --port."
            ) from error


def _root_keys(settings: Settings) -> RootKeys:
    """The keys of the directory, or the ones that were given; written back with this start's endpoint."""
    known = read_root_keys(settings.data_dir)
    if settings.access_key:
        key_id, secret = settings.access_key, settings.secret_key
    elif known is not None:
        key_id, secret = known.access_key_id, known.secret_access_key
    else:
        key_id, secret = random_key_pair()
    keys = RootKeys(
        account_id=settings.account,
        region=settings.region,
        access_key_id=key_id,
        secret_access_key=secret,
        endpoint=f"http://{_reachable(settings.host)}:{settings.port}",
    )
    write_root_keys(settings.data_dir, keys)
    return keys


def _socket_folder(settings: Settings) -> Path:
    """Short, since a Unix socket's path has at most 107 bytes; ours alone."""
    digest = hashlib.sha256(str(settings.data_dir).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"tanren-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = folder.stat()
    if owner.st_uid != os.getuid() or owner.st_mode & 0o077:
        raise Conflict(f"{folder} is not ours alone; remove it, or set TMPDIR to a directory of your own.")
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _reachable(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True  # an HTTP error is an answer
    except OSError:
        return False
