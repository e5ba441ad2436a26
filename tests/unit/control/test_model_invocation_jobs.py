from datetime import timedelta

import pytest

from tanren.control.custom_model_deployments import NewDeployment
from tanren.domain.errors import Conflict, NotImplementedHere, ResourceNotFound, TanrenError, ValidationFailed
from tanren.domain.model_invocation_jobs import InvocationJobStatus
from tanren.domain.pages import PageRequest
from tanren.storage.resources import ListFilter


def test_a_created_job_is_found_by_arn_and_by_id_and_waits_in_the_queue(plane, scope, new_batch):
    arn = plane.batches.create(scope, new_batch(tags={"team": "forge"}))
    job = plane.batches.get(scope, arn)
    assert job == plane.batches.get(scope, job.job_id)
    assert arn == f"arn:aws:bedrock:us-west-2:123456789012:model-invocation-job/{job.job_id}"
    assert (job.status, job.attempt, job.counts.total) == (InvocationJobStatus.SUBMITTED, 0, 0)
    assert job.expires_at - job.created_at == job.timeout == timedelta(hours=24)
    assert plane.tags.list(scope, arn) == {"team": "forge"}


def test_a_name_is_no_identifier_and_a_job_of_another_scope_is_not_there(plane, scope, other_scope, new_batch):
    arn = plane.batches.create(scope, new_batch())
    for asked_in, identifier in ((scope, "nightly"), (other_scope, arn)):
        with pytest.raises(ResourceNotFound, match="no model invocation job"):
            plane.batches.get(asked_in, identifier)


def test_the_same_token_gives_the_same_job_and_other_parameters_are_a_conflict(plane, scope, new_batch):
    first = plane.batches.create(scope, new_batch(client_request_token="t1"))
    assert plane.batches.create(scope, new_batch(client_request_token="t1")) == first
    with pytest.raises(Conflict, match="token"):
        plane.batches.create(scope, new_batch(client_request_token="t1", timeout_hours=48))


def test_a_name_is_taken_once_in_an_account_and_region(plane, scope, other_scope, new_batch):
    plane.batches.create(scope, new_batch())
    with pytest.raises(Conflict, match="'nightly' already exists"):
        plane.batches.create(scope, new_batch())
    plane.batches.create(other_scope, new_batch(role_arn="arn:aws:iam::210987654321:role/R"))


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"model_identifier": "amazon.no-such-v1"}, ResourceNotFound, "amazon.titan-text-express-v1"),
        ({"model_identifier": "nobody"}, ResourceNotFound, "nobody"),
        ({"role_arn": "arn:aws:iam::999999999999:role/Mine"}, ValidationFailed, "999999999999"),
        ({"input_s3_uri": "s3://my-bucket"}, ValidationFailed, "whole bucket"),
        ({"input_s3_uri": "s3://my-bucket/"}, ValidationFailed, "whole bucket"),
        ({"bucket_owners": ("123456789012", "999999999999")}, NotImplementedHere, "s3BucketOwner is 999999999999"),
        ({"unsupported": ("vpcConfig",)}, NotImplementedHere, "vpcConfig"),
    ],
)
def test_a_request_that_breaks_a_rule_is_refused_and_makes_no_job(
    plane, scope, new_batch, changes: dict, error: type[TanrenError], text: str
):
    with pytest.raises(error, match=text):
        plane.batches.create(scope, new_batch(**changes))
    assert plane.batches.page(scope, PageRequest(), ListFilter()).items == []


def test_a_custom_model_and_a_deployment_can_be_asked_and_the_model_is_kept_meanwhile(plane, scope, new_batch):
    model = plane.has_model(scope)
    deployment = plane.deployments.create(
        scope, NewDeployment(name="d", model_identifier=model, description=None, client_request_token=None)
    )
    by_name = plane.batches.create(scope, new_batch(job_name="a", model_identifier="tuned"))
    by_deployment = plane.batches.create(scope, new_batch(job_name="b", model_identifier=deployment))
    job = plane.batches.get(scope, by_name)
    assert (job.model_id, job.model_arn) == ("tuned", model)
    assert plane.batches.get(scope, by_deployment).model_arn == deployment
    plane.deployments.delete(scope, deployment)
    with pytest.raises(Conflict, match=by_name):
        plane.models.delete(scope, model)
    plane.batches.stop(scope, by_name)
    plane.models.delete(scope, model)


def test_a_job_that_nobody_has_begun_is_stopped_at_once_and_only_a_running_one_can_be(plane, scope, new_batch, clock):
    arn = plane.batches.create(scope, new_batch())
    plane.batches.stop(scope, arn)
    job = plane.batches.get(scope, arn)
    assert job.status is InvocationJobStatus.STOPPED
    assert job.ended_at is not None
    with pytest.raises(Conflict, match="already ended: its status is Stopped"):
        plane.batches.stop(scope, arn)


@pytest.mark.parametrize("status", [InvocationJobStatus.SUBMITTED, InvocationJobStatus.IN_PROGRESS])
def test_a_job_that_a_worker_has_had_is_left_to_a_worker_to_stop(plane, scope, new_batch, status):
    arn = plane.batches.create(scope, new_batch())
    with plane.batch_rows.database.writing() as connection:
        plane.batch_rows.change(connection, arn, status=status, attempt=1)
    plane.batches.stop(scope, arn)
    plane.batches.stop(scope, arn)
    assert plane.batches.get(scope, arn).status is InvocationJobStatus.STOPPING


def test_lists_are_by_time_and_filtered_by_status_and_name(plane, scope, new_batch):
    arns = [plane.batches.create(scope, new_batch(job_name=name)) for name in ("one", "two", "twofold")]
    plane.batches.stop(scope, arns[1])

    def listed(**wanted) -> list[str]:
        return [job.job_arn for job in plane.batches.page(scope, PageRequest(), ListFilter(**wanted)).items]

    assert listed() == arns[::-1]
    assert listed(name_contains="two") == [arns[2], arns[1]]
    assert listed(equals={"status": "Stopped"}) == [arns[1]]
    assert listed(created_after=plane.batches.get(scope, arns[1]).created_at) == [arns[2]]
