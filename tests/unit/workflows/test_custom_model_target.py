"""What CreateCustomModel's folder becomes: an adapter on a base that is here, whole weights, or a reason."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tanren.domain.custom_models import CustomModelStatus
from tanren.domain.errors import Conflict, ValidationFailed
from tanren.jobs.queue import Assignment, JobQueue
from tanren.model_files.architectures import linear_layers
from tanren.model_files.atomic_folders import file_digest
from tanren.model_files.digests import weights_digest
from tanren.model_files.inspection import read_config
from tanren.storage.tables import custom_models
from tanren.storage.training_records import TrainingRecords
from tanren.workflows.custom_model_target import CustomModelTarget
from tanren.workflows.model_import import ModelImportWorkflow
from tests.unit.model_files.hostile_folders import good_folder, write_json, write_tensors
from tests.unit.workflows.lost_answers import lose_the_answer_of
from tests.unit.workflows.object_memory import Bucket

NOVA = "amazon.nova-micro-v1:0"


def adapter_folder(folder: Path, base_name: Any, *, out: int = 8, origin: dict | None = None) -> Path:
    """Rank 2 on one layer of `good_folder`."""
    folder.mkdir()
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "base_model_name_or_path": base_name}
    write_json(folder / "adapter_config.json", config)
    name = "base_model.model.model.layers.0.self_attn.q_proj.lora_{}.weight"
    tensors = {name.format("A"): np.ones((2, 8), np.float32), name.format("B"): np.ones((out, 2), np.float32)}
    write_tensors(folder / "adapter_model.safetensors", tensors)
    if origin is not None:
        write_json(folder / "tanren.json", origin)
    return folder


@pytest.fixture
def base(plane, tmp_path) -> Path:
    """A base in the model store, under the name `mine`."""
    folder = good_folder(tmp_path / "mine")
    plane.weights.store.import_folder(folder)
    return folder


@pytest.fixture
def created(plane, scope, new_custom_model, database, clock, tmp_path):
    """Creates a custom model of a folder, runs one attempt, and returns the model."""

    def create(folder: Path, attempt: int = 1):
        bucket = Bucket()
        bucket.holds(folder, "models/mine/")
        arn = plane.models.create(scope, new_custom_model())
        with plane.model_rows.database.writing() as connection:
            plane.model_rows.change(connection, arn, attempt=attempt, lease_owner="w")
        assignment = Assignment(job_arn=arn, attempt=attempt)
        target = CustomModelTarget(
            assignment, models=plane.model_rows, artifacts=plane.artifacts, weights=plane.weights
        )
        ModelImportWorkflow(
            assignment,
            target,
            records=TrainingRecords(database),
            queue=JobQueue(database, custom_models, claimable=("Creating",), lease_seconds=30),
            objects=bucket,
            artifacts=plane.artifacts,
            clock=clock,
            yield_asked=lambda: False,
        ).run()
        return plane.models.get(scope, arn)

    return create


@pytest.mark.parametrize(
    "base_name",
    ["mine", NOVA, f"arn:aws:bedrock:us-west-2::foundation-model/{NOVA}"],
)
def test_an_adapter_is_bound_to_the_base_that_it_names(plane, base, created, tmp_path, base_name):
    plane.weights.file.write_text(f'[stand-ins]\n"{NOVA}" = "mine"\n')
    folder = adapter_folder(tmp_path / "adapter", base_name)
    model = created(folder)
    assert (model.status, model.failure_message) == (CustomModelStatus.ACTIVE, None)
    assert model.artifact_sha256 == file_digest(folder / "adapter_model.safetensors")
    assert plane.weights.folder_of(plane.weights.bound_to(model.request)) == plane.weights.store.named("mine").folder
    is_known = base_name != "mine"
    assert model.foundation_model_id == (NOVA if is_known else "imported")
    assert (model.base_model_arn is not None) == is_known
    assert "/imported/" in model.model_arn
    assert model.hyperparameters == {"loraRank": "2", "loraAlpha": "4"}
    kept = {file.name for file in plane.artifacts.resolve(model.artifact_path).iterdir()}
    assert kept == {"adapter_config.json", "adapter_model.safetensors"}


@pytest.mark.parametrize(("parts", "targets"), [(("self_attn.", "mlp."), "all-linear"), (("mlp.",), "mlp")])
def test_the_layers_of_an_adapter_are_noted_as_the_targets_that_they_are(base, created, tmp_path, parts, targets):
    folder = adapter_folder(tmp_path / "adapter", "mine")
    _, architecture, sizes = read_config(base)
    tensors = {}
    for name, (out, into) in linear_layers(architecture, sizes).items():
        for layer in range(sizes.layers if name.startswith(parts) else 0):
            key = f"base_model.model.model.layers.{layer}.{name}.lora_{{}}.weight"
            tensors[key.format("A")] = np.ones((2, into), np.float32)
            tensors[key.format("B")] = np.ones((out, 2), np.float32)
    write_tensors(folder / "adapter_model.safetensors", tensors)
    model = created(folder)
    assert model.failure_message is None
    assert model.hyperparameters["loraTargets"] == targets


def test_an_adapter_that_tanren_wrote_finds_its_base_by_the_digest_of_its_weights(plane, base, created, tmp_path):
    origin = {"base_weights_sha256": weights_digest(base)}
    model = created(adapter_folder(tmp_path / "adapter", "/somewhere/else", origin=origin))
    assert model.status is CustomModelStatus.ACTIVE
    assert plane.weights.bound_to(model.request).sha256 == weights_digest(base)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"base_name": "nobody/nothing"}, "an adapter on 'nobody/nothing'"),
        ({"base_name": None}, "an adapter on ''"),
        ({"base_name": "mine", "out": 6}, "goes from 8 to 6 features"),
        ({"base_name": "nano-v1"}, "is no linear layer|goes from"),
        (
            {"base_name": "mine", "origin": {"base_weights_sha256": "0" * 64}},
            "on base weights 000000000000",
        ),
    ],
)
def test_an_adapter_without_its_base_here_fails_with_the_reason(plane, base, created, tmp_path, changes, reason):
    model = created(adapter_folder(tmp_path / "adapter", **changes))
    assert model.status is CustomModelStatus.FAILED
    assert any(each in model.failure_message for each in reason.split("|"))
    assert str(tmp_path / "artifacts") not in model.failure_message
    assert not list((plane.artifacts.root / "custom-models").rglob("*.safetensors"))


def test_whole_weights_are_their_own_base(plane, scope, created, tmp_path):
    folder = good_folder(tmp_path / "whole")
    model = created(folder)
    assert (model.status, model.base_model_arn) == (CustomModelStatus.ACTIVE, None)
    assert model.artifact_sha256 == weights_digest(folder)
    assert weights_digest(plane.artifacts.resolve(model.artifact_path)) == weights_digest(folder)


def test_weights_without_a_chat_template_are_refused(created, tmp_path):
    folder = good_folder(tmp_path / "bare")
    for file in folder.glob("*.jinja"):
        file.unlink()
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config.pop("chat_template", None)
    write_json(folder / "tokenizer_config.json", config)
    assert "has no chat template" in created(folder).failure_message


def test_only_an_active_model_is_used_and_one_that_is_creating_is_not_deleted(
    plane, scope, new_custom_model, new_batch, created, tmp_path
):
    arn = plane.models.create(scope, new_custom_model())
    with pytest.raises(Conflict, match="is Creating"):
        plane.models.delete(scope, arn)
    with pytest.raises(ValidationFailed, match="is Creating; only a model that is Active"):
        plane.batches.create(scope, new_batch(model_identifier=arn))
    with plane.model_rows.database.writing() as connection:
        plane.model_rows.change(connection, arn, status="Failed", failure_message="the reason")
    with pytest.raises(ValidationFailed, match=r"is Failed.* the reason"):
        plane.batches.create(scope, new_batch(model_identifier=arn))
    plane.models.delete(scope, arn)


def test_a_commit_whose_answer_was_lost_keeps_the_weights(plane, created, base, tmp_path, monkeypatch):
    def is_active() -> bool:
        return any(model.status is CustomModelStatus.ACTIVE for model in plane.model_rows.every())

    lost = lose_the_answer_of(monkeypatch, is_active)
    model = created(adapter_folder(tmp_path / "adapter", "mine"))
    assert lost
    assert model.status is CustomModelStatus.ACTIVE
    path = plane.artifacts.resolve(model.artifact_path) / "adapter_model.safetensors"
    assert file_digest(path) == model.artifact_sha256
