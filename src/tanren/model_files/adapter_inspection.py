"""An adapter folder from elsewhere, in the layout of peft, looked at before anything opens it.

As in `inspection`: nothing is executed, no tensor library, bounded reads. Where the base is given, each layer has to be
one of its linear layers and of the same shape.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from tanren.domain.errors import UnsafeModel
from tanren.model_files.architectures import linear_layers
from tanren.model_files.digests import weights_digest
from tanren.model_files.inspection import check_kinds, check_no_code, check_values, read_config
from tanren.model_files.safetensors_files import PLAIN_DTYPES, StoredTensor, read_header
from tanren.model_files.untrusted_json import read_object

ADAPTER_CONFIG_FILE: Final = "adapter_config.json"
ADAPTER_WEIGHTS_FILE: Final = "adapter_model.safetensors"
ORIGIN_FILE: Final = "tanren.json"
RANK_CAP: Final = 512
_PREFIX: Final = "base_model.model."
_PICKLES: Final = ("adapter_model.bin", "adapter_model.pt", "pytorch_model.bin")
_UNSUPPORTED: Final = (
    "use_dora",
    "use_rslora",
    "rank_pattern",
    "alpha_pattern",
    "modules_to_save",
    "fan_in_fan_out",
    "target_parameters",
    "layer_replication",
    "trainable_token_indices",
    "lora_bias",
    "megatron_config",
    "eva_config",
    "corda_config",
    "alora_invocation_tokens",
)
"""What changes the numbers of an adapter in ways that neither training nor serving here knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterConfig:
    rank: int
    alpha: float
    dropout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterFolderFacts:
    rank: int
    alpha: float
    layers: tuple[str, ...]
    """Names in the base model."""
    parameter_count: int
    weights_size_bytes: int
    base_weights_sha256: str | None
    """What it was trained on, where tanren wrote it."""


def inspect_adapter_folder(folder: Path, *, base_folder: Path | None = None) -> AdapterFolderFacts:
    """What the folder holds. Raises UnsafeModel, with file, rule and remedy, where it must not or cannot be opened."""
    check_kinds(folder)
    config = read_adapter_config(folder)
    file = folder / ADAPTER_WEIGHTS_FILE
    check_adapter_weights_are_there(folder)
    tensors = read_header(file)
    layers = _layers(file, tensors, config)
    trained_on = _base_digest(folder)
    if base_folder is not None:
        _check_base(folder, layers, base_folder, trained_on)
    for tensor in tensors.values():
        check_values(file, tensor)
    return AdapterFolderFacts(
        rank=config.rank,
        alpha=config.alpha,
        layers=tuple(layers),
        parameter_count=sum(tensor.count for tensor in tensors.values()),
        weights_size_bytes=file.stat().st_size,
        base_weights_sha256=trained_on,
    )


def read_adapter_config(folder: Path) -> AdapterConfig:
    """Raises UnsafeModel where it asks for more than plain LoRA, or for what no adapter can be."""
    file = folder / ADAPTER_CONFIG_FILE
    config = read_object(file)
    check_no_code(file, config)
    kind = config.get("peft_type")
    if kind != "LORA":
        raise UnsafeModel(f"{file}: the peft_type is {str(kind)[:40]}; only LORA is supported.")
    odd = next((key for key in _UNSUPPORTED if config.get(key)), None)
    odd = odd or ("bias" if config.get("bias", "none") != "none" else None)
    odd = odd or ("init_lora_weights" if str(config.get("init_lora_weights")).lower() in ("pissa", "loftq") else None)
    if odd is not None:
        raise UnsafeModel(f"{file} asks for {odd}, which is not supported. Train the adapter as plain LoRA.")
    rank = config.get("r")
    if type(rank) is not int or not 1 <= rank <= RANK_CAP:
        raise UnsafeModel(f"{file} has r = {str(rank)[:40]}; a rank is a whole number from 1 to {RANK_CAP}.")
    return AdapterConfig(
        rank=rank,
        alpha=_number(file, "lora_alpha", config.get("lora_alpha", rank), above=0.0, to=1e6),
        dropout=_number(file, "lora_dropout", config.get("lora_dropout", 0.0), above=-1e-9, to=0.999),
    )


