"""What an account may have, for each quota: one more than that is refused, and room is made again."""

from collections.abc import Callable
from dataclasses import fields, replace

import pytest

from tanren.control.custom_model_deployments import CustomModelDeploymentControl, NewDeployment
from tanren.control.custom_models import CustomModelControl
from tanren.control.customization_jobs import CustomizationJobControl
from tanren.control.evaluation_jobs import EvaluationJobControl
from tanren.control.model_copy_jobs import ModelCopyJobControl
from tanren.control.model_import_jobs import ModelImportJobControl
from tanren.control.model_invocation_jobs import ModelInvocationJobControl
from tanren.control.provisioned_throughputs import NewProvisionedThroughput, ProvisionedThroughputControl
from tanren.domain.errors import QuotaExceeded
from tanren.domain.quotas import Quotas
from tanren.settings import Settings, read_settings
from tanren.storage.custom_models import CustomModels
from tanren.storage.engine_hosts import EngineHosts
from tanren.storage.resource_policies import ResourcePolicies


def refused(name: str, create: Callable[[], object]) -> None:
    """`create` is refused for this quota, in words that name it and the setting."""
    with pytest.raises(QuotaExceeded, match=f"and may have .*TANREN_QUOTA_{name.upper()}"):
        create()


def test_jobs_under_way_are_counted_and_room_is_made_by_stopping_one(plane, scope, other_scope, new_job, clock, new_id):
    quotas = Quotas(customization_jobs=1)
    jobs = CustomizationJobControl(
        plane.job_rows, plane.model_rows, plane.weights, clock=clock, new_id=new_id, quotas=quotas
    )
    first = jobs.create(scope, new_job(client_request_token="once"))
    again = new_job(job_name="second", custom_model_name="second")
    refused("customization_jobs", lambda: jobs.create(scope, again))
    # The same request once more makes nothing new, and another account or region has its own room.
    assert jobs.create(scope, new_job(client_request_token="once")) == first
    jobs.create(other_scope, replace(again, role_arn=f"arn:aws:iam::{other_scope.account_id}:role/Customization"))
    jobs.create(replace(scope, region="eu-west-1"), again)
    jobs.stop(scope, first)
    jobs.create(scope, again)


def test_a_job_a_copy_and_a_model_from_elsewhere_all_take_room_for_a_custom_model(
    plane, scope, new_job, new_copy, new_custom_model, clock, new_id
):
    quotas = Quotas(custom_models=2)
    jobs = CustomizationJobControl(
        plane.job_rows, plane.model_rows, plane.weights, clock=clock, new_id=new_id, quotas=quotas
    )
    copies = ModelCopyJobControl(
        plane.copy_rows,
        plane.model_rows,
        ResourcePolicies(plane.job_rows.database),
        clock=clock,
        new_id=new_id,
        quotas=quotas,
    )
    models = CustomModelControl(
        CustomModels(plane.job_rows.database),
        plane.job_rows,
        plane.throughput_rows,
        plane.deployment_rows,
        plane.artifacts,
        EngineHosts(plane.job_rows.database),
        clock=clock,
        new_id=new_id,
        quotas=quotas,
    )
    plane.has_model(scope)
    source = plane.has_model(replace(scope, region="us-east-1"))
    job = jobs.create(scope, new_job())
    refused("custom_models", lambda: jobs.create(scope, new_job(job_name="second", custom_model_name="second")))
    refused("custom_models", lambda: copies.create(scope, new_copy(source), principal_arn="arn:aws:iam::1:root"))
    refused("custom_models", lambda: models.create(scope, new_custom_model()))
    jobs.stop(scope, job)
    models.create(scope, new_custom_model())
    refused("custom_models", lambda: jobs.create(scope, new_job(job_name="third", custom_model_name="third")))


def test_an_import_under_way_takes_room_for_a_model(plane, scope, new_import, clock, new_id):
    imports = ModelImportJobControl(
        plane.import_rows, plane.imported_rows, clock=clock, new_id=new_id, quotas=Quotas(imported_models=2)
    )
    plane.has_imported_model(scope, "brought-before")
    imports.create(scope, new_import())
    another = new_import(job_name="second", imported_model_name="second")
    refused("imported_models", lambda: imports.create(scope, another))


def test_model_units_are_added_up(plane, scope, clock, new_id):
    throughputs = ProvisionedThroughputControl(
        plane.throughput_rows, plane.model_rows, clock=clock, new_id=new_id, quotas=Quotas(model_units=3)
    )
    model = plane.has_model(scope)

    def provision(name: str, units: int) -> str:
        new = NewProvisionedThroughput(
            name=name, model_identifier=model, model_units=units, commitment_duration=None, client_request_token=None
        )
        return throughputs.create(scope, new)

    provision("first", 2)
    refused("model_units", lambda: provision("second", 2))
    provision("third", 1)


def test_deployments_are_counted(plane, scope, clock, new_id):
    deployments = CustomModelDeploymentControl(
        plane.deployment_rows, plane.model_rows, clock=clock, new_id=new_id, quotas=Quotas(custom_model_deployments=1)
    )
    model = plane.has_model(scope)
    new = NewDeployment(name="first", model_identifier=model, description=None, client_request_token=None)
    deployments.create(scope, new)
    refused("custom_model_deployments", lambda: deployments.create(scope, replace(new, name="second")))


def test_batch_and_evaluation_jobs_are_counted_while_they_wait_or_run(
    plane, scope, new_batch, new_evaluation, clock, new_id
):
    quotas = Quotas(batch_jobs=1, evaluation_jobs=1)
    batches = ModelInvocationJobControl(
        plane.batch_rows, plane.model_rows, plane.deployment_rows, clock=clock, new_id=new_id, quotas=quotas
    )
    evaluations = EvaluationJobControl(
        plane.evaluation_rows,
        plane.model_rows,
        plane.imported_rows,
        plane.throughput_rows,
        plane.deployment_rows,
        clock=clock,
        new_id=new_id,
        quotas=quotas,
    )
    batches.create(scope, new_batch())
    refused("batch_jobs", lambda: batches.create(scope, new_batch(job_name="second")))
    evaluations.create(scope, new_evaluation())
    refused("evaluation_jobs", lambda: evaluations.create(scope, new_evaluation(job_name="second")))


def test_every_quota_is_a_setting_of_its_name_and_none_limits_unless_it_is_set() -> None:
    names = [spec.name for spec in fields(Quotas)]
    assert Settings().quotas == Quotas()
    environment = {f"TANREN_QUOTA_{name.upper()}": str(number) for number, name in enumerate(names, start=1)}
    assert read_settings(environment).quotas == Quotas(**{name: n for n, name in enumerate(names, start=1)})
