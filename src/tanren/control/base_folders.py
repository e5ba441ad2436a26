"""Where the base weights of a model lie, by which it would be trained or served."""

from pathlib import Path

from tanren.catalog.weights import WeightsCatalogue
from tanren.control.model_references import ReferredModel
from tanren.domain.weights import BoundWeights
from tanren.storage.artifacts import ArtifactStore, is_adapter_folder


def bound_weights(model: ReferredModel, weights: WeightsCatalogue) -> BoundWeights:
    """Those that a custom model was trained on; of a foundation model, those that stand in for it now."""
    if model.custom is not None:
        return weights.bound_to(model.custom.request)
    return weights.weights_of(model.foundation.model_id).bound()


def adapter_folder(model: ReferredModel, artifacts: ArtifactStore) -> Path | None:
    """None for a model that has whole weights."""
    if model.custom is None:
        return None
    folder = artifacts.resolve(model.custom.artifact_path)
    return folder if is_adapter_folder(folder) else None


def base_folder(model: ReferredModel, bound: BoundWeights, weights: WeightsCatalogue, artifacts: ArtifactStore) -> Path:
    """Of whole weights: the model's own, those that its adapter was trained on, or those in the model store."""
    if model.custom is not None and adapter_folder(model, artifacts) is None:
        return artifacts.resolve(model.custom.artifact_path)
    if bound.artifact_path is not None:
        return artifacts.resolve(bound.artifact_path)
    return weights.folder_of(bound)
