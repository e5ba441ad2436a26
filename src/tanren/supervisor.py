"""`tanren serve`: one foreground process that starts gateway, worker, engine hosts and neighbourhood, and keeps them.

    lock the data directory → migrate → root keys → start the children → ready → keep → stop

A child that dies is started again, more and more slowly if it dies again and again. Every child reads its standard
input and goes when it ends, so kill -9 of the supervisor leaves none behind; all state is in the data directory, so the
next start picks up whatever was going on.

Every child leads a process group of its own: the terminal's Ctrl-C reaches the supervisor alone, which stops the others
in order. A second Ctrl-C kills them.
"""

import fcntl
import hashlib
import http.client
import logging
import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from tanren.aws.neighbourhood_process import MinistackSettings, make_directories, ministack_command
from tanren.aws.tls import ensure_certificate, names_of_server, tls_files
from tanren.catalog.weights import WeightsCatalogue
from tanren.control.access_keys import AccessKeyControl
from tanren.domain.clock import utc_now
from tanren.domain.errors import Conflict, ServiceUnavailable, ValidationFailed
from tanren.domain.identities import new_unique_id
from tanren.jobs.heartbeat import Heartbeat
from tanren.jobs.lifeline import with_lifeline
from tanren.object_stores import require_credentials
from tanren.processes import (
    CONSOLE_HEALTH_PATH,
    HEALTH_PATH,
    LOCK_FILE,
    TLS_FOLDER,
    console_command,
    gateway_command,
    worker_command,
)
from tanren.serving.wire import encode_frame
from tanren.settings import Settings, to_environment
from tanren.storage.database import Database, upgrade
from tanren.storage.engine_hosts import EngineHost, EngineHosts, EngineHostStatus
from tanren.storage.identity_database import IdentityDatabase
from tanren.storage.process_states import ProcessState, write_process_states
from tanren.storage.root_keys import RootKeys, random_key_pair, read_root_keys, write_root_keys

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.05
READY_SECONDS = 60.0
DRAIN_SECONDS = 35.0
"""For each of the two groups of a stop. Longer than the gateway's own drain, so that a request under way may end; and
the neighbourhood has as long again to write its state."""
ROUND_PAUSE_SECONDS = 1.0
"""After a round that failed, for example because the database was locked."""
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0
LONG_LIFE_SECONDS = 60.0
"""A child that lived as long as this is not in a loop of crashes; its pauses begin anew."""
FAILED_STARTS_ALLOWED = 3
LOG_TAIL_CHARACTERS = 500
PING = encode_frame({"operation": "ping"})
KILLED_EXIT_CODE = 130
"""128 + SIGINT, as a shell reports it."""


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


