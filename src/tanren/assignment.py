"""The process of one assignment: one attempt of one worker at one job. Composition root; tensors live here.

It ends with 0 when the job has a terminal status (or belongs to a later attempt), with 75 when it was told to yield,
with 76 when it cannot go on now, and otherwise has crashed.
"""

import argparse
import os
import signal
import sys
import threading

from tanren.catalog.weights import WeightsCatalogue
from tanren.domain.clock import utc_now
from tanren.domain.customization_jobs import JobStatus
from tanren.jobs.lifeline import end_with_parent, exit_at_once, on_signal
from tanren.jobs.queue import Assignment, JobQueue
from tanren.jobs.runner import LATER_EXIT_CODE, YIELDED_EXIT_CODE
from tanren.logs import log_to_stderr
from tanren.object_stores import object_store_address
from tanren.settings import Settings, read_settings
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.database import Database
from tanren.storage.objects import ObjectStore
from tanren.storage.tables import customization_jobs
from tanren.storage.training_records import TrainingRecords


def assignment_command(assignment: Assignment) -> list[str]:
    return [
        sys.executable,
        "-m",
        "tanren.assignment",
        "--job-arn",
        assignment.job_arn,
        "--attempt",
        str(assignment.attempt),
    ]


def customization_queue(database: Database, settings: Settings) -> JobQueue:
    """The queue as worker and child both see it."""
    return JobQueue(
        database,
        customization_jobs,
        claimable=(JobStatus.IN_PROGRESS, JobStatus.STOPPING),
        lease_seconds=settings.lease_seconds,
    )


def main() -> int:
    log_to_stderr()
    end_with_parent(exit_at_once)
    yield_asked = threading.Event()
    on_signal(signal.SIGTERM, yield_asked.set)
    # Only SIGTERM asks for a yield; a Ctrl-C in a terminal is for the supervisor.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parser = argparse.ArgumentParser(prog="tanren.assignment")
    parser.add_argument("--job-arn", required=True)
    parser.add_argument("--attempt", required=True, type=int)
    arguments = parser.parse_args()
    settings = read_settings()
    if settings.worker_threads:
        # Read by torch's thread pool when it is imported.
        os.environ["OMP_NUM_THREADS"] = str(settings.worker_threads)
    # torch is imported with the workflow: its import takes longer than all before it.
    from tanren.workflows.customization import CannotGoOnNow, CustomizationWorkflow, Yielded

    database = Database(settings.effective_database_url)
    jobs = CustomizationJobs(database)
    scope = jobs.by_arn(arguments.job_arn).scope
    workflow = CustomizationWorkflow(
        Assignment(job_arn=arguments.job_arn, attempt=arguments.attempt),
        jobs=jobs,
        models=CustomModels(database),
        records=TrainingRecords(database),
        queue=customization_queue(database, settings),
        objects=ObjectStore(object_store_address(settings, scope)),
        artifacts=ArtifactStore(settings.data_dir / "artifacts"),
        weights=WeightsCatalogue(settings.data_dir),
        clock=utc_now,
        yield_asked=yield_asked.is_set,
        checkpoint_seconds=settings.checkpoint_seconds,
        token_folder=settings.data_dir / "cache" / "tokens",
        token_bytes=int(settings.token_cache_gigabytes * 1e9),
    )
    try:
        workflow.run()
    except Yielded:
        return YIELDED_EXIT_CODE
    except CannotGoOnNow:
        return LATER_EXIT_CODE
    finally:
        database.close()
    return 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
