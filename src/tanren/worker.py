"""The worker process: claims jobs and runs each in a child, and brings throughputs and deployments into service.

Composition root. It imports no torch: tensors live in the children and in the engine hosts.
"""

import asyncio
import hashlib
import logging
import os
import signal
import socket
import sys
import threading
from datetime import timedelta

from tanren.assignment import assignment_command, customization_queue
from tanren.catalog.weights import WeightsCatalogue
from tanren.domain.clock import utc_now
from tanren.domain.customization_jobs import JobStatus, PhaseStatus
from tanren.jobs.lifeline import end_with_parent, exit_at_once, on_signal
from tanren.jobs.queue import Assignment
from tanren.jobs.runner import ChildEnd, HowItEnded, run_assignment
from tanren.logs import log_to_stderr
from tanren.runtime.placement import StoredPlacement
from tanren.runtime.provisioning import Provisioner
from tanren.settings import Settings, read_settings, to_environment
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.custom_model_deployments import CustomModelDeployments
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs, with_current_phase
from tanren.storage.database import Database
from tanren.storage.engine_hosts import EngineHosts
from tanren.storage.provisioned_throughputs import ProvisionedThroughputs
from tanren.storage.training_records import TrainingRecords

logger = logging.getLogger(__name__)

IDLE_SECONDS = 0.1
"""Between two looks into an empty queue: one indexed query each."""
PATIENT_THREADS = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads of a training process sleep at a barrier instead of spinning. Alone on the machine a small model then trains
up to 1.5 times slower, beside anything else that computes six times faster: 13 s against 80 s for three epochs."""
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
    slots = [Slot(settings, database, number=number, stop=stop) for number in range(settings.job_slots)]
    threads = [threading.Thread(target=slot.run, name=f"slot-{slot.number}") for slot in slots]
    for thread in threads:
        thread.start()
    asyncio.run(_provision(settings, database, stop))
    for thread in threads:
        thread.join()
    database.close()


async def _provision(settings: Settings, database: Database, stop: threading.Event) -> None:
    models = CustomModels(database)
    throughputs = ProvisionedThroughputs(database)
    deployments = CustomModelDeployments(database)
    placement = StoredPlacement(
        models,
        throughputs,
        deployments,
        EngineHosts(database),
        ArtifactStore(settings.data_dir / "artifacts"),
        WeightsCatalogue(settings.data_dir),
        clock=utc_now,
        # Nobody is waiting for an answer here: what is not ready is looked at again in the next round.
        patience_seconds=0.0,
    )
    provisioner = Provisioner(throughputs, deployments, placement, clock=utc_now)
    while not stop.is_set():
        try:
            provisioner.begin_round()
        except Exception:
            logger.exception("a round of provisioning failed; it is tried again")
        await asyncio.sleep(IDLE_SECONDS)
    provisioner.close()


class Slot:
    """One job at a time."""

    def __init__(self, settings: Settings, database: Database, *, number: int, stop: threading.Event) -> None:
        self.number = number
        self._settings = settings
        self._stop = stop
        self._jobs = CustomizationJobs(database)
        self._records = TrainingRecords(database)
        self._queue = customization_queue(database, settings)
        place = hashlib.sha256(str(settings.data_dir).encode()).hexdigest()[:8]
        # The same at every start of this worker, so that its next life can take up what this one held.
        self._owner = f"{socket.gethostname()}:{place}:{number}"

    def run(self) -> None:
        """Claims and runs until the worker must go."""
        is_first_round = True
        while not self._stop.is_set():
            try:
                if is_first_round:
                    taken_up = self._queue.release_all_of(self._owner)
                    logger.info("slot %d begins; %d job(s) of its last life go on", self.number, taken_up)
                    is_first_round = False
                assignment = self._queue.claim(self._owner, now=utc_now())
                if assignment is None:
                    self._stop.wait(IDLE_SECONDS)
                else:
                    self._work(assignment)
            except Exception:
                logger.exception("slot %d failed; it goes on", self.number)
                self._stop.wait(1.0)

    def _work(self, assignment: Assignment) -> None:
        logger.info("attempt %d of %s begins", assignment.attempt, assignment.job_arn)
        job_id = assignment.job_arn.rsplit("/", 1)[-1]
        end = run_assignment(
            assignment,
            argv=assignment_command(assignment),
            environment={**to_environment(self._settings), **PATIENT_THREADS},
            log_path=self._settings.data_dir / "logs" / "jobs" / f"{job_id}.log",
            queue=self._queue,
            clock=utc_now,
            stop=self._stop,
        )
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
        if self._jobs.by_arn(arn).attempt != attempt:
            return
        crashes = self._queue.count_crash(assignment)
        self._records.add_event(arn, attempt, f"Attempt {attempt} crashed: {end.reason}.", at=now)
        if crashes < CRASHES_ALLOWED:
            self._queue.release(assignment)
            return
        message = f"The job crashed {crashes} times without progress; the last time {end.reason}. {end.log_tail}"
        job = self._jobs.by_arn(arn)
        phases = with_current_phase(job.phases, PhaseStatus.FAILED, at=now)
        with self._jobs.database.writing() as connection:
            self._jobs.move(
                connection,
                arn,
                JobStatus.FAILED,
                at=now,
                attempt=attempt,
                failure_message=message[:2048],
                phases=phases,
            )


def worker_command() -> list[str]:
    return [sys.executable, "-m", "tanren.worker"]


if __name__ == "__main__":
    os.umask(0o077)
    main()
