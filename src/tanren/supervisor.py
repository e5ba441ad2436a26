"""`tanren serve`: one foreground process that starts gateway, worker, engine hosts and neighbourhood, and keeps them.

    lock the data directory → migrate → root keys → start the children → ready → keep → stop

A child that dies is started again, more and more slowly if it dies again and again. Every child reads its standard
input and goes when it ends, so kill -9 of the supervisor leaves none behind; all state is in the data directory, so the
next start picks up whatever was going on.

Every child leads a process group of its own: the terminal's Ctrl-C reaches the supervisor alone, which stops the others
in order. A second Ctrl-C kills them.
"""

import logging
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tanren.aws.neighbourhood_process import MinistackSettings, make_directories, ministack_command
from tanren.catalog.weights import WeightsCatalogue
from tanren.control.access_keys import AccessKeyControl
from tanren.domain.clock import utc_now
from tanren.domain.errors import ServiceUnavailable
from tanren.domain.identities import new_unique_id
from tanren.jobs.lifeline import with_lifeline
from tanren.object_stores import require_credentials
from tanren.processes import CONSOLE_HEALTH_PATH, HEALTH_PATH, console_command, gateway_command, worker_command
from tanren.settings import Settings
from tanren.storage.database import Database, upgrade
from tanren.storage.engine_hosts import EngineHosts
from tanren.storage.identity_database import IdentityDatabase
from tanren.storage.process_states import ProcessState, write_process_states
from tanren.storage.root_keys import RootKeys
from tanren.supervision.addresses import answers, check_port, endpoint, free_port, reachable
from tanren.supervision.child import Child, child_environment
from tanren.supervision.data_directory import locked, make_private, prepare_tls, root_keys, socket_folder
from tanren.supervision.engine_hosts import EngineHostProcesses, EngineHostRows

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.05
READY_SECONDS = 60.0
DRAIN_SECONDS = 35.0
"""For each of the two groups of a stop. Longer than the gateway's own drain, so that a request under way may end; and
the neighbourhood has as long again to write its state."""
ROUND_PAUSE_SECONDS = 1.0
"""After a round that failed, for example because the database was locked."""
KILLED_EXIT_CODE = 130
"""128 + SIGINT, as a shell reports it."""


@dataclass(slots=True, kw_only=True)
class Supervisor:
    settings: Settings
    on_ready: Callable[[RootKeys], None]
    """Called once, when every service answers."""
    children: list[Child] = field(default_factory=list[Child])
    engine_hosts: EngineHostProcesses = field(default_factory=lambda: EngineHostProcesses(drain_seconds=DRAIN_SECONDS))
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
        with locked(self.settings):
            check_port(self.settings)
            sockets = socket_folder(self.settings)
            upgrade(self.settings.effective_database_url)
            ca_bundle = prepare_tls(self.settings)
            database = Database(self.settings.effective_database_url)
            access_keys = AccessKeyControl(IdentityDatabase(database), clock=utc_now, new_id=new_unique_id)
            keys = root_keys(self.settings, ca_bundle, access_keys)
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
        return [*self.children, *self.engine_hosts.children]

    def _start(self, keys: RootKeys) -> None:
        settings = replace(
            self.settings, access_key=keys.access_key_id, secret_key=keys.secret_access_key, account=keys.account_id
        )
        logs = settings.data_dir / "logs"
        if not settings.aws_endpoint:
            port = free_port()
            neighbour = MinistackSettings(
                port=port,
                directory=settings.data_dir / "neighbourhood",
                account_id=keys.account_id,
                region=settings.region,
                public_host=reachable(settings.host),
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
            listening, api = f"http://127.0.0.1:{free_port()}", settings.console_api or endpoint(settings)
            settings = replace(settings, console_endpoint=listening, console_api=api)
            commands["console"] = console_command()
        environment = child_environment(os.environ, settings)
        for name, argv in commands.items():
            self.children.append(Child(name=name, argv=argv, environment=environment, log_path=logs / f"{name}.log"))
        for child in self.children:
            child.start()
        self.settings = settings

    def _wait_until_ready(self, hosts: EngineHosts) -> None:
        urls = [f"{self.settings.scheme}://{reachable(self.settings.host)}:{self.settings.port}{HEALTH_PATH}"]
        if self.settings.embedded_endpoint:
            urls.append(self.settings.embedded_endpoint + "/")
        if self.settings.console_endpoint:
            urls.append(self.settings.console_endpoint + CONSOLE_HEALTH_PATH)
        deadline = time.monotonic() + READY_SECONDS
        while urls and not self.is_stopping:
            urls = [url for url in urls if not answers(url)]
            self.look_after(hosts)
            if urls and time.monotonic() > deadline:
                raise ServiceUnavailable(
                    f"{', '.join(urls)} did not answer within {READY_SECONDS:g} s; see the logs in "
                    f"{self.settings.data_dir / 'logs'}."
                )
            if urls:
                time.sleep(POLL_SECONDS)

    def look_after(self, hosts: EngineHostRows) -> None:
        """One round: starts what has died and what is wanted. What fails in it is logged and tried again later."""
        if time.monotonic() < self.next_round_at:
            return
        try:
            for child in self.children:
                if child.may_start():
                    child.start()
            self.engine_hosts.look_after(hosts, self.settings, inherited=os.environ)
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
