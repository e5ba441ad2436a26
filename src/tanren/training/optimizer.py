"""AdamW, also with 8-bit moments, Adafactor or SGD over named parameters, with a state that can be written by name."""

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from tanren.training.adafactor import Adafactor
from tanren.training.eight_bit import eight_bit_adamw, restored, stored
from tanren.training.spec import TrainingSpec

_BETAS = (0.9, 0.999)
_EPS = 1e-8
_MOMENTUM = 0.9
"""Of SGD, as everywhere."""


class Optimizer:
    """The learning rate is given with every step.

    Why   weight decay is decoupled whatever the optimiser, and touches matrices only: a norm's gain or a bias has no
          reason to be small.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], spec: TrainingSpec) -> None:
        self._parameters = dict(parameters)
        self._max_grad_norm = spec.max_grad_norm
        self._is_eight_bit = spec.optimizer == "adamw-8bit"
        self._matrices = [parameter for parameter in self._parameters.values() if parameter.ndim >= 2]
        vectors = [parameter for parameter in self._parameters.values() if parameter.ndim < 2]
        groups: list[dict[str, Any]] = [{"params": self._matrices, "weight_decay": spec.weight_decay}]
        if vectors:
            groups.append({"params": vectors, "weight_decay": 0.0})
        self._decay = 0.0
        if spec.optimizer == "adamw":
            self._inner: torch.optim.Optimizer = torch.optim.AdamW(
                groups, lr=spec.learning_rate, betas=_BETAS, eps=_EPS, fused=True
            )
        elif spec.optimizer == "adamw-8bit":
            self._inner = eight_bit_adamw(groups, lr=spec.learning_rate, betas=_BETAS, eps=_EPS)
        elif spec.optimizer == "adafactor":
            self._inner = Adafactor(groups, lr=spec.learning_rate)
        else:
            # torch's own decay goes through the momentum; ours is the same as AdamW's.
            self._decay = spec.weight_decay
            self._inner = torch.optim.SGD(self._parameters.values(), lr=spec.learning_rate, momentum=_MOMENTUM)

    def zero_grad(self) -> None:
        self._inner.zero_grad(set_to_none=True)

    def clip(self) -> float:
        """The global norm of the gradients as they were; afterwards they are at most `max_grad_norm`."""
        bound = self._max_grad_norm if self._max_grad_norm is not None else float("inf")
        return float(nn.utils.clip_grad_norm_(self._parameters.values(), bound))

    def step(self, learning_rate: float) -> None:
        if self._decay:
            with torch.no_grad():
                for parameter in self._matrices:
                    parameter.mul_(1 - learning_rate * self._decay)
        for group in self._inner.param_groups:
            group["lr"] = learning_rate
        self._inner.step()

    def state(self) -> dict[str, Tensor]:
        """`<parameter>/<moment>` → tensor; empty before the first step."""
        return {
            f"{name}/{key}": cast(Tensor, value)
            for name, parameter in self._parameters.items()
            for key, value in self._moments(parameter).items()
        }

    def _moments(self, parameter: nn.Parameter) -> Mapping[str, Any]:
        state = cast(dict[str, Any], self._inner.state[parameter])
        return stored(state) if self._is_eight_bit else state

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        for name, parameter in self._parameters.items():
            prefix = f"{name}/"
            moments = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
            if moments and self._is_eight_bit:
                self._inner.state[parameter] = restored(self._inner, moments, parameter.device)
            elif moments:
                self._inner.state[parameter] = {
                    key: value.clone().to(parameter.device) for key, value in moments.items()
                }
