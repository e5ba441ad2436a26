"""The folder that CreateCustomModel names becomes a custom model: whole weights, or an adapter on a base that is here.

The base of an adapter is found by what the adapter says of it, and only an exact answer is taken:

    tanren.json              the digest of the base's weights, where tanren wrote the adapter
    adapter_config.json      base_model_name_or_path: a Bedrock id of the catalogue, or a name in the model store

Every layer of the adapter then has to be a layer of that base, and of its shape.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.catalog.stand_ins import StandIn
from tanren.catalog.weights import Weights, WeightsCatalogue
from tanren.domain import arns
from tanren.domain.custom_models import ROLE_MEMBER, SOURCE_MEMBER, CustomModelStatus
from tanren.domain.errors import JobFailed, ResourceNotFound
from tanren.domain.weights import BINDING_MEMBER
from tanren.jobs.queue import Assignment
from tanren.model_files.adapter_inspection import (
    ADAPTER_CONFIG_FILE,
    ADAPTER_WEIGHTS_FILE,
    ORIGIN_FILE,
    inspect_adapter_folder,
)
from tanren.model_files.architectures import linear_layers
from tanren.model_files.atomic_folders import file_digest
from tanren.model_files.digests import weights_digest
from tanren.model_files.inspection import inspect_model_folder, read_config
from tanren.model_files.store import NANO_KEY
from tanren.model_files.untrusted_json import read_object
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.custom_models import CustomModels
from tanren.workflows.interruptions import Superseded
from tanren.workflows.publishing import kept_if_published

NANO_ID = "tanren.nano-v1:0"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What a folder has turned out to be."""

    sha256: str
    """As engines compare it: of the adapter's file, or of the whole weights."""
    base: Weights | None
    """Of an adapter."""
    foundation_model_id: str
    shape: dict[str, str]
    """Of an adapter, as the hyperparameters that a job which goes on from it has to have."""