class Hosts(Protocol):
    """What the supervisor needs of `EngineHosts`."""

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
class Supervisor:
    settings: Settings
    on_ready: Callable[[RootKeys], None]
    """Called once, when every service answers."""
    children: list[Child] = field(default_factory=list[Child])
    engine_hosts: dict[str, HostProcess] = field(default_factory=dict[str, HostProcess])
    """By base folder."""
    leaving: list[Leaving] = field(default_factory=list[Leaving])
    sockets_made: int = 0
    is_stopping: bool = False
    told: list[ProcessState] = field(default_factory=list[ProcessState])
    """What `processes.json` holds."""
    next_round_at: float = 0.0

    def run(self) -> None:
        """Serves until SIGTERM or Ctrl-C.

        Raises   Conflict, if another server has the directory or the port.
                 ValidationFailed, if an endpoint outside is set and boto3 finds no credentials for it, or a line of
                 catalog.toml is wrong.
        """
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        require_credentials(self.settings)
        make_private(self.settings.data_dir)
        WeightsCatalogue(self.settings.data_dir).check()
        with _locked(self.settings):
            _check_port(self.settings)
            sockets = _socket_folder(self.settings)
            upgrade(self.settings.effective_database_url)
            ca_bundle = _prepare_tls(self.settings)
            database = Database(self.settings.effective_database_url)
            access_keys = AccessKeyControl(IdentityDatabase(database), clock=utc_now, new_id=new_unique_id)
            keys = _root_keys(self.settings, ca_bundle, access_keys)
            hosts = EngineHosts(database)
            hosts.clear()
            try:
                if not self.is_stopping:
                    self._start(keys)
                    self._wait_until_ready(hosts)
                if not self.is_stopping:
                    self.on_ready(keys)
                while not self.is_stopping:
                    self.look_after(hosts)
                    time.sleep(POLL_SECONDS)
            finally:
                self._stop_all()
                database.close()
                shutil.rmtree(sockets, ignore_errors=True)

    def _on_signal(self, number: int, _frame: object) -> None:
        if self.is_stopping and number == signal.SIGINT:
            # Nothing is lost that kill -9 would not lose; the system frees the lock.
            for child in self._every_child():
                child.kill()
            os._exit(KILLED_EXIT_CODE)
        self.is_stopping = True

    def _every_child(self) -> list[Child]:
        hosts = [host.child for host in self.engine_hosts.values()]
        return [*self.children, *hosts, *(leaving.child for leaving in self.leaving)]

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
                    log_path=logs / "neighbourhood.log",
                )
            )
            settings = replace(settings, embedded_endpoint=f"http://127.0.0.1:{port}")
        commands = {"worker": worker_command(), "gateway": gateway_command()}
        if settings.console == "on":
            listening, api = f"http://127.0.0.1:{_free_port()}", settings.console_api or _endpoint(settings)
            settings = replace(settings, console_endpoint=listening, console_api=api)
            commands["console"] = console_command()
        environment = child_environment(os.environ, settings)
        for name, argv in commands.items():
            self.children.append(Child(name=name, argv=argv, environment=environment, log_path=logs / f"{name}.log"))
        for child in self.children:
            child.start()
        self.settings = settings

    def _wait_until_ready(self, hosts: EngineHosts) -> None:
        urls = [f"{self.settings.scheme}://{_reachable(self.settings.host)}:{self.settings.port}{HEALTH_PATH}"]
        if self.settings.embedded_endpoint:
            urls.append(self.settings.embedded_endpoint + "/")
        if self.settings.console_endpoint:
            urls.append(self.settings.console_endpoint + CONSOLE_HEALTH_PATH)
        deadline = time.monotonic() + READY_SECONDS
        while urls and not self.is_stopping:
            urls = [url for url in urls if not _answers(url)]
            self.look_after(hosts)
            if urls and time.monotonic() > deadline:
                raise ServiceUnavailable(
                    f"{', '.join(urls)} did not answer within {READY_SECONDS:g} s; see the logs in "
                    f"{self.settings.data_dir / 'logs'}."
                )
            if urls:
                time.sleep(POLL_SECONDS)

    def look_after(self, hosts: Hosts) -> None:
        """One round: starts what has died and what is wanted. What fails in it is logged and tried again later."""
        if time.monotonic() < self.next_round_at:
            return
        try:
            for child in self.children:
                if child.may_start():
                    child.start()
            self._look_after_hosts(hosts)
            # Last: where the disk is full, nothing else waits for it.
            self._tell()
        except Exception:
            logger.exception("a round of looking after the processes failed; it is tried again")
            self.next_round_at = time.monotonic() + ROUND_PAUSE_SECONDS

    def _tell(self) -> None:
        """Writes down how the processes are, where that has changed. Engine hosts have their rows."""
        states = [child.state for child in self.children if child.state is not None]
        if states != self.told:
            write_process_states(self.settings.data_dir, states)
            self.told = states

    def _look_after_hosts(self, hosts: Hosts) -> None:
        rows = hosts.every()
        for base_folder in self.engine_hosts.keys() - {row.base_folder for row in rows}:
            self._let_go(base_folder)
        self.leaving = [leaving for leaving in self.leaving if not _has_left(leaving)]
        for row in rows:
            known = self.engine_hosts.get(row.base_folder)
            if row.status is EngineHostStatus.FAILED:
                continue
            if row.status is EngineHostStatus.WANTED or known is None:
                self._start_engine_host(hosts, row.base_folder)
            elif row.status is EngineHostStatus.STARTING:
                self._look_after_starting(hosts, row.base_folder, known)
            elif known.child.has_died():
                hosts.set(row.base_folder, EngineHostStatus.WANTED, at=utc_now())
            elif known.heartbeat.is_silent():
                logger.error("%s lives and does not answer; it is killed and started again", known.child.name)
                known.heartbeat.close()
                known.child.kill()

    def _let_go(self, base_folder: str) -> None:
        """Does not wait for it: answers under way may end, and everything else goes on meanwhile."""
        host = self.engine_hosts.pop(base_folder)
        host.heartbeat.close()
        child = host.child
        child.stop()
        self.leaving.append(Leaving(child=child, deadline=time.monotonic() + DRAIN_SECONDS))

    def _start_engine_host(self, hosts: Hosts, base_folder: str) -> None:
        """Starts a process, unless its pause goes on, or it lives and only its row could not be written.

        Why      each start has a socket of its own name: what an earlier process left behind, or one that is leaving
                 still holds, is never taken for an answer of this one.
        """
        known = self.engine_hosts.get(base_folder)
        if known is None or known.child.may_start():
            digest = hashlib.sha256(base_folder.encode()).hexdigest()[:12]
            self.sockets_made += 1
            socket_path = _socket_folder(self.settings) / f"{digest}-{self.sockets_made}.sock"
            # The last life of this server, ended by kill -9, may have left one of this name.
            socket_path.unlink(missing_ok=True)
            argv = engine_host_command(base_folder, socket_path, self.settings)
            if known is None:
                child = Child(
                    name=f"engine host of {base_folder}",
                    argv=argv,
                    environment=child_environment(os.environ, self.settings),
                    log_path=self.settings.data_dir / "logs" / f"engine-host-{digest}.log",
                )
                child.start()
                heartbeat = Heartbeat(str(socket_path), PING)
                known = HostProcess(child=child, socket_path=socket_path, heartbeat=heartbeat)
                self.engine_hosts[base_folder] = known
            else:
                known.socket_path.unlink(missing_ok=True)
                known.socket_path, known.child.argv = socket_path, argv
                known.heartbeat.close()
                known.heartbeat = Heartbeat(str(socket_path), PING)
                known.child.start()
        if not known.child.has_died():
            hosts.set(base_folder, EngineHostStatus.STARTING, at=utc_now(), socket_path=str(known.socket_path))

    def _look_after_starting(self, hosts: Hosts, base_folder: str, known: HostProcess) -> None:
        if not known.child.has_died():
            # The host binds its socket only when it can answer.
            if known.socket_path.exists():
                hosts.set(base_folder, EngineHostStatus.READY, at=utc_now(), socket_path=str(known.socket_path))
                known.failed_starts = 0
            return
        if known.failed_starts + 1 < FAILED_STARTS_ALLOWED:
            hosts.set(base_folder, EngineHostStatus.WANTED, at=utc_now())
            known.failed_starts += 1
            return
        message = (
            f"The engine host was started {FAILED_STARTS_ALLOWED} times and ended each time before it was ready; "
            f"the last time it {known.child.end}. {log_tail(known.child.log_path)} (log: {known.child.log_path})"
        )
        hosts.set(base_folder, EngineHostStatus.FAILED, at=utc_now(), failure_message=message)
        self._let_go(base_folder)

    def _stop_all(self) -> None:
        """The gateway drains first; what it needs goes after it, and has as long."""
        first = [child for child in self.children if child.name in ("gateway", "worker", "console")]
        last = [child for child in self._every_child() if child not in first]
        for group in (first, last):
            deadline = time.monotonic() + DRAIN_SECONDS
            for child in group:
                child.stop()
            for child in group:
                child.wait(deadline)


