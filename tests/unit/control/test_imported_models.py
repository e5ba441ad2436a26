import pytest

from tanren.control.custom_model_deployments import NewDeployment
from tanren.control.provisioned_throughputs import NewProvisionedThroughput
from tanren.domain.errors import ResourceNotFound, ValidationFailed
from tanren.domain.imported_models import custom_model_units


def test_a_model_is_found_by_arn_and_by_name_in_its_own_scope_only(plane, scope, other_scope):
    arn = plane.has_imported_model(scope)
    assert plane.imported.get(scope, arn) == plane.imported.get(scope, "my-llama")
    for identifier in (arn, "my-llama"):
        with pytest.raises(ResourceNotFound, match="no imported model"):
            plane.imported.get(other_scope, identifier)
        with pytest.raises(ResourceNotFound):
            plane.imported.delete(other_scope, identifier)


def test_deleting_a_model_removes_row_tags_weights_and_its_engine_host(plane, scope):
    arn = plane.has_imported_model(scope)
    folder = plane.artifacts.resolve(plane.imported.get(scope, arn).artifact_path)
    plane.hosts.want(str(folder), at=plane.clock())
    plane.tags.add(scope, arn, {"team": "forge"})
    plane.imported.delete(scope, arn)
    assert not folder.exists()
    assert plane.hosts.every() == []
    for gone in (plane.imported.get, plane.tags.list):
        with pytest.raises(ResourceNotFound):
            gone(scope, arn)


def test_nothing_is_built_on_an_imported_model(plane, scope, new_job, new_batch):
    arn = plane.has_imported_model(scope)
    throughput = NewProvisionedThroughput(
        name="pt", model_identifier=arn, model_units=1, commitment_duration=None, client_request_token=None
    )
    deployment = NewDeployment(name="d", model_identifier=arn, description=None, client_request_token=None)
    for build in (
        lambda: plane.throughputs.create(scope, throughput),
        lambda: plane.deployments.create(scope, deployment),
        lambda: plane.jobs.create(scope, new_job(base_model_identifier=arn)),
        lambda: plane.batches.create(scope, new_batch(model_identifier=arn)),
    ):
        with pytest.raises(ValidationFailed, match="is an imported model"):
            build()


@pytest.mark.parametrize(("parameters", "units"), [(1, 1), (5_000_000_000, 1), (5_000_000_001, 2), (8_030_261_248, 2)])
def test_units_grow_with_the_weights(parameters: int, units: int):
    assert custom_model_units(parameters) == units
