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
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tanren.catalog.weights import WeightsCatalogue
from tanren.domain.arns import (
    CUSTOM_MODEL,
    CUSTOMIZATION_JOB,
    EVALUATION_JOB,
    MODEL_COPY_JOB,
    MODEL_IMPORT_JOB,
    MODEL_INVOCATION_JOB,
    parse_arn,
)
from tanren.domain.clock import utc_now
from tanren.domain.custom_models import CustomModelStatus
from tanren.domain.customization_jobs import JobStatus
from tanren.domain.evaluation_jobs import CLAIMABLE as EVALUATIONS_CLAIMABLE
from tanren.domain.model_copy_jobs import CopyJobStatus
from tanren.domain.model_import_jobs import ImportJobStatus
from tanren.domain.model_invocation_jobs import CLAIMABLE
from tanren.domain.scope import Scope
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
from tanren.storage.identity_database import IdentityDatabase
from tanren.storage.model_invocation_jobs import ModelInvocationJobs
from tanren.storage.objects import ObjectStore
from tanren.storage.principals import Principals
from tanren.storage.role_access import RoleAccess
from tanren.storage.role_objects import RoleObjects
from tanren.storage.tables import (
    custom_models,
    customization_jobs,
    evaluation_jobs,
    model_copy_jobs,
    model_import_jobs,
    model_invocation_jobs,
)
from tanren.storage.training_records import TrainingRecords

if TYPE_CHECKING:
    from tanren.runtime.placement import StoredPlacement
    from tanren.workflows.model_import import ImportTarget

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


def evaluation_queue(database: Database, settings: Settings) -> JobQueue:
    """As `customization_queue`, of evaluation jobs."""
    return JobQueue(database, evaluation_jobs, claimable=EVALUATIONS_CLAIMABLE, lease_seconds=settings.lease_seconds)


def import_queue(database: Database, settings: Settings) -> JobQueue:
    """As `customization_queue`, of model import jobs."""
    return JobQueue(
        database, model_import_jobs, claimable=(ImportJobStatus.IN_PROGRESS,), lease_seconds=settings.lease_seconds
    )


def copy_queue(database: Database, settings: Settings) -> JobQueue:
    """As `customization_queue`, of model copy jobs."""
    return JobQueue(
        database, model_copy_jobs, claimable=(CopyJobStatus.IN_PROGRESS,), lease_seconds=settings.lease_seconds
    )


