"""Adapters on disk, in the layout that peft reads: adapter_config.json, adapter_model.safetensors, and our tanren.json.

`AutoPeftModelForCausalLM` and llama.cpp's converter open the folder as it is. tanren.json says which base weights the
adapter was trained on; peft does not look at it.

Legend   R rank, I in features, O out features.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tanren.domain.errors import JobFailed
from tanren.model_files.adapter_inspection import (
    ADAPTER_CONFIG_FILE,
    ADAPTER_WEIGHTS_FILE,
    ORIGIN_FILE,
    check_adapter_weights_are_there,
    read_adapter_config,
)
from tanren.model_files.atomic_folders import file_digest, new_folder
from tanren.model_files.inspection import check_kinds
from tanren.model_files.safetensors_files import read_header
from tanren.model_files.untrusted_json import read_object
from tanren.weights.lora import LoraFactors, LoraSettings

WEIGHTS_FILE = ADAPTER_WEIGHTS_FILE
CONFIG_FILE = ADAPTER_CONFIG_FILE
_PREFIX = "base_model.model."


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    settings: LoraSettings
    factors: dict[str, LoraFactors]
    """Module name in the base model → its update."""
    base_weights_sha256: str | None
    """`weights_digest` of the base that it was trained on; None for an adapter made elsewhere."""
    sha256: str
    """Of the weights file."""


def write_adapter(
    folder: Path,
    factors: Mapping[str, LoraFactors],
    *,
    settings: LoraSettings,
    base_weights_sha256: str,
    base_name: str,
) -> str:
    """The folder, whole or not at all. Returns the SHA-256 of the weights file.

    Why   safetensors orders tensors by dtype and name, so equal tensors give equal bytes.
    """
    tensors: dict[str, torch.Tensor] = {}
    for name, given in factors.items():
        tensors[f"{_PREFIX}{name}.lora_A.weight"] = given.a_RI.detach().to("cpu", torch.float32).contiguous()
        tensors[f"{_PREFIX}{name}.lora_B.weight"] = given.b_OR.detach().to("cpu", torch.float32).contiguous()
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_name,
        "r": settings.rank,
        "lora_alpha": settings.alpha,
        "lora_dropout": settings.dropout,
        "target_modules": sorted({name.rpartition(".")[2] for name in factors}),
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "modules_to_save": None,
    }
    origin = {"base_weights_sha256": base_weights_sha256, "format": 1}
    with new_folder(folder) as temporary:
        save_file(tensors, temporary / WEIGHTS_FILE, metadata={"format": "pt"})
        _write_json(temporary / CONFIG_FILE, config)
        digest = file_digest(temporary / WEIGHTS_FILE)
        _write_json(temporary / ORIGIN_FILE, {**origin, "sha256": digest})
    return digest


def read_adapter(folder: Path, *, base_weights_sha256: str | None = None) -> Adapter:
    """The adapter in a folder, checked.

    Raises   JobFailed where a file is missing or torn, a tensor is not finite, shapes do not fit together, B is zero
             everywhere (it would change nothing), or it was trained on other base weights than the given ones.
    """
    check_kinds(folder)
    config = read_adapter_config(folder)
    settings = LoraSettings(rank=config.rank, alpha=config.alpha, dropout=config.dropout)
    file = folder / WEIGHTS_FILE
    check_adapter_weights_are_there(folder)
    origin = read_object(folder / ORIGIN_FILE) if (folder / ORIGIN_FILE).is_file() else {}
    digest = file_digest(file)
    if origin.get("sha256", digest) != digest:
        raise JobFailed(f"{file} is damaged: its SHA-256 is not the one that was recorded when it was written.")
    trained_on = cast(str | None, origin.get("base_weights_sha256"))
    if None not in (trained_on, base_weights_sha256) and trained_on != base_weights_sha256:
        raise JobFailed(
            f"The adapter in {folder} was trained on base weights {str(trained_on)[:12]}…, "
            f"not on {str(base_weights_sha256)[:12]}…; it would answer nonsense on them."
        )
    read_header(file)
    try:
        tensors = load_file(file)
    except (SafetensorError, OSError) as error:
        raise JobFailed(f"{file} cannot be read: {error}") from error
    factors = _factors_of(folder, tensors, settings)
    if not any(bool(given.b_OR.any()) for given in factors.values()):
        raise JobFailed(f"The adapter in {folder} is zero everywhere: it changes nothing.")
    return Adapter(settings=settings, factors=factors, base_weights_sha256=trained_on, sha256=digest)


def _factors_of(folder: Path, tensors: dict[str, torch.Tensor], settings: LoraSettings) -> dict[str, LoraFactors]:
    factors: dict[str, LoraFactors] = {}
    left = dict(tensors)
    for key in sorted(tensors):
        if not key.endswith(".lora_A.weight"):
            continue
        name = key.removeprefix(_PREFIX).removesuffix(".lora_A.weight")
        a_RI = left.pop(key)
        b_OR = left.pop(key.replace(".lora_A.", ".lora_B."), None)
        if b_OR is None:
            raise JobFailed(f"The adapter in {folder} has an A and no B for {name}.")
        if a_RI.shape[0] != settings.rank or b_OR.shape[-1] != settings.rank:
            raise JobFailed(
                f"The adapter in {folder} has shapes {tuple(a_RI.shape)} and {tuple(b_OR.shape)} for {name}; "
                f"its rank is {settings.rank}."
            )
        if not (bool(torch.isfinite(a_RI).all()) and bool(torch.isfinite(b_OR).all())):
            raise JobFailed(f"The adapter in {folder} has values at {name} that are not finite.")
        factors[name] = LoraFactors(a_RI=a_RI.to(torch.float32), b_OR=b_OR.to(torch.float32), scale=settings.scale)
    if left:
        raise JobFailed(f"The adapter in {folder} has a tensor that is no part of LoRA: {sorted(left)[0]}.")
    if not factors:
        raise JobFailed(f"The adapter in {folder} has no tensors.")
    return factors


def _write_json(file: Path, value: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", "utf-8")
