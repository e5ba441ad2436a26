"""A whole model on disk after full fine-tuning: weights of our own, everything else as its base has it.

`AutoModelForCausalLM.from_pretrained` opens the folder; an engine serves it like any base model.
"""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from safetensors.torch import load_file, save_file

from tanren.domain.errors import JobFailed
from tanren.model_files.atomic_folders import new_folder
from tanren.model_files.digests import weights_digest

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WEIGHTS_FILE = "model.safetensors"
_NOT_COPIED = (".safetensors", ".bin", ".pt", ".pth", ".pkl", ".ckpt", ".index.json")


def write_model(folder: Path, model: "PreTrainedModel", *, base_folder: Path) -> str:
    """The folder, whole or not at all. Returns its `weights_digest`.

    Why   tied parameters are stored once, as transformers expects; the stored dtype is the trained one, so that what
          was measured is what is published.
    """
    tensors: dict[str, torch.Tensor] = {}
    for name, parameter in model.named_parameters(remove_duplicate=True):
        tensors[name] = parameter.detach().to("cpu").contiguous()
    for name, buffer in _persistent_buffers(model):
        tensors[name] = buffer.detach().to("cpu").contiguous()
    config = cast(dict[str, Any], json.loads((base_folder / "config.json").read_text("utf-8")))
    config.pop("torch_dtype", None)
    config["dtype"] = str(next(iter(tensors.values())).dtype).removeprefix("torch.")
    with new_folder(folder) as temporary:
        for file in base_folder.iterdir():
            if file.is_file() and not file.name.endswith(_NOT_COPIED):
                shutil.copyfile(file, temporary / file.name)
        (temporary / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", "utf-8")
        save_file(tensors, temporary / WEIGHTS_FILE, metadata={"format": "pt"})
        digest = weights_digest(temporary)
    return digest


def load_weights(folder: Path, model: "PreTrainedModel") -> None:
    """Copies the weights of a written folder into a model of the same shape. Raises JobFailed where they do not fit."""
    tensors = load_file(folder / WEIGHTS_FILE)
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    stored = {name for name, _ in model.named_parameters(remove_duplicate=True)}
    if unexpected or stored & set(missing):
        raise JobFailed(f"{folder} does not fit the model: {sorted([*unexpected, *(stored & set(missing))])[0]}.")


def _persistent_buffers(model: "PreTrainedModel") -> list[tuple[str, torch.Tensor]]:
    parameters = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    buffers = dict(model.named_buffers())
    return [(name, buffers[name]) for name in model.state_dict() if name in buffers and name not in parameters]
