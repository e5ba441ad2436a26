import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from tanren.control.custom_model_deployments import NewDeployment
from tanren.control.provisioned_throughputs import NewProvisionedThroughput
from tanren.domain.conversation import user_turn
from tanren.domain.custom_model_deployments import DeploymentStatus
from tanren.domain.errors import (
    EngineFailed,
    ModelNotReady,
    NotImplementedHere,
    ResourceNotFound,
    ServiceUnavailable,
    TanrenError,
    ValidationFailed,
)
from tanren.domain.generation import GenerationRequest
from tanren.domain.provisioned_throughputs import ProvisionedStatus
from tanren.domain.usage import Usage
from tanren.model_files.store import NANO_FOLDER
from tanren.runtime.inference import Placed
from tanren.runtime.metering import UsageKey
from tanren.runtime.placement import StoredPlacement
from tanren.serving.client import EngineClient
from tanren.storage.engine_hosts import EngineHosts, EngineHostStatus
from tests.unit.runtime.placed_engine import PlacedEngine


@pytest.fixture
def hosts(database, clock) -> EngineHosts:
    """The base's engine host is ready."""
    hosts = EngineHosts(database)
    hosts.want(str(NANO_FOLDER), at=clock())
    hosts.set(str(NANO_FOLDER), EngineHostStatus.READY, at=clock(), socket_path="/run/engine.sock")
    return hosts


@pytest.fixture
def placement(plane, hosts, clock) -> StoredPlacement:
    return StoredPlacement(
        plane.model_rows,
        plane.throughput_rows,
        plane.deployment_rows,
        hosts,
        plane.artifacts,
        plane.weights,
        clock=clock,
        patience_seconds=0.0,
    )


@pytest.fixture
def model_arn(plane, scope) -> str:
    arn = plane.has_model(scope)
    folder: Path = plane.artifacts.resolve("custom-models/tuned")
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    return arn


def _throughput(plane, scope, status: ProvisionedStatus) -> str:
    arn = plane.throughputs.create(
        scope,
        NewProvisionedThroughput(
            name="pt", model_identifier="tuned", model_units=1, commitment_duration=None, client_request_token=None
        ),
    )
    with plane.throughput_rows.database.writing() as connection:
        plane.throughput_rows.change(connection, arn, status=status, failure_message="the reason")
    return arn


def _deployment(plane, scope, status: DeploymentStatus) -> str:
    new = NewDeployment(name="d", model_identifier="tuned", description=None, client_request_token=None)
    arn = plane.deployments.create(scope, new)
    with plane.deployment_rows.database.writing() as connection:
        plane.deployment_rows.change(connection, arn, status=status, failure_message="the reason")
    return arn


def test_every_way_to_name_a_model_leads_to_its_adapter(plane, scope, placement, model_arn):
    by_name = f"arn:aws:bedrock:{scope.region}:{scope.account_id}:custom-model/tuned"
    throughput = _throughput(plane, scope, ProvisionedStatus.IN_SERVICE)
    deployment = _deployment(plane, scope, DeploymentStatus.ACTIVE)
    for model_id in (model_arn, "tuned", by_name, throughput, "pt", deployment, "d"):
        placed = asyncio.run(placement.place(scope, model_id))
        assert placed.adapter is not None
        assert placed.adapter.folder == str(plane.artifacts.resolve("custom-models/tuned"))
        assert placed.adapter.sha256 == "0" * 64
        assert placed.body_format == "titan_text"


@pytest.mark.sqlite
def test_a_model_that_was_found_is_found_again_without_a_look_at_the_rows_until_they_change(
    plane, scope, placement, model_arn, monkeypatch
):
    _throughput(plane, scope, ProvisionedStatus.IN_SERVICE)
    first = asyncio.run(placement.place(scope, "pt"))

    looks = []
    look = placement.resolve
    monkeypatch.setattr(placement, "resolve", lambda *asked: looks.append(asked) or look(*asked))
    again = asyncio.run(placement.place(scope, "pt"))
    assert (again.adapter, again.engine, looks) == (first.adapter, first.engine, [])

    with plane.throughput_rows.database.writing() as connection:
        plane.throughput_rows.change(
            connection,
            plane.throughputs.get(scope, "pt").provisioned_arn,
            status=ProvisionedStatus.FAILED,
            failure_message="it broke",
        )
    with pytest.raises(ValidationFailed, match="it broke"):
        asyncio.run(placement.place(scope, "pt"))


