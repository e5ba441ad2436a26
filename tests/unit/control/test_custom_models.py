import pytest

from tanren.control.custom_model_deployments import NewDeployment
from tanren.control.provisioned_throughputs import NewProvisionedThroughput
from tanren.domain.custom_models import CustomModelStatus
from tanren.domain.errors import Conflict, ResourceNotFound


def test_a_model_is_found_by_arn_by_name_and_by_the_seeds_arn_with_a_name(plane, scope):
    arn = plane.has_model(scope, "customer-service-titan")
    by_name = f"arn:aws:bedrock:{scope.region}:{scope.account_id}:custom-model/customer-service-titan"
    for identifier in (arn, "customer-service-titan", by_name):
        assert plane.models.get(scope, identifier).model_arn == arn


def test_a_model_from_elsewhere_is_creating_and_waits_for_a_worker(plane, scope, new_custom_model):
    arn = plane.models.create(scope, new_custom_model(tags={"team": "forge"}))
    model = plane.models.get(scope, "brought")
    assert arn == f"arn:aws:bedrock:us-west-2:123456789012:custom-model/imported/{model.model_id}"
    assert (model.status, model.customization_type) == (CustomModelStatus.CREATING, "IMPORTED")
    assert plane.tags.list(scope, arn) == {"team": "forge"}


def test_the_same_token_gives_the_same_model_and_other_parameters_are_a_conflict(plane, scope, new_custom_model):
    first = plane.models.create(scope, new_custom_model(client_request_token="t"))
    assert plane.models.create(scope, new_custom_model(client_request_token="t")) == first
    with pytest.raises(Conflict, match="token"):
        plane.models.create(scope, new_custom_model(client_request_token="t", source_s3_uri="s3://other/x"))


def test_a_name_is_taken_by_a_model_and_by_a_running_job(plane, scope, new_custom_model, new_job):
    plane.models.create(scope, new_custom_model())
    with pytest.raises(Conflict, match="'brought' already exists"):
        plane.models.create(scope, new_custom_model())
    with pytest.raises(Conflict, match="'brought' already exists"):
        plane.jobs.create(scope, new_job(custom_model_name="brought"))
    plane.jobs.create(scope, new_job(custom_model_name="reserved"))
    with pytest.raises(Conflict, match="running job will make a custom model named 'reserved'"):
        plane.models.create(scope, new_custom_model(model_name="reserved"))


def test_a_model_that_something_answers_with_or_trains_from_is_kept(plane, scope, new_job):
    arn = plane.has_model(scope)
    plane.throughputs.create(
        scope,
        NewProvisionedThroughput(
            name="pt", model_identifier=arn, model_units=1, commitment_duration=None, client_request_token=None
        ),
    )
    deployment = NewDeployment(name="d", model_identifier=arn, description=None, client_request_token=None)
    plane.deployments.create(scope, deployment)
    job = plane.jobs.create(scope, new_job(base_model_identifier="tuned"))
    with pytest.raises(Conflict) as caught:
        plane.models.delete(scope, "tuned")
    assert job in str(caught.value)
    assert "provisioned-model/" in str(caught.value)
    assert "custom-model-deployment/" in str(caught.value)


def test_deleting_a_model_removes_row_tags_and_weights(plane, scope):
    arn = plane.has_model(scope)
    folder = plane.artifacts.resolve("custom-models/tuned")
    folder.mkdir(parents=True)
    plane.tags.add(scope, arn, {"team": "forge"})
    plane.models.delete(scope, arn)
    assert not folder.exists()
    with pytest.raises(ResourceNotFound):
        plane.models.get(scope, arn)
    with pytest.raises(ResourceNotFound):
        plane.tags.list(scope, arn)


def test_another_account_cannot_delete_a_model(plane, scope, other_scope):
    arn = plane.has_model(scope)
    with pytest.raises(ResourceNotFound):
        plane.models.delete(other_scope, arn)
    assert plane.models.get(scope, arn).model_name == "tuned"
