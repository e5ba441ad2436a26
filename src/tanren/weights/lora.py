"""Low-rank adapters on the linear layers of a causal language model.

y = W x + (alpha / rank) · B A dropout(x), with W frozen, A of shape [rank, in] and B of shape [out, rank].
A begins Kaiming-uniform, B zero, so that an adapted model begins as its base.

Source   Hu et al. 2021, "LoRA", section 4.1; the initialisation of A is that of peft.
Cost     rank · (in + out) multiply-adds a token and layer, in the base's dtype. A and B themselves are float32: an
         update too small for bfloat16 is not lost on them.

Legend   R rank, I in features, O out features.
"""

import hashlib
import math
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tanren.domain.errors import JobFailed

LoraTargets = Literal["all-linear", "attention", "mlp"]
"""Which linear layers of the decoder's blocks carry an adapter."""

_PARTS: Final = {"attention": "self_attn", "mlp": "mlp"}
"""The part of a block, as every architecture of `model_files.architectures` names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraSettings:
    rank: int
    alpha: float
    """The update is scaled by alpha / rank."""
    dropout: float = 0.0
    """Probability of zeroing an input of A; training only."""

    @property
    def scale(self) -> float:
        return self.alpha / self.rank


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraFactors:
    """What one adapter adds to one linear layer: scale · B A. What serving applies, one of several."""

    a_RI: Tensor
    b_OR: Tensor
    scale: float

    def delta_OI(self) -> Tensor:
        """The dense update, for merging."""
        return (self.b_OR @ self.a_RI) * self.scale


class LoraLinear(nn.Module):
    """A frozen linear layer with one trainable adapter."""

    def __init__(self, base: nn.Linear, settings: LoraSettings, generator: torch.Generator) -> None:
        super().__init__()
        self.base = base
        self.settings = settings
        device = base.weight.device
        a_RI = torch.empty(settings.rank, base.in_features, dtype=torch.float32)
        nn.init.kaiming_uniform_(a_RI, a=math.sqrt(5), generator=generator)
        self.lora_a_RI = nn.Parameter(a_RI.to(device))
        self.lora_b_OR = nn.Parameter(torch.zeros(base.out_features, settings.rank, dtype=torch.float32, device=device))
        self.is_enabled = True
        """False: the layer answers as its base."""

    def forward(self, x_xI: Tensor) -> Tensor:
        y_xO = self.base(x_xI)
        if not self.is_enabled:
            return y_xO
        if self.settings.dropout:
            x_xI = F.dropout(x_xI, self.settings.dropout, self.training)
        a_RI, b_OR = self.lora_a_RI.to(x_xI.dtype), self.lora_b_OR.to(x_xI.dtype)
        return y_xO + F.linear(F.linear(x_xI, a_RI), b_OR) * self.settings.scale


def target_names(model: nn.Module, targets: LoraTargets = "all-linear") -> list[str]:
    """Names of the linear layers that carry an adapter, all in the decoder's blocks; the output head does not.

    Raises   JobFailed where there is none: the architecture does not use nn.Linear there.
    """
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
        and any(part.isdigit() for part in name.split("."))
        and (targets == "all-linear" or _PARTS[targets] in name.split("."))
    ]
    if not names:
        raise JobFailed(
            f"{type(model).__name__} has no linear layers in its blocks that LoRA could adapt with targets {targets}; "
            "use others, or full fine-tuning."
        )
    return names


def attach_lora(
    model: nn.Module, settings: LoraSettings, *, seed: int, targets: LoraTargets = "all-linear"
) -> dict[str, LoraLinear]:
    """The model's target layers, replaced in place by adapted ones: name → layer, in the model's order.

    Why   each A is drawn from a generator of (seed, name): one layer more or less changes no other's beginning.
    """
    layers: dict[str, LoraLinear] = {}
    for name in target_names(model, targets):
        parent_name, _, attribute = name.rpartition(".")
        parent = model.get_submodule(parent_name)
        generator = torch.Generator().manual_seed(_seed_of(seed, name))
        layer = LoraLinear(cast(nn.Linear, getattr(parent, attribute)), settings, generator)
        setattr(parent, attribute, layer)
        layers[name] = layer
    return layers


def attach_factors(model: nn.Module, factors: Mapping[str, LoraFactors]) -> None:
    """Gives the model the layers of a finished adapter, which may be some of its linear layers only.

    Raises   JobFailed where a layer is not in the model, is not linear, or has another shape.
    """
    modules = dict(model.named_modules())
    for name, given in factors.items():
        linear = modules.get(name)
        rank = given.a_RI.shape[0]
        if not isinstance(linear, nn.Linear):
            raise JobFailed(f"The adapter has a layer {name}, which is no linear layer of this base model.")
        if (given.b_OR.shape[0], given.a_RI.shape[1]) != (linear.out_features, linear.in_features):
            raise JobFailed(
                f"The adapter's layer {name} goes from {given.a_RI.shape[1]} to {given.b_OR.shape[0]} features; this "
                f"base's goes from {linear.in_features} to {linear.out_features}."
            )
        layer = LoraLinear(linear, LoraSettings(rank=rank, alpha=given.scale * rank), torch.Generator())
        with torch.no_grad():
            layer.lora_a_RI.copy_(given.a_RI)
            layer.lora_b_OR.copy_(given.b_OR)
        layer.requires_grad_(False)
        parent, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(parent), attribute, layer.eval())


def factors_of(layers: Mapping[str, LoraLinear]) -> dict[str, LoraFactors]:
    """The adapter as it is now; tensors are shared with the layers."""
    return {
        name: LoraFactors(a_RI=layer.lora_a_RI.detach(), b_OR=layer.lora_b_OR.detach(), scale=layer.settings.scale)
        for name, layer in layers.items()
    }


def load_factors(layers: Mapping[str, LoraLinear], factors: Mapping[str, LoraFactors]) -> None:
    """Copies an adapter into the layers. Raises JobFailed where targets, rank, shape or scale differ."""
    if set(layers) != set(factors):
        odd = sorted(set(layers) ^ set(factors))
        raise JobFailed(f"The adapter does not cover the same layers as this job's: {odd[0]} is in one of them only.")
    for name, layer in layers.items():
        given = factors[name]
        if given.a_RI.shape != layer.lora_a_RI.shape or given.b_OR.shape != layer.lora_b_OR.shape:
            raise JobFailed(
                f"The adapter has rank {given.a_RI.shape[0]} and input size {given.a_RI.shape[1]} at {name}; "
                f"this job has {layer.lora_a_RI.shape[0]} and {layer.lora_a_RI.shape[1]}."
            )
        if not math.isclose(given.scale, layer.settings.scale):
            raise JobFailed(
                f"The adapter is scaled by {given.scale:g} at {name}, this job by {layer.settings.scale:g}."
            )
        with torch.no_grad():
            layer.lora_a_RI.copy_(given.a_RI)
            layer.lora_b_OR.copy_(given.b_OR)


def merge_factors(model: nn.Module, factors: Mapping[str, LoraFactors]) -> None:
    """Adds an adapter to the plain weights of a model without adapters, in float32 before rounding."""
    for name, given in factors.items():
        weight_OI = cast(nn.Linear, model.get_submodule(name)).weight
        with torch.no_grad():
            weight_OI.copy_(weight_OI.to(torch.float32) + given.delta_OI().to(weight_OI.device))


@contextmanager
def adapters_disabled(layers: Mapping[str, LoraLinear]) -> Generator[None, None, None]:
    """Within, the model answers as its base."""
    for layer in layers.values():
        layer.is_enabled = False
    try:
        yield
    finally:
        for layer in layers.values():
            layer.is_enabled = True


def _seed_of(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:7], "big")
