"""The worker process: claims jobs and runs each in a child, and looks after what is in service.

Throughputs and deployments are brought into service, engines that nobody asks for are let go, what is out of time ends.

Composition root. It imports no torch: tensors live in the children and in the engine hosts.
"""

import asyncio
import hashlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import IO

from tanren.assignment import assignment_command
from tanren.catalog.weights import WeightsCatalogue
from tanren.control.custom_model_deployments import CustomModelDeploymentControl
from tanren.control.expiring_resources import ExpiringResources
from tanren.control.provisioned_throughputs import ProvisionedThroughputControl
from tanren.control.state_change_delivery import StateChangeDelivery
from tanren.domain.clock import new_resource_id, utc_now
from tanren.domain.scope import Scope
from tanren.job_kinds import JobKind, kinds_of_slots
from tanren.jobs.children import Child, ReadyChild, start_child
from tanren.jobs.lifeline import end_with_parent, exit_at_once, on_signal
from tanren.jobs.queue import Assignment
from tanren.jobs.runner import ChildEnd, HowItEnded, run_assignment
from tanren.logs import log_to_stderr
from tanren.object_stores import AWS_ITSELF, kept_by_scope, object_store_address
from tanren.runtime.capacity import CapacityMeasurements
from tanren.runtime.idle_engines import IdleEngines
from tanren.runtime.metering import UsageMeter
from tanren.runtime.placement import StoredPlacement
from tanren.runtime.provisioned_seconds import ProvisionedSeconds
from tanren.runtime.provisioning import Provisioner
from tanren.settings import Settings, read_settings, to_environment
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.custom_model_deployments import CustomModelDeployments
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.database import Database
from tanren.storage.engine_hosts import EngineHosts
from tanren.storage.event_bus import EventBus
from tanren.storage.fresh_looks import FreshLooks
from tanren.storage.model_invocation_jobs import ModelInvocationJobs
from tanren.storage.provisioned_throughputs import ProvisionedThroughputs
from tanren.storage.state_changes import StateChanges
from tanren.storage.training_records import TrainingRecords
from tanren.storage.usage import UsageRecords

logger = logging.getLogger(__name__)

IDLE_SECONDS = 0.1
"""Between two looks into an empty queue of trainings, and at what is to be put into service."""
UNHURRIED_SECONDS = 0.5
"""The same for queues of jobs that nobody sits and waits for."""
STALE_SECONDS = 1.0
"""After so long a look is made although nobody has written to the store: leases and pauses end with time alone."""
CHORE_SECONDS = 1.0
"""Between two looks at what is out of time, in service or unused: a few indexed queries."""
CHILD_ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "128",
    "MALLOC_MMAP_THRESHOLD_": str(4 * 2**20),
}
"""What libraries of a training process read at their start.

Threads sleep at a barrier instead of spinning: beside anything else that computes, a small model trained six times
faster for it, 13 s against 80 s for three epochs; lanes (`training/lanes.py`) rarely wait. oneDNN keeps 128 of its
compiled products instead of 1,024, of which every length of a micro-batch makes new ones, and glibc gives large blocks
back at once: a 135 M model takes 2.2 GB for it after a minute instead of 2.8 GB, no slower."""
READY_AFTER_SECONDS = 2.0
"""Without work, before a slot has its next training process stand ready."""
PAUSE = timedelta(seconds=15)
"""Before a job that could not go on, because S3 was away or the disk full, is tried again."""
CRASHES_ALLOWED = 3
"""Without progress in between; then the job fails instead of being tried for ever."""


def main() -> None:
    log_to_stderr()
    settings = read_settings()
    end_with_parent(exit_at_once)
    stop = threading.Event()
    on_signal(signal.SIGTERM, stop.set)
    # Only SIGTERM ends a worker; a Ctrl-C in a terminal that it was started from by hand is for the supervisor.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    database = Database(settings.effective_database_url)
    kinds = kinds_of_slots(settings, database)
    slots = [Slot(settings, database, kind, number=number, stop=stop) for number, kind in enumerate(kinds)]
    threads = [threading.Thread(target=slot.run, name=f"slot-{slot.number}") for slot in slots]
    for thread in threads:
        thread.start()
    asyncio.run(_look_after_resources(settings, database, stop))
    for thread in threads:
        thread.join()
    database.close()


async def _look_after_resources(settings: Settings, database: Database, stop: threading.Event) -> None:
    """All that is done without a job, until `stop`."""
    models = CustomModels(database)
    throughputs = ProvisionedThroughputs(database)
    deployments = CustomModelDeployments(database)
    invocation_jobs = ModelInvocationJobs(database)
    hosts = EngineHosts(database)
    artifacts = ArtifactStore(settings.data_dir / "artifacts")
    placement = StoredPlacement(
        models,
        throughputs,
        deployments,
        hosts,
        artifacts,
        WeightsCatalogue(settings.data_dir),
        clock=utc_now,
        # Nobody is waiting for an answer here: what is not ready is looked at again in the next round.
        patience_seconds=0.0,
    )
    provisioner = Provisioner(throughputs, deployments, placement, clock=utc_now)
    expiring = ExpiringResources(
        database,
        ProvisionedThroughputControl(throughputs, models, clock=utc_now, new_id=new_resource_id),
        CustomModelDeploymentControl(deployments, models, clock=utc_now, new_id=new_resource_id),
        clock=utc_now,
    )
    idle = timedelta(seconds=settings.engine_idle_seconds) or None
    engines = IdleEngines(hosts, throughputs, placement, idle=idle, clock=utc_now)
    meter = UsageMeter(UsageRecords(database), clock=utc_now)
    provisioned = ProvisionedSeconds(throughputs, meter, clock=utc_now)

    announcing = StateChangeDelivery(
        StateChanges(database), CustomizationJobs(database), invocation_jobs, bus=_event_bus(settings), clock=utc_now
    )

    async def announce() -> None:
        # In a thread, since it waits for a neighbour.
        await asyncio.to_thread(announcing.deliver)

    looks = FreshLooks(database, at_least_every=STALE_SECONDS)

    async def often() -> None:
        if provisioner.has_waiting or looks.is_due():
            provisioner.begin_round()

    async def now_and_then() -> None:
        for job in invocation_jobs.expire(now=utc_now()):
            artifacts.remove_job_folder(job.scope, job.job_id)
        expiring.delete_overdue()
        provisioned.look()
        await engines.look()

    await asyncio.gather(
        _repeated(often, IDLE_SECONDS, stop),
        _repeated(now_and_then, CHORE_SECONDS, stop),
        # On its own: a measurement takes seconds.
        _repeated(CapacityMeasurements(throughputs, placement).look, CHORE_SECONDS, stop),
        _repeated(announce, CHORE_SECONDS, stop),
    )
    provisioner.close()
    meter.close()