def custom_model_queue(database: Database, settings: Settings) -> JobQueue:
    """As `customization_queue`, of custom models that CreateCustomModel makes."""
    return JobQueue(
        database, custom_models, claimable=(CustomModelStatus.CREATING,), lease_seconds=settings.lease_seconds
    )


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
    job = jobs.by_arn(assignment.job_arn)
    workflow = CustomizationWorkflow(
        assignment,
        jobs=jobs,
        models=CustomModels(database),
        records=TrainingRecords(database),
        queue=customization_queue(database, settings),
        objects=_objects(settings, database, job.scope, job.role_arn, job.job_arn),
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


def _objects(settings: Settings, database: Database, scope: Scope, role_arn: str | None, job_arn: str) -> ObjectStore:
    """S3 as the job's role may reach it; as the service may, where the role is none of ours (docs/adr/0007)."""
    address = object_store_address(settings, scope)
    access = _role_access(settings, database, scope, role_arn, job_arn)
    return ObjectStore(address) if access is None else RoleObjects(address, access)


def _role_access(
    settings: Settings, database: Database, scope: Scope, role_arn: str | None, job_arn: str
) -> RoleAccess | None:
    """None where nobody judges: there is no role, it is none of ours, or policies are off."""
    if role_arn is None or settings.iam == "off":
        return None
    role = Principals(IdentityDatabase(database)).role_of(role_arn)
    if role is None:
        return None
    return RoleAccess(role, scope=scope, job_arn=job_arn, clock=utc_now, is_enforced=settings.iam == "enforce")


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
    from tanren.workflows.batch_inference import BatchInferenceWorkflow, CannotGoOnNow, Yielded

    jobs = ModelInvocationJobs(database)
    job = jobs.by_arn(assignment.job_arn)
    caller = BatchCaller(scope=job.scope, role_arn=job.role_arn, model_id=job.model_arn, job_arn=job.job_arn)
    with _metered_placement(settings, database) as placement:
        handlers = runtime_handlers(Inference(placement))
        workflow = BatchInferenceWorkflow(
            assignment,
            jobs=jobs,
            records=TrainingRecords(database),
            queue=invocation_queue(database, settings),
            objects=_objects(settings, database, job.scope, job.role_arn, job.job_arn),
            artifacts=ArtifactStore(settings.data_dir / "artifacts"),
            placement=placement,
            operation=batch_operation(job.invocation_type, handlers, caller, clock=utc_now),
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
    return 0


def _evaluate(assignment: Assignment, settings: Settings, database: Database, yield_asked: Callable[[], bool]) -> int:
    # Imported here, as for `_infer`.
    from tanren.aws.batch_operations import BatchCaller, batch_operation
    from tanren.aws.operations.bedrock_runtime import runtime_handlers
    from tanren.evaluation.answers import LikelihoodScorer
    from tanren.runtime.batch_records import RecordOperation
    from tanren.runtime.inference import Inference
    from tanren.storage.evaluation_jobs import EvaluationJobs
    from tanren.workflows.evaluation import EvaluationWorkflow
    from tanren.workflows.evaluation_asking import Pacing

    jobs = EvaluationJobs(database)
    job = jobs.by_arn(assignment.job_arn)
    access = _role_access(settings, database, job.scope, job.role_arn, job.job_arn)
    with _metered_placement(settings, database) as placement:
        handlers = runtime_handlers(Inference(placement))

        def operation_for(model_arn: str) -> RecordOperation:
            if access is not None:
                access.check_model(model_arn)
            caller = BatchCaller(scope=job.scope, role_arn=job.role_arn, model_id=model_arn, job_arn=job.job_arn)
            return batch_operation("Converse", handlers, caller, clock=utc_now)

        def likelihoods_of(base: Path, adapter: Path | None, check_wanted: Callable[[], None]) -> LikelihoodScorer:
            # Only now: tensors, which most evaluations do without.
            from tanren.training.device import chosen_device
            from tanren.workflows.likelihoods import WeightsLikelihoods

            device = chosen_device(settings.training_device)
            return WeightsLikelihoods(base, adapter, device=device, check_wanted=check_wanted)

        workflow = EvaluationWorkflow(
            assignment,
            jobs=jobs,
            records=TrainingRecords(database),
            queue=evaluation_queue(database, settings),
            objects=_objects(settings, database, job.scope, job.role_arn, job.job_arn),
            artifacts=ArtifactStore(settings.data_dir / "artifacts"),
            placement=placement,
            operation_for=operation_for,
            likelihoods_of=likelihoods_of,
            clock=utc_now,
            yield_asked=yield_asked,
            pacing=Pacing(most_under_way=settings.batch_concurrency, engine_share=settings.batch_engine_share),
        )
        return _exit_code_of(workflow.run)


@contextmanager
def _metered_placement(settings: Settings, database: Database) -> Generator["StoredPlacement"]:
    """Where models answer a job that asks them; what it uses is written down by the end."""
    from tanren.runtime.metering import UsageMeter
    from tanren.runtime.placement import StoredPlacement
    from tanren.storage.custom_model_deployments import CustomModelDeployments
    from tanren.storage.engine_hosts import EngineHosts
    from tanren.storage.provisioned_throughputs import ProvisionedThroughputs
    from tanren.storage.usage import UsageRecords

    meter = UsageMeter(UsageRecords(database), clock=utc_now)
    try:
        yield StoredPlacement(
            CustomModels(database),
            ProvisionedThroughputs(database),
            CustomModelDeployments(database),
            EngineHosts(database),
            ArtifactStore(settings.data_dir / "artifacts"),
            WeightsCatalogue(settings.data_dir),
            clock=utc_now,
            patience_seconds=ENGINE_PATIENCE_SECONDS,
            meter=meter,
        )
    finally:
        meter.close()


def _import(assignment: Assignment, settings: Settings, database: Database, yield_asked: Callable[[], bool]) -> int:
    # Imported here: a training process needs none of it.
    from tanren.storage.imported_models import ImportedModels
    from tanren.storage.model_import_jobs import ModelImportJobs
    from tanren.workflows.imported_model_target import ImportedModelTarget

    jobs = ModelImportJobs(database)
    target = ImportedModelTarget(
        assignment,
        jobs=jobs,
        models=ImportedModels(database),
        artifacts=ArtifactStore(settings.data_dir / "artifacts"),
        clock=utc_now,
    )
    role_arn = jobs.by_arn(assignment.job_arn).role_arn
    return _bring_in(assignment, target, import_queue(database, settings), settings, yield_asked, role_arn=role_arn)


def _create_custom_model(
    assignment: Assignment, settings: Settings, database: Database, yield_asked: Callable[[], bool]
) -> int:
    from tanren.workflows.custom_model_target import CustomModelTarget

    target = CustomModelTarget(
        assignment,
        models=CustomModels(database),
        artifacts=ArtifactStore(settings.data_dir / "artifacts"),
        weights=WeightsCatalogue(settings.data_dir),
    )
    queue = custom_model_queue(database, settings)
    return _bring_in(assignment, target, queue, settings, yield_asked, role_arn=target.role_arn)


def _copy(assignment: Assignment, settings: Settings, database: Database, yield_asked: Callable[[], bool]) -> int:
    from tanren.storage.model_copy_jobs import ModelCopyJobs
    from tanren.workflows.model_copy import ModelCopyWorkflow

    ModelCopyWorkflow(
        assignment,
        jobs=ModelCopyJobs(database),
        models=CustomModels(database),
        artifacts=ArtifactStore(settings.data_dir / "artifacts"),
        clock=utc_now,
    ).run()
    return 0


def _bring_in(
    assignment: Assignment,
    target: "ImportTarget",
    queue: JobQueue,
    settings: Settings,
    yield_asked: Callable[[], bool],
    *,
    role_arn: str | None,
) -> int:
    from tanren.workflows.model_import import ModelImportWorkflow

    workflow = ModelImportWorkflow(
        assignment,
        target,
        records=TrainingRecords(queue.database),
        queue=queue,
        objects=_objects(settings, queue.database, target.scope, role_arn, assignment.job_arn),
        artifacts=ArtifactStore(settings.data_dir / "artifacts"),
        clock=utc_now,
        yield_asked=yield_asked,
    )
    return _exit_code_of(workflow.run)


def _exit_code_of(run: Callable[[], None]) -> int:
    from tanren.workflows.interruptions import CannotGoOnNow, Yielded

    try:
        run()
    except Yielded:
        return YIELDED_EXIT_CODE
    except CannotGoOnNow:
        return LATER_EXIT_CODE
    return 0


_KINDS: dict[str, Callable[[Assignment, Settings, Database, Callable[[], bool]], int]] = {
    CUSTOMIZATION_JOB: _customize,
    MODEL_INVOCATION_JOB: _infer,
    EVALUATION_JOB: _evaluate,
    MODEL_IMPORT_JOB: _import,
    CUSTOM_MODEL: _create_custom_model,
    MODEL_COPY_JOB: _copy,
}


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
