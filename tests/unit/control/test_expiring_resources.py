"""The tag `tanren:ttl` from its setting to the deletion."""

import pytest

from tanren.control.custom_model_deployments import NewDeployment
from tanren.control.expiring_resources import ExpiringResources
from tanren.control.provisioned_throughputs import NewProvisionedThroughput
from tanren.domain.errors import ResourceNotFound, ValidationFailed
from tanren.domain.provisioned_throughputs import ProvisionedStatus


@pytest.fixture
def overdue(plane, database, clock):
    """Deletes what is overdue; the ARNs."""
    return ExpiringResources(database, plane.throughputs, plane.deployments, clock=clock).delete_overdue


@pytest.fixture
def create(plane, scope):
    plane.has_model(scope)

    def make(*, commitment: str | None = None, **tags: str) -> str:
        new = NewProvisionedThroughput(
            name="pt",
            model_identifier="tuned",
            model_units=1,
            commitment_duration=commitment,
            client_request_token=None,
            tags={key.replace("_", ":"): value for key, value in tags.items()},
        )
        return plane.throughputs.create(scope, new)

    return make


def test_a_throughput_deletes_itself_when_its_time_is_over_and_not_before(plane, scope, create, overdue, clock):
    arn = create(tanren_ttl="2h", team="forge")
    clock.advance(hours=1, minutes=59)
    assert overdue() == []
    clock.advance(minutes=2)
    assert overdue() == [arn]
    with pytest.raises(ResourceNotFound):
        plane.throughputs.get(scope, arn)
    assert overdue() == []


def test_a_deployment_deletes_itself_too(plane, scope, overdue, clock):
    model = plane.has_model(scope)
    new = NewDeployment(
        name="d", model_identifier=model, description=None, client_request_token=None, tags={"tanren:ttl": "60"}
    )
    arn = plane.deployments.create(scope, new)
    clock.advance(minutes=2)
    assert overdue() == [arn]


def test_a_time_that_is_set_later_counts_from_then_and_one_that_is_taken_away_counts_no_more(
    plane, scope, create, overdue, clock
):
    arn = create()
    clock.advance(hours=5)
    plane.tags.add(scope, arn, {"tanren:ttl": "1h"})
    assert overdue() == []
    clock.advance(minutes=50)
    plane.tags.add(scope, arn, {"team": "forge"})
    plane.tags.add(scope, arn, {"tanren:ttl": "PT1H"})
    clock.advance(minutes=50)
    assert overdue() == []
    plane.tags.remove(scope, arn, ["tanren:ttl"])
    clock.advance(days=9)
    assert overdue() == []
    plane.tags.add(scope, arn, {"tanren:ttl": "1s", "stage": "trial"})
    clock.advance(minutes=1)
    assert overdue() == [arn]


@pytest.mark.parametrize("ttl", ["soon", "0", "P1Y"])
def test_a_time_that_is_none_is_refused_and_nothing_is_made_or_changed(plane, scope, create, ttl):
    with pytest.raises(ValidationFailed, match="tanren:ttl"):
        create(tanren_ttl=ttl)
    arn = create(team="forge")
    with pytest.raises(ValidationFailed, match="tanren:ttl"):
        plane.tags.add(scope, arn, {"tanren:ttl": ttl, "team": "other"})
    assert plane.tags.list(scope, arn) == {"team": "forge"}


def test_a_committed_throughput_takes_no_time_that_ends_before_its_term(plane, scope, create, overdue, clock):
    with pytest.raises(ValidationFailed, match="commitment"):
        create(commitment="OneMonth", tanren_ttl="2h")
    arn = create(commitment="OneMonth", tanren_ttl="31d")
    with pytest.raises(ValidationFailed, match="commitment"):
        plane.tags.add(scope, arn, {"tanren:ttl": "2h"})
    clock.advance(days=31)
    assert overdue() == [arn]


def test_one_that_is_being_updated_is_deleted_when_the_update_is_done(plane, scope, create, overdue, clock):
    arn = create(tanren_ttl="1m")

    def set_status(status: ProvisionedStatus) -> None:
        with plane.throughput_rows.database.writing() as connection:
            plane.throughput_rows.change(connection, arn, status=status)

    set_status(ProvisionedStatus.UPDATING)
    clock.advance(minutes=2)
    assert overdue() == []
    set_status(ProvisionedStatus.IN_SERVICE)
    assert overdue() == [arn]


def test_what_was_deleted_by_hand_leaves_no_moment_behind(plane, scope, create, overdue, clock):
    plane.throughputs.delete(scope, create(tanren_ttl="1m"))
    clock.advance(minutes=2)
    assert overdue() == []
