"""Nothing is in service before it has answered; what cannot answer says why."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.control.custom_model_deployments import NewDeployment
from tanren.control.provisioned_throughputs import NewProvisionedThroughput
from tanren.domain.custom_model_deployments import DeploymentStatus, UpdateStatus
from tanren.domain.errors import ModelNotReady, ServiceUnavailable, TanrenError, ValidationFailed
from tanren.domain.generation import FinishReason, GenerationEnd, GenerationStart
from tanren.domain.provisioned_throughputs import ProvisionedStatus
from tanren.runtime.provisioning import Provisioner
from tanren.serving.protocol import AdapterRef

END = GenerationEnd(
    finish_reason=FinishReason.END_TURN,
    stop_sequence=None,
    input_token_count=1,
    output_token_count=1,
    first_token_ms=1,
    total_ms=1,
)


class Engine:
    """Loads any adapter and answers, unless a model is told to fail."""

    def __init__(self) -> None:
        self.error_of: dict[str, TanrenError] = {}
        self.loaded: list[str] = []
        self.answered: list[str] = []

    async def locate(self, scope, model_arn):
        return FOUNDATION_MODELS["tanren.nano-v1:0"], self, AdapterRef(folder=model_arn, sha256="0" * 64)

    async def load_adapter(self, adapter: AdapterRef) -> None:
        if adapter.folder in self.error_of:
            raise self.error_of[adapter.folder]
        self.loaded.append(adapter.folder)

    async def generate(self, request, adapter) -> AsyncGenerator[object]:
        yield GenerationStart(input_token_count=1)
        self.answered.append(adapter.folder)
        yield END


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def settle(plane, engine, clock):
    """One round of the provisioner, to its end."""
    provisioner = Provisioner(plane.throughput_rows, plane.deployment_rows, engine, clock=clock)

    async def one_round() -> None:
        provisioner.begin_round()
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))

    return lambda: asyncio.run(one_round())


@pytest.fixture
def throughput(plane, scope) -> str:
    plane.has_model(scope)
    new = NewProvisionedThroughput(
        name="pt", model_identifier="tuned", model_units=1, commitment_duration=None, client_request_token=None
    )
    return plane.throughputs.create(scope, new)


def test_a_throughput_is_in_service_after_its_adapter_is_loaded_and_has_answered(
    plane, scope, engine, settle, throughput
):
    settle()
    found = plane.throughputs.get(scope, throughput)
    assert found.status is ProvisionedStatus.IN_SERVICE
    assert engine.loaded == engine.answered == [found.model_arn]


@pytest.mark.parametrize("error", [ModelNotReady("starting"), ServiceUnavailable("restarting")])
def test_an_engine_that_is_not_there_yet_is_waited_for(plane, scope, engine, settle, throughput, error):
    arn = plane.throughputs.get(scope, throughput).model_arn
    engine.error_of[arn] = error
    settle()
    assert plane.throughputs.get(scope, throughput).status is ProvisionedStatus.CREATING
    del engine.error_of[arn]
    settle()
    assert plane.throughputs.get(scope, throughput).status is ProvisionedStatus.IN_SERVICE


def test_an_adapter_that_cannot_be_loaded_fails_the_throughput_with_the_reason(
    plane, scope, engine, settle, throughput
):
    engine.error_of[plane.throughputs.get(scope, throughput).model_arn] = ValidationFailed("another digest")
    settle()
    found = plane.throughputs.get(scope, throughput)
    assert (found.status, found.failure_message) == (ProvisionedStatus.FAILED, "another digest")


def test_an_update_that_fails_leaves_the_old_model_in_service(plane, scope, engine, settle, throughput):
    settle()
    old = plane.throughputs.get(scope, throughput).model_arn
    new = plane.has_model(scope, "tuned2")
    plane.throughputs.update(scope, throughput, name=None, model_identifier=new)
    engine.error_of[new] = ValidationFailed("torn file")
    settle()
    found = plane.throughputs.get(scope, throughput)
    assert (found.status, found.model_arn, found.desired_model_arn) == (ProvisionedStatus.IN_SERVICE, old, old)
    assert found.failure_message == "torn file"


def test_what_was_measured_holds_for_the_model_that_answers(plane, scope, engine, settle, throughput):
    settle()
    with plane.throughput_rows.database.writing() as connection:
        plane.throughput_rows.change(connection, throughput, tokens_per_minute=21500)
    new = plane.has_model(scope, "tuned2")
    engine.error_of[new] = ValidationFailed("torn file")
    plane.throughputs.update(scope, throughput, name=None, model_identifier=new)
    settle()
    assert plane.throughputs.get(scope, throughput).tokens_per_minute == 21500
    engine.error_of.clear()
    plane.throughputs.update(scope, throughput, name=None, model_identifier=new)
    settle()
    assert plane.throughputs.get(scope, throughput).tokens_per_minute is None


def test_a_deployment_becomes_active_and_its_update_replaces_the_model(plane, scope, settle):
    first, second = plane.has_model(scope, "one"), plane.has_model(scope, "two")
    new = NewDeployment(name="d", model_identifier=first, description=None, client_request_token=None)
    arn = plane.deployments.create(scope, new)
    settle()
    assert plane.deployments.get(scope, arn).status is DeploymentStatus.ACTIVE
    plane.deployments.update(scope, arn, model_identifier=second)
    settle()
    found = plane.deployments.get(scope, arn)
    assert (found.model_arn, found.update_status) == (second, UpdateStatus.COMPLETED)
