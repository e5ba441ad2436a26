"""The trained weights → the folder that serving loads, and the proof that it holds what was trained.

Nothing is published on trust: what stands on the disk is read back, compared with where training began, put into the
model, and has to change the loss.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from tokenizers import Tokenizer as FastTokenizer
from torch import Tensor, nn

from tanren.domain.errors import JobFailed
from tanren.domain.sentences import sentence
from tanren.training.samples import plain_forward
from tanren.weights.adapters import read_adapter, write_adapter
from tanren.weights.canary import CANARY_TEXT, CANARY_TOKENS, Expectation, text_logprobs, write_expectation
from tanren.weights.lora import LoraLinear, LoraSettings, adapters_disabled, factors_of, load_factors
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
    model: "PreTrainedModel",
    layers: Mapping[str, LoraLinear],
    *,
    settings: LoraSettings,
    base_folder: Path,
    base_weights_sha256: str,
    base_name: str,
) -> str:
    """Writes the adapter, puts what can be read back into the layers, and writes what they do to a fixed text. Returns
    the adapter's SHA-256.

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
    write_expectation(folder, _expectation(model, layers, base_folder))
    return digest


def _expectation(model: "PreTrainedModel", layers: Mapping[str, LoraLinear], base_folder: Path) -> Expectation:
    """Cost     two forward passes over CANARY_TOKENS tokens."""
    ids = FastTokenizer.from_file(str(base_folder / "tokenizer.json")).encode(CANARY_TEXT).ids[:CANARY_TOKENS]
    model.eval()
    with plain_forward(model):
        with adapters_disabled(layers):
            base_logprobs = text_logprobs(model, ids)
        logprobs = text_logprobs(model, ids)
    return Expectation(prompt_ids=tuple(ids), base_logprobs=base_logprobs, logprobs=logprobs)


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
            sentence(
                "The trained weights are broken: their loss over {count} tokens of the training data is {loss}. Use a "
                "lower learning rate. No model was made.",
                count=target_count,
                loss=loss_after,
            )
        )
    if loss_before == loss_after:
        raise JobFailed(
            sentence(
                "Training had no effect: the loss over {count} tokens of the training data is {loss} before and after, "
                "to the last digit. Use a higher learning rate or more epochs. No model was made.",
                count=target_count,
                loss=f"{loss_before / target_count:.6f}",
            )
        )
