"""Many LoRA adapters over one frozen model: the one that is switched on takes part in the forward pass.

    linear(x) + scale · B(A(x))        for each linear layer that the adapter has, B and A in float32 as in training

Hooks on the model's linear layers, set once, look the layer up in the adapter that is on. Switching is one assignment;
the base's weights are never changed, so no adapter can leave a trace of itself behind.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from tanren.domain.errors import ValidationFailed
from tanren.weights.lora import LoraFactors


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentAdapter:
    """An adapter in memory, checked against its base."""

    factors: Mapping[str, LoraFactors]
    """By the module's name in the base model."""

    @property
    def size_bytes(self) -> int:
        return sum(each.a_RI.nbytes + each.b_OR.nbytes for each in self.factors.values())


class AdapterSwitch:
    """For use by one thread at a time: the one that runs the model."""

    def __init__(self, model: nn.Module) -> None:
        self._on: Mapping[str, LoraFactors] = {}
        for name, module in model.named_modules():
            if isinstance(module, nn.Linear):
                module.register_forward_hook(self._hook(name))

    @contextmanager
    def on(self, adapter: ResidentAdapter | None) -> Generator[None]:
        """The model is this adapter's within the block; the base itself for None."""
        self._on = {} if adapter is None else adapter.factors
        try:
            yield
        finally:
            self._on = {}

    def _hook(self, name: str) -> Callable[[nn.Module, tuple[Any, ...], Tensor], Tensor | None]:
        def add_update(_module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor | None:
            factors = self._on.get(name)
            if factors is None:
                return None
            input_xI: Tensor = inputs[0].to(torch.float32)
            update_xO = linear(linear(input_xI, factors.a_RI), factors.b_OR) * factors.scale
            return output + update_xO.to(output.dtype)

        return add_update


def check_fits(model: nn.Module, factors: Mapping[str, LoraFactors]) -> None:
    """Raises   ValidationFailed where a layer is not in the model, is not linear, or has another shape."""
    modules = dict(model.named_modules())
    for name, each in factors.items():
        layer = modules.get(name)
        if not isinstance(layer, nn.Linear):
            raise ValidationFailed(f"the adapter has a layer {name}, which is no linear layer of this base model")
        if each.a_RI.shape[1] != layer.in_features or each.b_OR.shape[0] != layer.out_features:
            raise ValidationFailed(
                f"the adapter's layer {name} goes from {each.a_RI.shape[1]} to {each.b_OR.shape[0]} features; this "
                f"base's goes from {layer.in_features} to {layer.out_features}"
            )