def engine_host_command(base_folder: str, socket_path: Path, settings: Settings) -> list[str]:
    program = [sys.executable, "-m", "tanren.engine_host", "--base-folder", base_folder, "--socket", str(socket_path)]
    limits = ["--engine", settings.engine, "--max-active", str(settings.engine_max_active)]
    limits += ["--max-adapters", str(settings.engine_max_adapters)]
    if settings.engine_key_value_megabytes:
        limits += ["--key-value-megabytes", str(settings.engine_key_value_megabytes)]
    return [*program, *limits]


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


def make_private(data_dir: Path) -> None:
    """Makes the directory, readable by its owner only; one that is ours and was wider is narrowed."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = data_dir.stat()
    if found.st_uid == os.getuid() and found.st_mode & 0o077:
        data_dir.chmod(0o700)


def _has_left(leaving: Leaving) -> bool:
    if leaving.child.process is not None and leaving.child.process.poll() is None:
        if time.monotonic() > leaving.deadline:
            leaving.child.kill()
        return False
    leaving.child.wait(leaving.deadline)
    return True


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
        holder = f"process {os.getpid()}, {settings.scheme}://{settings.host}:{settings.port}\n"
        os.pwrite(descriptor, holder.encode(), 0)
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


def _prepare_tls(settings: Settings) -> Path | None:
    """What clients must trust; None where there is no TLS, or the certificate is not ours.

    Raises   ValidationFailed for files that cannot be read, or names that our authority may not vouch for.
    """
    if settings.tls == "files":
        for path in (Path(settings.tls_certificate), Path(settings.tls_key)):
            if not os.access(path, os.R_OK):
                raise ValidationFailed(f"{path} cannot be read; tls_certificate and tls_key name PEM files.")
        return None
    if settings.tls == "off":
        return None
    names = names_of_server(settings.host, settings.more_tls_names)
    return ensure_certificate(settings.data_dir / TLS_FOLDER, names, now=utc_now()).authority


def _endpoint(settings: Settings) -> str:
    """As clients are told: by the first name that was given, which the certificate has."""
    names = (name for name in settings.more_tls_names if not name.startswith("*"))
    host = next(names, _reachable(settings.host))
    return f"{settings.scheme}://{host}:{settings.port}"


def _root_keys(settings: Settings, ca_bundle: Path | None, access_keys: AccessKeyControl) -> RootKeys:
    """The keys that were given, or those that have replaced the first ones, or those of the directory; written back
    with this start's endpoint."""
    known = read_root_keys(settings.data_dir)
    replaced = access_keys.root_key(settings.account)
    if settings.access_key:
        key_id, secret = settings.access_key, settings.secret_key
        access_keys.end_root_key(settings.account)
    elif replaced is not None:
        key_id, secret = replaced.access_key_id, replaced.secret_access_key
    elif known is not None:
        key_id, secret = known.access_key_id, known.secret_access_key
    else:
        key_id, secret = random_key_pair()
    keys = RootKeys(
        account_id=settings.account,
        region=settings.region,
        access_key_id=key_id,
        secret_access_key=secret,
        endpoint=_endpoint(settings),
        ca_bundle="" if ca_bundle is None else str(ca_bundle),
        is_given=bool(settings.access_key),
    )
    write_root_keys(settings.data_dir, keys)
    return keys


def _socket_folder(settings: Settings) -> Path:
    """Short, since a Unix socket's path has at most 107 bytes; ours alone."""
    digest = hashlib.sha256(str(settings.data_dir).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"tanren-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = folder.lstat()
    if not stat.S_ISDIR(owner.st_mode) or owner.st_uid != os.getuid() or owner.st_mode & 0o077:
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
    """Whether a service of this machine answers; asked directly, whatever proxies the environment names."""
    # Only whether it answers is asked, and of a certificate that may be for another name.
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unverified)
    )
    try:
        with opener.open(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True  # an HTTP error is an answer
    except (OSError, http.client.HTTPException):
        return False
