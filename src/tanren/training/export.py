"""The trained weights → the folder that serving loads, and the proof that it holds what was trained.

Nothing is published on trust: what stands on the disk is read back, compared with where training began, put into the
model, and has to change the loss.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from tanren.domain.errors import JobFailed
from tanren.weights.adapters import read_adapter, write_adapter
from tanren.weights.lora import LoraLinear, LoraSettings, factors_of, load_factors
from tanren.weights.model_folders import load_weights, write_model

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def restore(trainable: Mapping[str, nn.Parameter], tensors: Mapping[str, Tensor]) -> None:
    """Copies stored weights into the model's trainable ones."""
    with torch.no_grad():
        for name, parameter in trainable.items():
            parameter.copy_(tensors[name])


def export_adapter(
    folder: Path,
    layers: Mapping[str, LoraLinear],
    *,
    settings: LoraSettings,
    base_weights_sha256: str,
    base_name: str,
) -> str:
    """Writes the adapter and puts what can be read back into the layers. Returns its SHA-256.

    Raises   JobFailed where it is zero or not finite.
    """
    digest = write_adapter(
        folder,
        factors_of(layers),
        settings=settings,
        base_weights_sha256=base_weights_sha256,
        base_name=base_name,
    )
    adapter = read_adapter(folder, base_weights_sha256=base_weights_sha256)
    load_factors(layers, adapter.factors)
    return digest


def export_model(folder: Path, model: "PreTrainedModel", *, base_folder: Path) -> str:
    """Writes the whole model and puts what can be read back into it. Returns its `weights_digest`."""
    digest = write_model(folder, model, base_folder=base_folder)
    load_weights(folder, model)
    return digest


def check_effect(*, loss_before: float, loss_after: float, target_count: int) -> None:
    """Raises JobFailed where the published weights answer the probe rows exactly as those at the start did, or with
    no number at all: a last update may break weights whose loss before it was finite."""
    if not math.isfinite(loss_after):
        raise JobFailed(
            f"The trained weights are broken: their loss over {target_count} tokens of the training data is "
            f"{loss_after}. Use a lower learning rate. No model was made."
        )
    if loss_before == loss_after:
        raise JobFailed(
            f"Training had no effect: the loss over {target_count} tokens of the training data is "
            f"{loss_before / target_count:.6f} before and after, to the last digit. "
            "Use a higher learning rate or more epochs. No model was made."
        )
