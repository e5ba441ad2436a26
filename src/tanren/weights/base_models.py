"""A base model on disk: a Hugging Face folder with config, safetensors and tokenizer. Nothing in it is executed.

`read_facts` and `weights_digest` read files only and import no tensor library.
"""

import hashlib
import json
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from tanren.domain.errors import JobFailed

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

DtypeName = Literal["float32", "bfloat16"]
"""Never float16: on CPU it is 30 times slower than bfloat16, and training overflows in it."""

_JSON_WITH_CODE = ("config.json", "tokenizer_config.json")
_PICKLE_ENDINGS = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
_HEADER_BYTES_CAP = 100_000_000
"""The safetensors format's own bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseModelFacts:
    architecture: str
    """Such as LlamaForCausalLM."""
    parameter_count: int
    """Stored parameters; tied ones count once."""
    context_length: int
    """Tokens that prompt and answer may have together."""
    vocabulary_size: int
    hidden_size: int
    layer_count: int
    weights_size_bytes: int
    dtype: str
    """Of most of the stored parameters, as safetensors spells it: F32, BF16."""


def read_facts(folder: Path) -> BaseModelFacts:
    """What config.json and the headers of the weights say. Raises JobFailed where the folder is no safe base model."""
    check_is_safe(folder)
    config = _read_json(folder / "config.json")
    text = cast(dict[str, Any], config.get("text_config", config))
    counts: dict[str, int] = {}
    for file in _weight_files(folder):
        for dtype, count in _stored_parameters(file):
            counts[dtype] = counts.get(dtype, 0) + count
    architectures = cast(list[str], config.get("architectures") or ["unknown"])
    return BaseModelFacts(
        architecture=architectures[0],
        parameter_count=sum(counts.values()),
        context_length=int(text.get("max_position_embeddings") or text.get("n_positions") or 2048),
        vocabulary_size=int(text.get("vocab_size") or 0),
        hidden_size=int(text.get("hidden_size") or text.get("n_embd") or 0),
        layer_count=int(text.get("num_hidden_layers") or text.get("n_layer") or 0),
        weights_size_bytes=sum(file.stat().st_size for file in _weight_files(folder)),
        dtype=max(counts, key=lambda dtype: counts[dtype]),
    )


def check_is_safe(folder: Path) -> None:
    """Raises JobFailed where the folder has no config, no safetensors, or asks for code of its own."""
    if not (folder / "config.json").is_file():
        raise JobFailed(f"{folder} is no base model: config.json is missing.")
    for name in _JSON_WITH_CODE:
        if (folder / name).is_file() and "auto_map" in _read_json(folder / name):
            raise JobFailed(
                f"{folder / name} has auto_map: the model wants to run code of its own. "
                "Only architectures that transformers has built in are loaded."
            )
    if not _weight_files(folder):
        pickles = sorted(file.name for file in folder.iterdir() if file.suffix in _PICKLE_ENDINGS)
        found = f"it has {pickles[0]}, a pickle, which could run code" if pickles else "it has no weights"
        raise JobFailed(f"{folder} has no .safetensors file: {found}. Convert the weights to safetensors.")


def weights_digest(folder: Path) -> str:
    """SHA-256 over the names and bytes of the safetensors files: what an adapter was trained on."""
    digest = hashlib.sha256()
    for file in _weight_files(folder):
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def load_base_model(folder: Path, *, dtype: DtypeName, device: str = "cpu") -> "PreTrainedModel":
    """The causal language model, in evaluation mode, every parameter frozen. Raises JobFailed where it cannot be."""
    check_is_safe(folder)
    # Imported here: it takes about two seconds, which read_facts' callers need not wait for.
    from transformers import AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        model = cast(
            "PreTrainedModel",
            AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=_torch_dtype(dtype),
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                attn_implementation="sdpa",
            ),
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise JobFailed(f"The base model in {folder} cannot be loaded: {error}") from error
    model.requires_grad_(False)
    model.eval()
    return model.to(cast(Any, device))


def load_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    """The fast tokenizer of the folder. Raises JobFailed where there is none."""
    check_is_safe(folder)
    if not (folder / "tokenizer.json").is_file():
        raise JobFailed(f"{folder} has no tokenizer.json; only fast tokenizers are supported.")
    from transformers import AutoTokenizer

    try:
        return cast(
            "PreTrainedTokenizerBase",
            AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True),
        )
    except (OSError, ValueError, KeyError) as error:
        raise JobFailed(f"The tokenizer in {folder} cannot be loaded: {error}") from error


def _torch_dtype(name: DtypeName) -> "torch.dtype":
    import torch

    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]


def _weight_files(folder: Path) -> list[Path]:
    # An adapter beside the weights belongs to nobody here.
    return sorted(file for file in folder.glob("*.safetensors") if not file.name.startswith("adapter_"))


def _stored_parameters(file: Path) -> list[tuple[str, int]]:
    """(dtype, count) of each tensor, from the header alone.

    Source   safetensors format: 8 bytes little-endian length, then that many bytes of JSON.
    """
    with file.open("rb") as stream:
        head = stream.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
        if not 0 < length <= _HEADER_BYTES_CAP:
            raise JobFailed(f"{file} is not a safetensors file.")
        try:
            header = cast(dict[str, Any], json.loads(stream.read(length)))
        except ValueError as error:
            raise JobFailed(f"{file} is not a safetensors file: its header is no JSON.") from error
    return [
        (tensor["dtype"], prod(cast(list[int], tensor["shape"])))
        for name, tensor in header.items()
        if name != "__metadata__"
    ]


def _read_json(file: Path) -> dict[str, Any]:
    try:
        return cast(dict[str, Any], json.loads(file.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise JobFailed(f"{file} cannot be read: {error}") from error