def check_adapter_weights_are_there(folder: Path) -> None:
    """Raises UnsafeModel, naming a pickle where there is one instead."""
    if (folder / ADAPTER_WEIGHTS_FILE).is_file():
        return
    pickle = next((name for name in _PICKLES if (folder / name).exists()), None)
    found = f": it has {pickle}, a pickle, which could run code" if pickle else ""
    raise UnsafeModel(f"{folder} is no adapter: {ADAPTER_WEIGHTS_FILE} is missing{found}. Save it as safetensors.")


def _number(file: Path, key: str, value: Any, *, above: float, to: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not above < value <= to:
        raise UnsafeModel(f"{file} has {key} = {str(value)[:40]}; it is a number above {above:.0f}, at most {to:g}.")
    return float(value)


def _layers(
    file: Path, tensors: Mapping[str, StoredTensor], config: AdapterConfig
) -> dict[str, tuple[tuple[int, ...], tuple[int, ...]]]:
    """Layer → shapes of its A and B."""
    found: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}
    for key, tensor in tensors.items():
        if tensor.dtype not in PLAIN_DTYPES:
            raise UnsafeModel(
                f"{file}: tensor {key!r} is stored as {tensor.dtype}; expected {', '.join(PLAIN_DTYPES)}."
            )
        name, _, part = key.removeprefix(_PREFIX).rpartition(".lora_")
        if not key.startswith(_PREFIX) or part not in ("A.weight", "B.weight"):
            raise UnsafeModel(f"{file} has a tensor that is no part of LoRA: {key[:200]!r}.")
        other = tensors.get(f"{_PREFIX}{name}.lora_{'B' if part == 'A.weight' else 'A'}.weight")
        if other is None:
            raise UnsafeModel(f"{file} has one of A and B and not the other for {name}.")
        if part == "A.weight":
            found[name] = (tensor.shape, other.shape)
            if len(tensor.shape) != 2 or len(other.shape) != 2 or {tensor.shape[0], other.shape[1]} != {config.rank}:
                raise UnsafeModel(
                    f"{file} has shapes {tensor.shape} and {other.shape} for {name}; the rank in "
                    f"{ADAPTER_CONFIG_FILE} is {config.rank}."
                )
    most = max((min(a_shape[1], b_shape[0]) for a_shape, b_shape in found.values()), default=0)
    if config.rank > most:
        raise UnsafeModel(
            f"{file}: rank {config.rank} is above what any of its layers could use ({most}); no update has more "
            "rank than its matrix."
        )
    return found


def _base_digest(folder: Path) -> str | None:
    file = folder / ORIGIN_FILE
    return cast(str | None, read_object(file).get("base_weights_sha256")) if file.is_file() else None


def _check_base(
    folder: Path,
    layers: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]],
    base_folder: Path,
    trained_on: str | None,
) -> None:
    digest = weights_digest(base_folder)
    if trained_on is not None and trained_on != digest:
        raise UnsafeModel(
            f"The adapter in {folder} was trained on base weights {trained_on[:12]}…, not on {digest[:12]}… in "
            f"{base_folder}; it would answer nonsense on them."
        )
    name, architecture, sizes = read_config(base_folder)
    linear = {
        f"model.layers.{layer}.{inner}": shape
        for layer in range(sizes.layers)
        for inner, shape in linear_layers(architecture, sizes).items()
    }
    for layer, (a_shape, b_shape) in layers.items():
        if layer not in linear:
            raise UnsafeModel(
                f"The adapter in {folder} targets {layer[:200]}, which is no linear layer of the blocks of this base "
                f"({name}, {sizes.layers} layers)."
            )
        out, into = linear[layer]
        if a_shape[1] != into or b_shape[0] != out:
            raise UnsafeModel(
                f"The adapter's layer {layer} goes from {a_shape[1]} to {b_shape[0]} features; the base's in "
                f"{base_folder} goes from {into} to {out}."
            )
