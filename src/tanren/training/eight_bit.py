"""AdamW whose moments have 8 bits: of bitsandbytes, which is installed with tanren's extra `eight-bit`.

Moments are kept by blocks of 256: a byte each, and the largest of a block in float32. Matrices of fewer than 4,096
numbers keep float32 moments. The update itself is computed in float32, on a CUDA device and on the processor alike.

Source   Dettmers et al. 2022, "8-bit Optimizers via Block-wise Quantization".
"""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final, cast

import torch
from torch import Tensor

from tanren.domain.errors import JobFailed
from tanren.training.spec import TrainingSpec

BYTES_A_PARAMETER: Final = 2 * (1 + 4 / 256)
"""Of both moments, with the largest of each block."""
_QUANTILES: Final = {"qmap1": "dynamic", "qmap2": "udynamic"}
"""Tables that every state points to and none changes, by the optimiser's name for them."""


def check_optimizer(spec: TrainingSpec) -> None:
    """Raises   JobFailed where the spec's optimiser needs a library that is not installed here."""
    if spec.optimizer == "adamw-8bit" and find_spec("bitsandbytes") is None:
        raise JobFailed(
            "The optimizer adamw-8bit needs bitsandbytes, which is not installed where this job trains. Install it "
            "there with `pip install 'tanren[eight-bit]'`, or use adafactor, which keeps even less, or adamw."
        )


def eight_bit_adamw(
    groups: list[dict[str, Any]], *, lr: float, betas: tuple[float, float], eps: float
) -> torch.optim.Optimizer:
    """Decoupled weight decay, as each group says."""
    # Imported here: it loads a library of its own, and most jobs do without.
    import bitsandbytes  # pyright: ignore[reportMissingImports]

    return cast(torch.optim.Optimizer, cast(Any, bitsandbytes).optim.AdamW8bit(groups, lr=lr, betas=betas, eps=eps))


def stored(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """Of one parameter, what is written down: not the tables, and the step as a tensor."""
    return {key: torch.as_tensor(value) for key, value in state.items() if key not in _QUANTILES}


def restored(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], device: torch.device) -> dict[str, Any]:
    """The other way round."""
    state: dict[str, Any] = {key: value.clone().to(device) for key, value in tensors.items()}
    state["step"] = int(tensors["step"])
    if "absmax1" in tensors:
        tables = cast(dict[str, Tensor], cast(Any, optimizer).name2qmap)
        state |= {key: tables[name].to(device) for key, name in _QUANTILES.items()}
    return state
