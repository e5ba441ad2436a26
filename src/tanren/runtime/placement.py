"""Where a model id leads: which engine host holds its base, which adapter answers, in which body format by default.

resolve   id, name or ARN → what it names: throughput, deployment, model; and the foundation model at the root;
          remembered until something is written to the store
base      → the folder of the weights that must be in memory, and the adapter on them
engine    → the host that has them, waited for while it starts
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tanren.catalog.foundation_models import FOUNDATION_MODELS, known_ids, refuse_other_modalities, root_model
from tanren.catalog.inference_profiles import find_inference_profile
from tanren.catalog.profiles.imported import IMPORTED_MODEL
from tanren.catalog.tool_use import has_tool_use
from tanren.catalog.weights import WeightsCatalogue
from tanren.domain import arns
from tanren.domain.clock import Clock
from tanren.domain.custom_model_deployments import DeploymentStatus
from tanren.domain.custom_models import CustomModel, CustomModelStatus
from tanren.domain.customization_jobs import CustomizationJob
from tanren.domain.errors import EngineFailed, ModelNotReady, ResourceNotFound, ValidationFailed
from tanren.domain.foundation_models import FoundationModel
from tanren.domain.host_paths import without_folders
from tanren.domain.imported_models import ImportedModel
from tanren.domain.provisioned_throughputs import ProvisionedStatus
from tanren.domain.scope import Scope
from tanren.runtime.inference import Placed, ServingEngine
from tanren.runtime.metering import Meter, MeteredEngine, UsageKey
from tanren.runtime.nearest_ids import nearest_sentence
from tanren.runtime.placement_memory import PlacementMemory
from tanren.serving.client import EngineClient
from tanren.serving.protocol import AdapterRef
from tanren.storage.artifacts import ArtifactStore, is_adapter_folder
from tanren.storage.custom_model_deployments import CustomModelDeployments
from tanren.storage.custom_models import CustomModels
from tanren.storage.engine_hosts import EngineHost, EngineHosts, EngineHostStatus
from tanren.storage.imported_models import ImportedModels
from tanren.storage.provisioned_throughputs import ProvisionedThroughputs

_POLL_SECONDS = 0.05
_MOST_CLIENTS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a caller's model id names."""

    foundation: FoundationModel
    """At the root."""
    custom: CustomModel | None
    """None where the foundation model itself answers, or an imported model."""
    imported: ImportedModel | None = None
    """None for everything else."""
    model_arn: str
    """Of the model that answers."""
    resource_arn: str
    """Of what was asked: a throughput, a deployment, or the model itself."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the rows say of a model id."""

    named: Named
    host: EngineHost
    """Of the base, as it was a moment ago."""


