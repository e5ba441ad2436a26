"""Adafactor: of a matrix, the second moments are kept as one row and one column instead of one number a weight.

With G the gradient of step t, and decay_t = 1 - t^-0.8:

    rows, columns ← decay_t · (rows, columns) + (1 - decay_t) · means of G² over columns and over rows
    U = G / sqrt(rows ⊗ columns / mean(rows)), scaled down to a root mean square of 1 where it is above
    W ← (1 - rate · weight decay) · W - rate · U

Source   Shazeer and Stern, "Adafactor" (2018), algorithms 4 and 5, without momentum; the step size is the given rate.
Why      not torch.optim.Adafactor: it multiplies the rate by the weights' own size (section 8 of the paper), so LoRA's
         B, which begins at zero, would hardly move; and it caps the rate at 1/sqrt(t), so that a record would show
         another rate than the one used. Where neither has a say, the two are equal; a test compares them.
"""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

_DECAY_POWER = -0.8
_EPS = 1e-30
"""Added to squares: a row without gradient divides by no zero."""


class Adafactor(torch.optim.Optimizer):
    def __init__(self, groups: list[dict[str, Any]], *, lr: float) -> None:
        super().__init__(groups, {"lr": lr, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in cast(list[Tensor], group["params"]):
                if parameter.grad is not None:
                    update = self._update(parameter, parameter.grad)
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.sub_(update, alpha=group["lr"])

    def _update(self, parameter: Tensor, gradient: Tensor) -> Tensor:
        state = cast(dict[str, Tensor], self.state[parameter])
        if not state:
            state["step"] = torch.zeros(())
            if parameter.ndim >= 2:
                state["rows"] = torch.zeros_like(parameter[..., :1])
                state["columns"] = torch.zeros_like(parameter[..., :1, :])
            else:
                state["squares"] = torch.zeros_like(parameter)
        state["step"] += 1
        share = float(state["step"]) ** _DECAY_POWER
        squares = gradient.square() + _EPS
        if parameter.ndim >= 2:
            rows = state["rows"].lerp_(squares.mean(dim=-1, keepdim=True), share)
            columns = state["columns"].lerp_(squares.mean(dim=-2, keepdim=True), share)
            variance = rows / rows.mean(dim=-2, keepdim=True) * columns
        else:
            variance = state["squares"].lerp_(squares, share)
        update = gradient * variance.rsqrt()
        return update / update.square().mean().sqrt().clamp(min=1.0)
