"""The process of one assignment: one attempt of one worker at one job. Composition root.

Its orders come by standard input (`jobs/children.py`). The job's ARN says of which kind it is. Tensors live in the
process of a customization job; that of a batch inference job is a client of the engine hosts.

It ends with 0 when the job has a terminal status (or belongs to a later attempt), with 75 when it was told to yield,
with 76 when it cannot go on now, and otherwise has crashed.
"""

import argparse
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable

from tanren.catalog.weights import WeightsCatalogue
from tanren.domain.arns import CUSTOMIZATION_JOB, MODEL_INVOCATION_JOB, parse_arn
from tanren.domain.clock import utc_now
from tanren.domain.customization_jobs import JobStatus
from tanren.domain.model_invocation_jobs import CLAIMABLE
from tanren.jobs.children import await_orders
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
from tanren.storage.model_invocation_jobs import ModelInvocationJobs
from tanren.storage.objects import ObjectStore
from tanren.storage.tables import customization_jobs, model_invocation_jobs
from tanren.storage.training_records import TrainingRecords

ENGINE_PATIENCE_SECONDS = 2.0
"""Longest wait for an engine that is starting before a batch job looks whether it is still wanted."""


def assignment_command(*, ahead: bool) -> list[str]:
    """Of a child that waits for its orders; `ahead`: with the libraries of a customization job loaded by then."""
    return [sys.executable, "-m", "tanren.assignment", *(["--ahead"] if ahead else [])]


def customization_queue(database: Database, settings: Settings) -> JobQueue:
    """The queue as worker and child both see it."""
    return JobQueue(
        database,
        customization_jobs,
        claimable=(JobStatus.IN_PROGRESS, JobStatus.STOPPING),
        lease_seconds=settings.lease_seconds,
    )


def invocation_queue(database: Database, settings: Settings) -> JobQueue:
    """As `customization_queue`, of model invocation jobs."""
    return JobQueue(database, model_invocation_jobs, claimable=CLAIMABLE, lease_seconds=settings.lease_seconds)


def main() -> int:
    log_to_stderr()
    # Only SIGTERM asks for a yield; a Ctrl-C in a terminal is for the supervisor.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parser = argparse.ArgumentParser(prog="tanren.assignment")
    parser.add_argument("--ahead", action="store_true")
    settings = read_settings()
    if parser.parse_args().ahead:
        _load_training(settings)
    assignment = await_orders().assignment
    end_with_parent(exit_at_once)
    yield_asked = threading.Event()
    on_signal(signal.SIGTERM, yield_asked.set)
    arn = parse_arn(assignment.job_arn)
    assert arn is not None
    database = Database(settings.effective_database_url)
    try:
        return _KINDS[arn.kind](assignment, settings, database, yield_asked.is_set)
    finally:
        database.close()


def _customize(assignment: Assignment, settings: Settings, database: Database, yield_asked: Callable[[], bool]) -> int:
    _load_training(settings)
    from tanren.workflows.customization import CannotGoOnNow, CustomizationWorkflow, Yielded

    jobs = CustomizationJobs(database)
    scope = jobs.by_arn(assignment.job_arn).scope
    workflow = CustomizationWorkflow(
        assignment,
        jobs=jobs,
        models=CustomModels(database),
        records=TrainingRecords(database),
        queue=customization_queue(database, settings),
        objects=ObjectStore(object_store_address(settings, scope)),
        artifacts=ArtifactStore(settings.data_dir / "artifacts"),
        weights=WeightsCatalogue(settings.data_dir),
        clock=utc_now,
        yield_asked=yield_asked,
        device=settings.training_device,
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
    return 0


def _load_training(settings: Settings) -> None:
    """Imports torch, with the workflow: it takes longer than all before it."""
    if settings.worker_threads:
        # Read by torch's thread pool when it is imported.
        os.environ["OMP_NUM_THREADS"] = str(settings.worker_threads)
    importlib.import_module("tanren.workflows.customization")


def _infer(assignment: Assignment, settings: Settings, database: Database, yield_asked: Callable[[], bool]) -> int:
    # Imported here: a training process needs neither the wire layer nor the runtime.
    from tanren.aws.batch_operations import BatchCaller, batch_operation
    from tanren.aws.operations.bedrock_runtime import runtime_handlers
    from tanren.runtime.inference import Inference
    from tanren.runtime.metering import UsageMeter
    from tanren.runtime.placement import StoredPlacement
    from tanren.storage.custom_model_deployments import CustomModelDeployments
    from tanren.storage.engine_hosts import EngineHosts
    from tanren.storage.provisioned_throughputs import ProvisionedThroughputs
    from tanren.storage.usage import UsageRecords
    from tanren.workflows.batch_inference import BatchInferenceWorkflow, CannotGoOnNow, Yielded

    jobs = ModelInvocationJobs(database)
    job = jobs.by_arn(assignment.job_arn)
    artifacts = ArtifactStore(settings.data_dir / "artifacts")
    meter = UsageMeter(UsageRecords(database), clock=utc_now)
    placement = StoredPlacement(
        CustomModels(database),
        ProvisionedThroughputs(database),
        CustomModelDeployments(database),
        EngineHosts(database),
        artifacts,
        WeightsCatalogue(settings.data_dir),
        clock=utc_now,
        patience_seconds=ENGINE_PATIENCE_SECONDS,
        meter=meter,
    )
    caller = BatchCaller(scope=job.scope, role_arn=job.role_arn, model_id=job.model_arn, job_arn=job.job_arn)
    workflow = BatchInferenceWorkflow(
        assignment,
        jobs=jobs,
        records=TrainingRecords(database),
        queue=invocation_queue(database, settings),
        objects=ObjectStore(object_store_address(settings, job.scope)),
        artifacts=artifacts,
        placement=placement,
        operation=batch_operation(job.invocation_type, runtime_handlers(Inference(placement)), caller, clock=utc_now),
        clock=utc_now,
        yield_asked=yield_asked,
        most_under_way=settings.batch_concurrency,
        engine_share=settings.batch_engine_share,
        minimum_records=settings.batch_minimum_records,
    )
    try:
        workflow.run()
    except Yielded:
        return YIELDED_EXIT_CODE
    except CannotGoOnNow:
        return LATER_EXIT_CODE
    finally:
        meter.close()
    return 0


_KINDS: dict[str, Callable[[Assignment, Settings, Database, Callable[[], bool]], int]] = {
    CUSTOMIZATION_JOB: _customize,
    MODEL_INVOCATION_JOB: _infer,
}


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
