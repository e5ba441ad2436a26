from pathlib import Path

import pytest

from tanren.control.service_status import ServiceStatusControl
from tanren.domain.customization_jobs import JobStatus
from tanren.jobs.queue import JobQueue
from tanren.model_files.store import NANO_FOLDER
from tanren.storage.engine_hosts import EngineHostStatus
from tanren.storage.tables import customization_jobs


@pytest.fixture
def queue(plane) -> JobQueue:
    return JobQueue(
        plane.job_rows.database,
        customization_jobs,
        claimable=(JobStatus.IN_PROGRESS, JobStatus.STOPPING),
        lease_seconds=30,
    )


@pytest.fixture
def control(plane, queue) -> ServiceStatusControl:
    return ServiceStatusControl(
        {"ModelCustomization": queue},
        plane.hosts,
        plane.weights,
        plane.artifacts,
        plane.model_rows,
        plane.imported_rows,
    )


def test_a_claimed_job_is_running_and_says_who_has_it(scope, plane, queue, control, new_job, clock):
    first = plane.jobs.create(scope, new_job())
    second = plane.jobs.create(scope, new_job(job_name="second", custom_model_name="second"))
    assert queue.claim("machine:1:0", now=clock()) is not None
    (found,) = control.status(scope).queues
    assert [job.job_arn for job in found.jobs] == [first, second]
    (running,) = found.running
    assert (running.job_arn, running.owner, running.attempt) == (first, "machine:1:0", 1)


def test_jobs_and_engines_of_other_accounts_are_not_told(scope, other_scope, plane, control, new_job, clock):
    plane.jobs.create(other_scope, new_job(role_arn="arn:aws:iam::210987654321:role/r"))
    plane.has_imported_model(other_scope, "theirs")
    plane.has_imported_model(scope, "ours")
    plane.hosts.want(str(NANO_FOLDER), at=clock())
    for model in plane.imported_rows.every():
        plane.hosts.want(str(plane.artifacts.resolve(model.artifact_path)), at=clock())
    found = control.status(scope)
    assert found.queues[0].jobs == []
    used = {engine.base_model: engine.last_used_at for engine in found.engines}
    # When somebody asked for a base that all share is not one account's to know.
    assert (set(used), used["nano-v1"]) == ({"nano-v1", "ours"}, None)
    assert used["ours"] is not None


def test_why_an_engine_failed_is_told_without_the_folders_of_the_machine(scope, plane, control, clock):
    plane.hosts.want(str(NANO_FOLDER), at=clock())
    root = plane.artifacts.root.parent
    message = f"It ended. {NANO_FOLDER}/model.safetensors is damaged; see '/usr/lib/x.so' (log: {root}/logs/host.log)"
    plane.hosts.set(str(NANO_FOLDER), EngineHostStatus.FAILED, at=clock(), failure_message=message)
    (engine,) = control.status(scope).engines
    assert engine.status is EngineHostStatus.FAILED
    assert engine.failure_message == ("It ended. nano-v1/model.safetensors is damaged; see 'x.so' (log: logs/host.log)")


def test_the_weights_of_the_store_are_told_nano_first(scope, control):
    (nano,) = control.status(scope).base_models
    assert (nano.key, Path(nano.folder)) == ("nano", NANO_FOLDER)