def _event_bus(settings: Settings) -> Callable[[Scope], EventBus] | None:
    """None where the neighbourhood is an S3 alone."""
    if settings.aws_endpoint not in ("", AWS_ITSELF) or not (settings.aws_endpoint or settings.embedded_endpoint):
        return None

    return kept_by_scope(lambda scope: EventBus(object_store_address(settings, scope)))


async def _repeated(work: Callable[[], Awaitable[None]], seconds: float, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            await work()
        except Exception:
            logger.exception("a round of the worker failed; it is tried again")
        await asyncio.sleep(seconds)


class Slot:
    """One job at a time, of one kind."""

    def __init__(
        self, settings: Settings, database: Database, kind: JobKind, *, number: int, stop: threading.Event
    ) -> None:
        self.number = number
        self._settings = settings
        self._stop = stop
        self._kind = kind
        self._records = TrainingRecords(database)
        self._queue = kind.queue
        place = hashlib.sha256(str(settings.data_dir).encode()).hexdigest()[:8]
        # The same at every start of this worker, so that its next life can take up what this one held.
        self._owner = f"{socket.gethostname()}:{place}:{number}"
        self._environment = {**to_environment(settings), **CHILD_ENVIRONMENT}
        self._looks = FreshLooks(database, at_least_every=STALE_SECONDS)
        self._idle_seconds = IDLE_SECONDS if kind.trains else UNHURRIED_SECONDS
        stands_ready = kind.trains and number < settings.ready_children
        self._ready = ReadyChild(self._start_ahead, after_seconds=READY_AFTER_SECONDS) if stands_ready else None

    def run(self) -> None:
        """Claims and runs until the worker must go."""
        is_first_round = True
        while not self._stop.is_set():
            try:
                if is_first_round:
                    taken_up = self._queue.release_all_of(self._owner)
                    logger.info("slot %d begins; %d job(s) of its last life go on", self.number, taken_up)
                    is_first_round = False
                is_due = self._looks.is_due()
                assignment = self._queue.claim(self._owner, now=utc_now()) if is_due else None
                if assignment is None:
                    if self._ready is not None:
                        self._ready.stand()
                    self._stop.wait(self._idle_seconds)
                else:
                    self._work(assignment)
            except Exception:
                logger.exception("slot %d failed; it goes on", self.number)
                self._stop.wait(1.0)
        if self._ready is not None:
            self._ready.close()

    def _child(self, log: IO[bytes]) -> Child:
        """The one that stands ready, or a new one."""
        ready = None if self._ready is None else self._ready.take()
        return ready or start_child(assignment_command(ahead=False), self._environment, log)

    def _start_ahead(self) -> Child:
        return start_child(assignment_command(ahead=True), self._environment)

    def _work(self, assignment: Assignment) -> None:
        logger.info("attempt %d of %s begins", assignment.attempt, assignment.job_arn)
        job_id = assignment.job_arn.rsplit("/", 1)[-1]
        end = run_assignment(
            assignment,
            start=self._child,
            log_path=self._settings.data_dir / "logs" / "jobs" / f"{job_id}.log",
            queue=self._queue,
            clock=utc_now,
            stop=self._stop,
        )
        if self._ready is not None:
            self._ready.rest()
        logger.info("attempt %d of %s: %s", assignment.attempt, assignment.job_arn, end.how.name.lower())
        if end.how is HowItEnded.YIELDED:
            self._queue.release(assignment)
        elif end.how is HowItEnded.LATER:
            self._queue.release(assignment, not_before=utc_now() + PAUSE)
        elif end.how is HowItEnded.CRASHED:
            self._after_crash(assignment, end)

    def _after_crash(self, assignment: Assignment, end: ChildEnd) -> None:
        """The job goes on from its checkpoint, unless it crashes again and again at the same place."""
        arn, attempt, now = assignment.job_arn, assignment.attempt, utc_now()
        if not self._queue.is_current(assignment):
            return
        crashes = self._queue.count_crash(assignment)
        self._records.add_event(arn, attempt, f"Attempt {attempt} crashed: {end.reason}.", at=now)
        if crashes < CRASHES_ALLOWED:
            self._queue.release(assignment)
            return
        message = f"The job crashed {crashes} times without progress; the last time {end.reason}. {end.log_tail}"
        self._kind.fail(assignment, message[:2048], now)


if __name__ == "__main__":
    os.umask(0o077)
    main()
