"""The learning rate of a step: a pure function, so that nothing of it has to be stored."""

import math

from tanren.training.spec import TrainingSpec


def learning_rate_at(step: int, spec: TrainingSpec, *, total_steps: int) -> float:
    """The rate of optimiser step `step`, from 0, of `total_steps` planned ones.

    Why   the warm-up begins above zero and the decay ends above it: no step is spent on a rate of nothing.
    """
    if step < spec.warmup_steps:
        return spec.learning_rate * (step + 1) / (spec.warmup_steps + 1)
    decay_steps = max(1, total_steps - spec.warmup_steps)
    left = max(0.0, (total_steps - step) / decay_steps)
    if spec.schedule == "constant":
        return spec.learning_rate
    if spec.schedule == "cosine":
        return spec.learning_rate * 0.5 * (1 - math.cos(math.pi * left))
    return spec.learning_rate * left
