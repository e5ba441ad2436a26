import pytest

from tanren.control.provisioned_throughputs import NewProvisionedThroughput
from tanren.domain.errors import Conflict, ResourceNotFound, ValidationFailed
from tanren.domain.provisioned_throughputs import ProvisionedStatus


def _new(**changes: object) -> NewProvisionedThroughput:
    values = {
        "name": "customer-service-pt",
        "model_identifier": "tuned",
        "model_units": 1,
        "commitment_duration": None,
        "client_request_token": None,
    }
    return NewProvisionedThroughput(**{**values, **changes})


@pytest.fixture
def in_service(plane, scope) -> str:
    """The ARN of a throughput that a provisioner has brought into service."""
    plane.has_model(scope)
    arn = plane.throughputs.create(scope, _new())
    with plane.throughput_rows.database.writing() as connection:
        plane.throughput_rows.change(connection, arn, status=ProvisionedStatus.IN_SERVICE)
    return arn


def test_a_new_throughput_is_creating_and_not_in_service(plane, scope):
    plane.has_model(scope)
    arn = plane.throughputs.create(scope, _new())
    assert plane.throughputs.get(scope, arn).status is ProvisionedStatus.CREATING


def test_a_throughput_of_an_unknown_model_is_refused(plane, scope):
    with pytest.raises(ResourceNotFound, match="tuned"):
        plane.throughputs.create(scope, _new())


def test_a_name_is_taken_once(plane, scope, in_service):
    with pytest.raises(Conflict, match="customer-service-pt"):
        plane.throughputs.create(scope, _new())


def test_an_update_keeps_the_old_model_until_the_new_one_answers(plane, scope, in_service):
    other = plane.has_model(scope, "tuned2")
    plane.throughputs.update(scope, in_service, name="renamed", model_identifier=other)
    found = plane.throughputs.get(scope, "renamed")
    assert found.status is ProvisionedStatus.UPDATING
    assert (found.model_arn == other, found.desired_model_arn == other) == (False, True)
    with pytest.raises(Conflict, match="being updated"):
        plane.throughputs.delete(scope, in_service)
    with pytest.raises(ValidationFailed, match="InService"):
        plane.throughputs.update(scope, in_service, name=None, model_identifier=other)


def test_an_update_to_a_model_of_another_base_is_refused(plane, scope, in_service):
    plane.has_model(scope, "other-base", foundation="tanren.nano-v1:0")
    with pytest.raises(ValidationFailed, match=r"tanren\.nano"):
        plane.throughputs.update(scope, in_service, name=None, model_identifier="other-base")


def test_a_committed_throughput_cannot_be_deleted_before_its_term_ends(plane, scope, clock):
    plane.has_model(scope)
    arn = plane.throughputs.create(scope, _new(commitment_duration="OneMonth"))
    with pytest.raises(Conflict, match="committed"):
        plane.throughputs.delete(scope, arn)
    clock.advance(days=31)
    plane.throughputs.delete(scope, arn)
    with pytest.raises(ResourceNotFound):
        plane.throughputs.get(scope, arn)
