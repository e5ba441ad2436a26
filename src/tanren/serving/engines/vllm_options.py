"""vLLM as the user set it: what its server is started with, and why it cannot be started here.

vLLM runs in an environment of its own: its releases pin versions of torch, transformers and llguidance that ours
exclude. So there is a path to its executable, and no import. `docs/engines.md` has the steps.
"""

import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from tanren.domain.errors import NotImplementedHere, ValidationFailed
from tanren.serving.protocol import EngineLimits
from tanren.weights.base_models import BaseModelFacts

BASE_NAME: Final = "base"
"""What the server calls the base model; adapters are called by their digests, so none has this name."""

LORA_RANKS: Final = (8, 16, 32, 64, 128, 256, 320, 512)
"""Bounds of a rank that vLLM has kernels for."""
DTYPES: Final = ("auto", "bfloat16", "float16", "float32")
DTYPE_BYTES: Final = {"bfloat16": 2, "float16": 2, "float32": 4}

INSTALL: Final = (
    "install it in an environment of its own (python -m venv ~/vllm && ~/vllm/bin/pip install vllm==0.32.0) and name "
    "the executable in TANREN_VLLM_COMMAND"
)
MEGABYTE: Final = 1_000_000


class VllmUnfit(NotImplementedHere):
    """vLLM cannot serve here; the text is why, and what would help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmOptions:
    command: str = ""
    """Path of the executable; empty: `vllm` beside our Python, else on the search path."""
    dtype: str = "auto"
    """What the model is computed in; auto: as it is stored, but bfloat16 for float32, which vLLM's adapter kernels
    do not have."""
    gpu_share: float = 0.9
    """Of the GPU's memory, for weights, adapters, keys and values of one base model."""
    max_lora_rank: int = 64
    """Memory for each adapter of a batch is set aside for this rank."""
    batched_adapters: int = 8
    """Different adapters in one batch, each with a place in the GPU's memory; further ones wait for a place."""
    context_length: int = 0
    """Tokens that prompt and answer may have together; 0: as many as the model knows."""
    check_gigabytes: float = 4.0
    """A base whose weights take no more is also kept in the processor's memory, once it has adapters: there is computed
    what each adapter must change."""
    start_seconds: float = 600.0
    """A server that does not answer for so long after its start is ended."""

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValidationFailed(f"vllm_dtype is {self.dtype!r}; one of {', '.join(DTYPES)} is needed.")
        if not 0 < self.gpu_share <= 1:
            raise ValidationFailed(f"vllm_gpu_share is {self.gpu_share:g}; more than 0 and at most 1 is needed.")
        if self.max_lora_rank not in LORA_RANKS:
            ranks = ", ".join(str(rank) for rank in LORA_RANKS)
            raise ValidationFailed(f"vllm_max_lora_rank is {self.max_lora_rank}; one of {ranks} is needed.")
        for name, least in (("batched_adapters", 1), ("context_length", 0), ("check_gigabytes", 0)):
            if not getattr(self, name) >= least:
                raise ValidationFailed(f"vllm_{name} is {getattr(self, name)}; at least {least} is needed.")
        if not self.start_seconds > 0:
            raise ValidationFailed(f"vllm_start_seconds is {self.start_seconds:g}; more than 0 is needed.")


def require_vllm(options: VllmOptions) -> Path:
    """The executable, on a machine whose GPU it can use. Raises   VllmUnfit, with the reason and what would help."""
    command = find_command(options)
    if not has_cuda_device():
        raise VllmUnfit(
            "vLLM needs a CUDA GPU, and this machine shows none (no /dev/nvidia0, and torch finds no CUDA device). "
            "Give the process a GPU, or set TANREN_ENGINE to native or auto."
        )
    return command


def has_vllm(options: VllmOptions) -> bool:
    """Whether `auto` takes it. Raises   VllmUnfit where an executable was named and is none: that was meant."""
    if not has_cuda_device():
        return False
    try:
        find_command(options)
    except VllmUnfit:
        if options.command:
            raise
        return False
    return True


def find_command(options: VllmOptions) -> Path:
    """The executable that was named, or the one that is found. Raises   VllmUnfit where there is none."""
    if options.command:
        named = shutil.which(Path(options.command).expanduser())
        if named is None:
            raise VllmUnfit(f"TANREN_VLLM_COMMAND names {options.command}, which is no executable file; {INSTALL}.")
        return Path(named)
    beside = Path(sys.executable).with_name("vllm")
    found = shutil.which(beside) or shutil.which("vllm")
    if found is None:
        raise VllmUnfit(f"vLLM is not installed: there is no {beside} and no vllm on the search path; {INSTALL}.")
    return Path(found)


def has_cuda_device(devices: Path = Path("/dev")) -> bool:
    """Asked of the system first: our own torch may be a build that knows no GPU."""
    return any(devices.glob("nvidia[0-9]*")) or torch.cuda.is_available()


def served_dtype(options: VllmOptions, stored: str) -> str:
    """`stored`: of the base's weights, as safetensors spells it."""
    if options.dtype != "auto":
        return options.dtype
    return "float16" if stored == "F16" else "bfloat16"


def served_context_length(options: VllmOptions, facts: BaseModelFacts) -> int:
    """Raises   ValidationFailed where more is wanted than the model knows."""
    if options.context_length > facts.context_length:
        raise ValidationFailed(
            f"vllm_context_length is {options.context_length}; this base model knows {facts.context_length} tokens."
        )
    return options.context_length or facts.context_length


def serve_arguments(
    folder: Path, socket: Path, *, facts: BaseModelFacts, options: VllmOptions, limits: EngineLimits
) -> list[str]:
    """What follows the executable's name.

    Why      `--generation-config vllm`: sampling is what the request says, never what a file beside the weights says.
             One sequence more than may be active: the canary of an adapter never waits for an answer to end.
    """
    adapters = max(limits.max_resident_adapters, options.batched_adapters)
    pairs: list[tuple[str, object]] = [
        ("--uds", socket),
        ("--served-model-name", BASE_NAME),
        ("--load-format", "safetensors"),
        ("--dtype", served_dtype(options, facts.dtype)),
        ("--max-model-len", served_context_length(options, facts)),
        ("--max-num-seqs", limits.max_active + 1),
        ("--gpu-memory-utilization", f"{options.gpu_share:g}"),
        ("--max-loras", options.batched_adapters),
        ("--max-cpu-loras", adapters),
        ("--max-lora-rank", options.max_lora_rank),
        ("--generation-config", "vllm"),
    ]
    if limits.key_value_megabytes is not None:
        pairs.append(("--kv-cache-memory-bytes", limits.key_value_megabytes * MEGABYTE))
    flags = ("--enable-lora", "--enable-prefix-caching", "--disable-uvicorn-access-log")
    return ["serve", str(folder), *(str(part) for pair in pairs for part in pair), *flags]


def serve_environment(inherited: Iterable[tuple[str, str]], *, key: str) -> dict[str, str]:
    """All that the server sees.

    Why      our own keys and settings are none of its business. A resolver would load adapters that nobody here has
             checked, by the mere name in a request. Nothing is fetched, and nothing is reported to anybody.
    """
    kept = {
        name: value
        for name, value in inherited
        if not name.startswith(("TANREN_", "AWS_", "VLLM_LORA_RESOLVER", "VLLM_API_KEY"))
    }
    return kept | {
        "VLLM_API_KEY": key,
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
        "VLLM_HOST_IP": "127.0.0.1",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
    }