@pytest.mark.sqlite
def test_a_model_that_was_found_is_looked_for_again_where_its_folder_is_gone(plane, scope, placement, model_arn):
    assert asyncio.run(placement.place(scope, "tuned")).adapter is not None
    folder = plane.artifacts.resolve("custom-models/tuned")
    (folder / "adapter_config.json").unlink()
    folder.rmdir()
    with pytest.raises(EngineFailed, match="are gone"):
        asyncio.run(placement.place(scope, "tuned"))


@pytest.mark.sqlite
def test_that_a_base_is_in_use_is_noted_again_after_a_while(scope, placement, hosts, clock):
    arn = f"arn:aws:bedrock:{scope.region}::foundation-model/amazon.titan-text-express-v1"
    asyncio.run(placement.place(scope, arn))
    before = hosts.find(str(NANO_FOLDER)).used_at
    clock.advance(minutes=1)
    asyncio.run(placement.place(scope, arn))
    assert hosts.find(str(NANO_FOLDER)).used_at - before >= timedelta(minutes=1)


def test_an_imported_model_that_is_cold_is_not_ready_past_the_stated_wait_by_arn_and_by_name(plane, scope, placement):
    arn = plane.has_imported_model(scope)
    folder = plane.artifacts.resolve(plane.imported.get(scope, arn).artifact_path)
    with pytest.raises(ModelNotReady, match="not ready after"):
        asyncio.run(placement.place(scope, arn))
    assert placement.base_folder(scope, "my-llama") == folder
    named = placement.resolve(scope, arn)
    assert (named.resource_arn, named.foundation.customizations) == (arn, ())


def test_an_inference_profile_leads_to_its_base_model_and_is_what_is_metered(scope, placement):
    arn = f"arn:aws:bedrock:{scope.region}:{scope.account_id}:inference-profile/us.amazon.nova-lite-v1:0"
    for model_id in ("us.amazon.nova-lite-v1:0", arn):
        named = placement.resolve(scope, model_id)
        assert (named.foundation.model_id, named.resource_arn) == ("amazon.nova-lite-v1:0", arn)
    with pytest.raises(ValidationFailed, match="identifier is invalid"):
        placement.resolve(scope, "eu.amazon.nova-lite-v1:0")


@pytest.mark.parametrize("has_chat_template", [True, False])
def test_an_imported_model_answers_with_the_weights_that_were_imported_and_no_others(
    plane, scope, hosts, placement, clock, monkeypatch, has_chat_template: bool
):
    arn = plane.has_imported_model(scope, has_chat_template=has_chat_template)
    folder = plane.artifacts.resolve(plane.imported.get(scope, arn).artifact_path)
    hosts.want(str(folder), at=clock())
    hosts.set(str(folder), EngineHostStatus.READY, at=clock(), socket_path="/run/imported.sock")

    async def described(self: EngineClient) -> SimpleNamespace:
        return SimpleNamespace(base_sha256=digest)

    monkeypatch.setattr(EngineClient, "describe", described)
    digest = "1" * 64
    with pytest.raises(EngineFailed, match="not those that its job published"):
        asyncio.run(placement.place(scope, arn))
    digest = "0" * 64
    placed = asyncio.run(placement.place(scope, arn))
    assert (placed.adapter, placed.takes_conversations) == (None, has_chat_template)


def test_a_base_model_is_placed_without_an_adapter_and_in_its_familys_body(scope, placement):
    arn = f"arn:aws:bedrock:{scope.region}::foundation-model/anthropic.claude-3-haiku-20240307-v1:0"
    placed = asyncio.run(placement.place(scope, arn))
    assert (placed.adapter, placed.body_format) == (None, "anthropic_messages")