class StoredPlacement:
    """Placement by the rows of the store."""

    def __init__(
        self,
        models: CustomModels,
        throughputs: ProvisionedThroughputs,
        deployments: CustomModelDeployments,
        hosts: EngineHosts,
        artifacts: ArtifactStore,
        weights: WeightsCatalogue,
        *,
        clock: Clock,
        patience_seconds: float = 30.0,
        meter: Meter | None = None,
    ) -> None:
        self._models = models
        self._imported = ImportedModels(models.database)
        self._throughputs = throughputs
        self._deployments = deployments
        self._hosts = hosts
        self._artifacts = artifacts
        self._weights = weights
        self._clock = clock
        self._patience_seconds = patience_seconds
        """How long a request waits for an engine host that is starting."""
        self._meter = meter
        """Hears what is used through `place`."""
        self._memory: PlacementMemory[_Found] = PlacementMemory(models.database)
        self._clients: dict[str, EngineClient] = {}
        """By socket, so that a host's connections serve one request after another."""
        self._verified: set[tuple[str, str]] = set()
        """Models by ARN, and the sockets of the hosts whose weights have been compared with the digest."""

    async def place(self, scope: Scope, model_id: str) -> Placed:
        """Raises ResourceNotFound, ValidationFailed, or ModelNotReady past the stated wait."""
        named, client, adapter = await self._found(scope, model_id)
        engine: ServingEngine = client
        if self._meter is not None:
            used = UsageKey(scope=scope, resource_arn=named.resource_arn, model_arn=named.model_arn)
            engine = MeteredEngine(client, self._meter, used)
        return Placed(
            engine=engine,
            adapter=adapter,
            model_id=model_id,
            body_format=named.foundation.body_format,
            has_tool_use=has_tool_use(named.foundation.model_id),
            is_imported=named.imported is not None,
            takes_conversations=named.imported is None or named.imported.has_chat_template,
        )

    async def locate(self, scope: Scope, model_id: str) -> tuple[FoundationModel, EngineClient, AdapterRef | None]:
        """The catalogue's entry at the root, the engine that holds the base, the adapter. Raises as `place`.

        What is asked of this engine is the service's own use, and is not metered.
        """
        named, engine, adapter = await self._found(scope, model_id)
        return named.foundation, engine, adapter

    def base_folder(self, scope: Scope, model_id: str) -> Path:
        """Of the weights that must be in memory for the model; asks for no engine. Raises as `place`."""
        return self.weights(scope, model_id)[0]

    def weights(self, scope: Scope, model_id: str) -> tuple[Path, AdapterRef | None]:
        """As `base_folder`, and the adapter on them."""
        return self._base(self.resolve(scope, model_id))

    def base_of_job(self, job: CustomizationJob) -> Path:
        """The folder of the weights that the job adds an adapter to. Raises   EngineFailed where they are gone."""
        parent = self._models.get(job.scope, job.base_model_arn)
        if parent is not None and not is_adapter_folder(self._artifacts.resolve(parent.artifact_path)):
            return self._whole_weights(parent.model_arn, parent.artifact_path)
        return self._bound_folder(job.request, of=job.job_arn)

    async def engine(self, base_folder: Path) -> EngineClient:
        """Of these weights, waited for while it starts. Raises   EngineFailed; ModelNotReady past the stated wait."""
        host = await asyncio.to_thread(self._hosts.want, str(base_folder), at=self._clock())
        return await self._engine(base_folder, host)

    async def _found(self, scope: Scope, model_id: str) -> tuple[Named, EngineClient, AdapterRef | None]:
        question = self._memory.question(scope, model_id)
        found = self._memory.recall(question)
        # The folders are looked for every time: the catalogue of weights may name others, and files are no rows.
        base_folder, adapter = (Path(), None) if found is None else self._base(found.named)
        if found is None or not self._is_still(found.host, base_folder):
            found, base_folder, adapter = await asyncio.to_thread(self._looked_up, scope, model_id)
            self._memory.keep(question, found)
        named = found.named
        engine = await self._engine(base_folder, found.host)
        if adapter is None:
            published = named.custom or named.imported
            if isinstance(published, CustomModel):
                await self._check_weights(engine, published.model_arn, published.artifact_sha256)
            elif published is not None:
                await self._check_weights(engine, published.model_arn, published.weights_sha256)
        return named, engine, adapter

    def _is_still(self, host: EngineHost, base_folder: Path) -> bool:
        """Whether the host, whose row nobody has changed, is that of the base, and need not be asked for again."""
        return host.base_folder == str(base_folder) and self._hosts.is_noted(host, at=self._clock())

    def _looked_up(self, scope: Scope, model_id: str) -> tuple[_Found, Path, AdapterRef | None]:
        """All that the rows say, in one visit to a worker thread."""
        named = self.resolve(scope, model_id)
        base_folder, adapter = self._base(named)
        return _Found(named, self._hosts.want(str(base_folder), at=self._clock())), base_folder, adapter

    def _base(self, named: Named) -> tuple[Path, AdapterRef | None]:
        if named.imported is not None:
            return self._whole_weights(named.model_arn, named.imported.artifact_path), None
        custom = named.custom
        if custom is None:
            return self._weights.weights_of(named.foundation.model_id).folder, None
        folder = self._artifacts.resolve(custom.artifact_path)
        if is_adapter_folder(folder):
            return self._bound_folder(custom.request, of=custom.model_arn), AdapterRef(
                folder=str(folder), sha256=custom.artifact_sha256
            )
        # Full fine-tuning made weights of its own, which no base can share.
        return self._whole_weights(custom.model_arn, custom.artifact_path), None

    def _whole_weights(self, model_arn: str, artifact_path: str) -> Path:
        folder = self._artifacts.resolve(artifact_path)
        if not folder.is_dir():
            raise EngineFailed(f"The weights of {model_arn} are gone: the artifact store has no {artifact_path}.")
        return folder

    def _bound_folder(self, request: Mapping[str, Any], *, of: str) -> Path:
        """The folder of the weights that a model was trained on; the catalogue may name others by now."""
        bound = self._weights.bound_to(request)
        if bound.artifact_path is not None:
            return self._artifacts.resolve(bound.artifact_path)
        try:
            return self._weights.folder_of(bound)
        except ResourceNotFound as error:
            raise EngineFailed(f"The base of {of} is gone: {self._shown(str(error))}") from error

    async def _check_weights(self, engine: EngineClient, model_arn: str, expected: str) -> None:
        """Once in the life of each engine host: whole weights are what the job published. (Adapters are checked by the
        engine itself, each time it loads one.)"""
        # The supervisor gives each start of a host a socket of its own.
        if (model_arn, engine.socket_path) in self._verified:
            return
        found = (await engine.describe()).base_sha256
        if found != expected:
            raise EngineFailed(
                f"The weights of {model_arn} are not those that its job published: their SHA-256 is {found}, "
                f"expected {expected}."
            )
        self._verified.add((model_arn, engine.socket_path))

    def resolve(self, scope: Scope, model_id: str) -> Named:
        """What the id names, and which model answers under it now. Raises as `place`."""
        arn = arns.parse_arn(model_id)
        if arn is not None and arn.account_id and not arn.is_in(scope):
            raise ResourceNotFound(
                f"{model_id} is not in account {scope.account_id}, region {scope.region}; sign for its own."
            )
        foundation_id = arn.path if arn is not None and arn.kind == arns.FOUNDATION_MODEL else model_id
        if foundation_id in FOUNDATION_MODELS:
            return self._model(scope, arns.foundation_model_arn(scope.region, foundation_id))
        profile = find_inference_profile(scope, model_id)
        if profile is not None:
            return self._model(scope, profile.model_arn, resource_arn=profile.arn)
        if arn is not None and arn.kind == arns.IMPORTED_MODEL:
            imported = self._imported_model(scope, model_id)
            if imported is None:
                raise self._unknown(scope, model_id)
            return imported
        throughput = self._throughputs.get(scope, model_id)
        if throughput is not None:
            if throughput.status is ProvisionedStatus.CREATING:
                raise ModelNotReady(f"Provisioned throughput '{throughput.name}' is Creating; try again in a moment.")
            if throughput.status is ProvisionedStatus.FAILED:
                raise ValidationFailed(
                    f"Provisioned throughput '{throughput.name}' has failed: {throughput.failure_message}"
                )
            return self._model(scope, throughput.model_arn, resource_arn=throughput.provisioned_arn)
        deployment = self._deployments.get(scope, model_id)
        if deployment is not None:
            if deployment.status is DeploymentStatus.CREATING:
                raise ModelNotReady(f"Deployment '{deployment.name}' is Creating; try again in a moment.")
            if deployment.status is DeploymentStatus.FAILED:
                raise ValidationFailed(f"Deployment '{deployment.name}' has failed: {deployment.failure_message}")
            return self._model(scope, deployment.model_arn, resource_arn=deployment.deployment_arn)
        return self._model(scope, model_id)

    def _model(self, scope: Scope, identifier: str, *, resource_arn: str | None = None) -> Named:
        arn = arns.parse_arn(identifier)
        if arn is not None and arn.kind == arns.FOUNDATION_MODEL and arn.path in FOUNDATION_MODELS:
            return Named(
                foundation=FOUNDATION_MODELS[arn.path],
                custom=None,
                model_arn=identifier,
                resource_arn=resource_arn or identifier,
            )
        custom = self._models.get(scope, self._models.name_or_arn(scope, identifier))
        if custom is None:
            imported = self._imported_model(scope, identifier)
            if imported is None:
                raise self._unknown(scope, identifier)
            return imported
        if custom.status is CustomModelStatus.CREATING:
            raise ModelNotReady(f"Custom model '{custom.model_name}' is Creating; try again in a moment.")
        if custom.status is CustomModelStatus.FAILED:
            raise ValidationFailed(f"Custom model '{custom.model_name}' has failed: {custom.failure_message}")
        return Named(
            foundation=root_model(custom.foundation_model_id),
            custom=custom,
            model_arn=custom.model_arn,
            resource_arn=resource_arn or custom.model_arn,
        )

    def _imported_model(self, scope: Scope, identifier: str) -> Named | None:
        imported = self._imported.get(scope, identifier)
        if imported is None:
            return None
        return Named(
            foundation=IMPORTED_MODEL,
            custom=None,
            imported=imported,
            model_arn=imported.model_arn,
            resource_arn=imported.model_arn,
        )

    def _unknown(self, scope: Scope, identifier: str) -> ValidationFailed | ResourceNotFound:
        arn = arns.parse_arn(identifier)
        refuse_other_modalities(arn.path if arn is not None else identifier)
        if arn is not None and arn.kind == arns.FOUNDATION_MODEL:
            nearest = nearest_sentence(arn.path, FOUNDATION_MODELS)
            return ResourceNotFound(f"There is no foundation model '{arn.path}'.{nearest} {known_ids(arn.path)}")
        rows = (self._models, self._imported, self._throughputs, self._deployments)
        own = [named for each in rows for named in each.names(scope)]
        if arn is not None:
            nearest = nearest_sentence(identifier, [own_arn for own_arn, _ in own])
            return ResourceNotFound(f"There is no resource {identifier}.{nearest}")
        nearest = nearest_sentence(identifier, [*FOUNDATION_MODELS, *(name for _, name in own)])
        # AWS's words first, since callers match on them; then what would be right.
        return ValidationFailed(
            f"The provided model identifier is invalid. '{identifier}' is no base model, and no provisioned "
            f"throughput, deployment or custom model of this account and region has that name.{nearest} "
            f"{known_ids(identifier)}"
        )

    async def _engine(self, base_folder: Path, host: EngineHost) -> EngineClient:
        """The engine of a base, waited for while it starts; `host` is what was known of it a moment ago."""
        deadline = time.monotonic() + self._patience_seconds
        while True:
            if host.status is EngineHostStatus.READY:
                return self._client(host.socket_path)
            if host.status is EngineHostStatus.FAILED:
                reason = self._shown(host.failure_message or "", base_folder)
                raise EngineFailed(f"The engine of {base_folder.name} could not be started: {reason}")
            if time.monotonic() >= deadline:
                raise ModelNotReady(
                    f"The engine of this model is not ready after {self._patience_seconds:g} s; try again in a moment."
                )
            await asyncio.sleep(_POLL_SECONDS)
            host = await asyncio.to_thread(self._hosts.want, str(base_folder), at=self._clock())

    def _client(self, socket_path: str) -> EngineClient:
        if socket_path not in self._clients:
            # Each start of a host has a socket of its own; of those before it nobody asks any more.
            while len(self._clients) >= _MOST_CLIENTS:
                del self._clients[next(iter(self._clients))]
            self._clients[socket_path] = EngineClient(socket_path)
        return self._clients[socket_path]

    def _shown(self, reason: str, base_folder: Path | None = None) -> str:
        """As a caller reads it; the whole is in the log of the process that it is about."""
        base = {} if base_folder is None else {str(base_folder): base_folder.name}
        return without_folders(reason, {**base, f"{self._artifacts.root.parent}/": ""})