class CustomModelTarget:
    may_be_adapter = True

    def __init__(
        self, assignment: Assignment, *, models: CustomModels, artifacts: ArtifactStore, weights: WeightsCatalogue
    ) -> None:
        self._attempt = assignment.attempt
        self._models = models
        self._artifacts = artifacts
        self._weights = weights
        self._model = models.by_arn(assignment.job_arn)
        self.scope = self._model.scope
        self.work_id = self._model.model_id
        self.source_s3_uri: str = self._model.request[SOURCE_MEMBER]["s3DataSource"]["s3Uri"]
        self.role_arn: str | None = self._model.request[ROLE_MEMBER]

    def current_attempt(self) -> int:
        return self._models.by_arn(self._model.model_arn).attempt

    def publish(self, folder: Path, tell: Callable[[str], None]) -> None:
        is_adapter = (folder / ADAPTER_CONFIG_FILE).exists()
        found = self._adapter(folder, tell) if is_adapter else self._whole_weights(folder, tell)
        path = self._artifacts.custom_model_path(self._model.scope, self._model.model_id, self._attempt)
        self._artifacts.adopt(folder, path)
        with kept_if_published(self._artifacts, path, lambda: self._models.get(self.scope, self._model.model_arn)):
            self._activate(found, path)
        self._artifacts.remove_other_attempts(path)

    def fail(self, message: str) -> bool:
        return self._change(status=CustomModelStatus.FAILED, failure_message=message)

    def _whole_weights(self, folder: Path, tell: Callable[[str], None]) -> _Found:
        facts = inspect_model_folder(folder)
        if not facts.has_chat_template:
            raise JobFailed(
                f"{self.source_s3_uri} has no chat template, so a custom model of it could answer no conversation. Put "
                "chat_template.jinja beside the weights, or import it with CreateModelImportJob to complete prompts."
            )
        tell(f"The folder is a {facts.architecture} with {facts.parameter_count:,} parameters.")
        return _Found(sha256=weights_digest(folder), base=None, foundation_model_id=arns.IMPORTED, shape={})

    def _adapter(self, folder: Path, tell: Callable[[str], None]) -> _Found:
        foundation_id, base = self._base_of(folder)
        facts = inspect_adapter_folder(folder, base_folder=base.folder)
        tell(f"The folder is an adapter of rank {facts.rank} on {base.name}, {len(facts.layers)} layers.")
        targets = _targets(facts.layers, base.folder)
        shape = {"loraRank": str(facts.rank), "loraAlpha": f"{facts.alpha:g}"}
        return _Found(
            sha256=file_digest(folder / ADAPTER_WEIGHTS_FILE),
            base=base,
            foundation_model_id=foundation_id,
            shape=shape if targets is None else {**shape, "loraTargets": targets},
        )

    def _base_of(self, folder: Path) -> tuple[str, Weights]:
        """Id of the catalogue, or `imported`, and the weights. Raises JobFailed where they are not here."""
        name: Any = read_object(folder / ADAPTER_CONFIG_FILE).get("base_model_name_or_path")
        name = name if isinstance(name, str) else ""
        arn = arns.parse_arn(name)
        foundation_id = arn.path if arn is not None and arn.kind == arns.FOUNDATION_MODEL else name
        origin = folder / ORIGIN_FILE
        digest: Any = read_object(origin).get("base_weights_sha256") if origin.is_file() else None
        if foundation_id in FOUNDATION_MODELS:
            return foundation_id, self._weights.weights_of(foundation_id)
        if isinstance(digest, str):
            same = [model for model in self._weights.store.every() if model.weights_sha256 == digest]
            if same:
                return _named_base(self._weights.resolve(StandIn(model=same[0].key)))
        try:
            return _named_base(self._weights.resolve(StandIn(model=name)))
        except ResourceNotFound as error:
            raise JobFailed(
                f"{self.source_s3_uri} is an adapter on {name[:200]!r} (base_model_name_or_path in "
                f"{ADAPTER_CONFIG_FILE}), which is neither an id of the catalogue nor a name in the model store. Get "
                "the base with `tanren models pull` or `tanren models import`, or name its Bedrock id."
            ) from error

    def _activate(self, found: _Found, path: str) -> None:
        """Raises Superseded."""
        request = dict(self._model.request)
        if found.base is not None:
            request[BINDING_MEMBER] = found.base.bound().to_json()
        is_known = found.foundation_model_id != arns.IMPORTED
        activated = self._change(
            status=CustomModelStatus.ACTIVE,
            artifact_path=path,
            artifact_sha256=found.sha256,
            foundation_model_id=found.foundation_model_id,
            hyperparameters=found.shape,
            base_model_arn=(
                arns.foundation_model_arn(self.scope.region, found.foundation_model_id) if is_known else None
            ),
            request=request,
        )
        if not activated:
            raise Superseded

    def _change(self, **values: Any) -> bool:
        """Whether the model was still ours to make."""
        columns = self._models.table.c
        expected = (columns.status == CustomModelStatus.CREATING, columns.attempt == self._attempt)
        released: dict[str, Any] = {"lease_owner": None, "lease_expires_at": None}
        with self._models.database.writing() as connection:
            return self._models.change(connection, self._model.model_arn, *expected, **values, **released)


def _targets(layers: Sequence[str], base_folder: Path) -> str | None:
    """Which loraTargets these layers are; None where they are others, so that no job can go on from the adapter."""
    _, architecture, sizes = read_config(base_folder)
    linear = set(linear_layers(architecture, sizes))
    for targets, part in (("all-linear", ""), ("attention", "self_attn."), ("mlp", "mlp.")):
        of_a_block = {name for name in linear if name.startswith(part)}
        whole = {f"model.layers.{layer}.{name}" for layer in range(sizes.layers) for name in of_a_block}
        if whole == set(layers):
            return targets
    return None


def _named_base(base: Weights) -> tuple[str, Weights]:
    """nano is the one base that is what its id says; other weights stand in for many ids, and belong to none."""
    return (NANO_ID if base.key == NANO_KEY else arns.IMPORTED), base