@pytest.mark.parametrize(
    ("model_id", "error", "text"),
    [
        ("amazon.no-such-v1", ValidationFailed, "The provided model identifier is invalid"),
        ("amazon.no-such-v1", ValidationFailed, r"amazon\.titan-text-lite-v1"),
        ("nobody", ValidationFailed, "begin with one of amazon.* tanren; ListFoundationModels"),
        ("amazon.nova-2-sonic-v1:0", NotImplementedHere, "speech"),
        ("arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-2-omni-v1:0", NotImplementedHere, "several media"),
        ("arn:aws:bedrock:us-west-2:123456789012:provisioned-model/abcdefghijkl", ResourceNotFound, "no resource"),
        ("arn:aws:bedrock:eu-west-1:123456789012:provisioned-model/abcdefghijkl", ResourceNotFound, "not in account"),
    ],
)
def test_an_id_that_leads_nowhere_is_refused(scope, placement, model_id, error: type[TanrenError], text):
    with pytest.raises(error, match=text):
        asyncio.run(placement.place(scope, model_id))


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("tunde", "tuned"),
        ("amazon.titan-text-expres-v1", "amazon.titan-text-express-v1"),
        ("eu.amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
        ("arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-light-v1:0", "amazon.nova-lite-v1:0"),
        ("MODEL ARN", "MODEL ARN"),
    ],
)
def test_an_unknown_id_is_told_the_nearest_valid_ones(scope, placement, model_arn, wrong, nearest):
    if wrong == "MODEL ARN":
        wrong, nearest = model_arn[:-1] + "x", model_arn
    with pytest.raises((ValidationFailed, ResourceNotFound)) as raised:
        asyncio.run(placement.place(scope, wrong))
    assert nearest in str(raised.value).partition("Nearest: ")[2].partition(". ")[0]


def test_what_is_being_created_is_not_ready_and_what_has_failed_says_why(plane, scope, placement, model_arn):
    throughput = _throughput(plane, scope, ProvisionedStatus.CREATING)
    with pytest.raises(ModelNotReady, match="Creating"):
        asyncio.run(placement.place(scope, throughput))
    failed = _deployment(plane, scope, DeploymentStatus.FAILED)
    with pytest.raises(ValidationFailed, match="the reason"):
        asyncio.run(placement.place(scope, failed))


def test_an_engine_that_is_not_there_yet_is_asked_for_and_the_caller_told_to_come_back(scope, placement, hosts, clock):
    hosts.set(str(NANO_FOLDER), EngineHostStatus.STARTING, at=clock())
    with pytest.raises(ModelNotReady, match="not ready"):
        asyncio.run(placement.place(scope, "tanren.nano-v1:0"))


def test_a_model_of_another_account_is_not_found(plane, other_scope, placement, model_arn):
    for model_id in (model_arn, "tuned"):
        with pytest.raises((ResourceNotFound, ValidationFailed)):
            asyncio.run(placement.place(other_scope, model_id))


def _ready(hosts, folder: Path, clock) -> None:
    hosts.want(str(folder), at=clock())
    hosts.set(str(folder), EngineHostStatus.READY, at=clock(), socket_path=f"/run/{folder.name}.sock")


def test_a_custom_model_is_placed_on_its_own_base_whatever_answers_under_the_id_today(
    plane, scope, placement, hosts, clock, tiny_model, model_arn
):
    stored = plane.weights.store.import_folder(tiny_model)
    _ready(hosts, stored.folder, clock)
    titan = "amazon.titan-text-express-v1"
    plane.weights.file.write_text(f'[stand-ins]\n"{titan}" = "{stored.key}"\n')
    bound = plane.weights.weights_of(titan).bound()
    on_tiny = plane.has_model(scope, "ontiny", bound=bound)
    folder = plane.artifacts.resolve("custom-models/ontiny")
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")

    def sockets() -> list[str]:
        placed = [asyncio.run(placement.place(scope, model_id)) for model_id in (titan, model_arn, on_tiny)]
        return [each.engine.socket_path for each in placed]

    tiny, nano = f"/run/{stored.key}.sock", "/run/engine.sock"
    assert sockets() == [tiny, nano, tiny]
    plane.weights.file.unlink()
    assert sockets() == [nano, nano, tiny]
    plane.weights.store.remove(stored.key)
    with pytest.raises(EngineFailed, match=r"base of .* is gone.*import"):
        asyncio.run(placement.place(scope, on_tiny))


