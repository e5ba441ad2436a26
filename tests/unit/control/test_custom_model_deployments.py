import pytest

from tanren.control.custom_model_deployments import NewDeployment
from tanren.domain.custom_model_deployments import DeploymentStatus, UpdateStatus
from tanren.domain.errors import ResourceNotFound, ValidationFailed


def _new(model: str) -> NewDeployment:
    return NewDeployment(name="d1", model_identifier=model, description="first", client_request_token=None)


def test_a_base_model_needs_no_deployment(plane, scope):
    with pytest.raises(ValidationFailed, match="base model"):
        plane.deployments.create(scope, _new("tanren.nano-v1:0"))


def test_only_an_active_deployment_is_updated_and_its_old_model_answers_meanwhile(plane, scope):
    first, second = plane.has_model(scope, "one"), plane.has_model(scope, "two")
    arn = plane.deployments.create(scope, _new(first))
    with pytest.raises(ValidationFailed, match="Creating"):
        plane.deployments.update(scope, arn, model_identifier=second)
    with plane.deployment_rows.database.writing() as connection:
        plane.deployment_rows.change(connection, arn, status=DeploymentStatus.ACTIVE)
    plane.deployments.update(scope, "d1", model_identifier=second)
    found = plane.deployments.get(scope, arn)
    assert (found.model_arn, found.update_model_arn, found.update_status) == (first, second, UpdateStatus.UPDATING)


def test_a_deleted_deployment_is_gone(plane, scope):
    arn = plane.deployments.create(scope, _new(plane.has_model(scope)))
    plane.deployments.delete(scope, arn)
    with pytest.raises(ResourceNotFound):
        plane.deployments.get(scope, arn)