def test_why_an_engine_failed_is_told_without_the_folders_of_the_machine(plane, scope, placement, hosts, clock):
    hosts.want(str(NANO_FOLDER), at=clock())
    root = plane.artifacts.root.parent
    reason = f"It ended. {NANO_FOLDER}/model.safetensors is damaged; see '/usr/lib/x.so' (log: {root}/logs/host.log)"
    hosts.set(str(NANO_FOLDER), EngineHostStatus.FAILED, at=clock(), failure_message=reason)
    with pytest.raises(EngineFailed) as raised:
        asyncio.run(placement.place(scope, "tanren.nano-v1:0"))
    assert str(raised.value) == (
        f"The engine of {NANO_FOLDER.name} could not be started: It ended. {NANO_FOLDER.name}/model.safetensors is "
        "damaged; see 'x.so' (log: logs/host.log)"
    )


def test_an_adapter_on_whole_weights_is_placed_on_these(plane, scope, placement, hosts, clock, model_arn):
    bound = replace(plane.weights.bound_to({}), artifact_path="custom-models/whole")
    _ready(hosts, plane.artifacts.resolve("custom-models/whole"), clock)
    plane.has_model(scope, "second", bound=bound)
    folder = plane.artifacts.resolve("custom-models/second")
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    placed = asyncio.run(placement.place(scope, "second"))
    assert placed.engine.socket_path == "/run/whole.sock"


def test_a_broken_catalogue_is_refused_for_base_models_and_leaves_custom_models_alone(
    plane, scope, placement, model_arn
):
    plane.weights.file.write_text("[stand-ins")
    with pytest.raises(ServiceUnavailable, match=r"catalog\.toml"):
        asyncio.run(placement.place(scope, "amazon.titan-text-express-v1"))
    assert asyncio.run(placement.place(scope, model_arn)).adapter is not None


class Noted:
    def __init__(self) -> None:
        self.keys: list[UsageKey] = []

    def note(self, key: UsageKey, used: Usage) -> None:
        self.keys.append(key)


@pytest.mark.parametrize("how", ["throughput", "deployment", "model", "base"])
def test_what_is_metered_names_what_was_asked_and_what_answers(plane, scope, hosts, clock, model_arn, how):
    titan = f"arn:aws:bedrock:{scope.region}::foundation-model/amazon.titan-text-express-v1"
    asked, answers = {
        "throughput": (_throughput(plane, scope, ProvisionedStatus.IN_SERVICE), model_arn),
        "deployment": (_deployment(plane, scope, DeploymentStatus.ACTIVE), model_arn),
        "model": (model_arn, model_arn),
        "base": (titan, titan),
    }[how]
    noted = Noted()
    rows = (plane.model_rows, plane.throughput_rows, plane.deployment_rows, hosts, plane.artifacts, plane.weights)
    placement = StoredPlacement(*rows, clock=clock, patience_seconds=0.0, meter=noted)
    placed = asyncio.run(placement.place(scope, asked))
    placed.engine._engine = PlacedEngine()
    asyncio.run(_answered(placed))
    assert noted.keys == [UsageKey(scope=scope, resource_arn=asked, model_arn=answers)]


async def _answered(placed: Placed) -> None:
    request = GenerationRequest(conversation=user_turn("hi"), max_new_tokens=4, temperature=0.0)
    async with aclosing(placed.engine.generate(request, placed.adapter)) as events:
        async for _ in events:
            pass


def test_the_base_of_a_model_is_known_without_asking_for_its_engine(plane, scope, placement, hosts, model_arn):
    hosts.clear()
    assert placement.base_folder(scope, model_arn) == placement.base_folder(scope, "tanren.nano-v1:0") == NANO_FOLDER
    assert hosts.every() == []
