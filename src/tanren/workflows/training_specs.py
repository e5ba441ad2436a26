"""From the hyperparameters of a request to what a run does: the one place where a family's words become settings.

A family's learning rate belongs to the family's own weights. Where other weights stand in, the given rate is taken
relative to the family's default, and scales the rate at which the stand-in learns well:

    rate = reference rate of the weights x given rate / default rate of the family

so that a script written for AWS trains as intended here, and twice the rate is still twice the rate. The result is in
the run's record and in the job's events. For weights that are themselves the model, the default is the reference rate
and nothing changes.
"""

from pathlib import Path
from typing import Any, cast

import torch

from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.foundation_models import FoundationModel
from tanren.domain.hyperparameters import HyperparameterValue
from tanren.domain.weights import BoundWeights
from tanren.training.spec import TrainingSpec
from tanren.training.varlen_attention import LEAST_CAPABILITY
from tanren.weights.base_models import DtypeName

_LARGE_BASE = 50_000_000
"""Parameters."""


def training_spec(
    model: FoundationModel,
    weights: BoundWeights,
    kind: CustomizationType,
    values: dict[str, HyperparameterValue],
    *,
    context_length: int,
    parameter_count: int,
    has_validation: bool,
    checkpoint_seconds: float,
    device: str = "cpu",
) -> TrainingSpec:
    """Every resolved hyperparameter has its place here, or in `sample_steps`; tests check that none is left out.

    Takes   device: where the run will compute, as `chosen_device` says; what `auto` means depends on it.
    """
    method = str(values["customizationMethod"])
    reference = weights.lora_learning_rate if method == "lora" else weights.full_learning_rate
    given = float(values.get("learningRate", values.get("learningRateMultiplier", model.default_learning_rate)))
    held_out = None if has_validation else values.get("evalPercentage")
    can_stop_early = has_validation or held_out is not None
    threshold = values.get("earlyStoppingThreshold") if can_stop_early else None
    patience = values.get("earlyStoppingPatience") if can_stop_early else None
    max_grad_norm = float(values["maxGradNorm"])
    # Of a choice, the rule has checked the value.
    choices = cast(dict[str, Any], values)
    return TrainingSpec(
        method=choices["customizationMethod"],
        objective="supervised" if kind is CustomizationType.FINE_TUNING else "continued_pre_training",
        epochs=int(values["epochCount"]),
        batch_size=int(values["batchSize"]),
        learning_rate=reference * given / model.default_learning_rate,
        warmup_steps=int(values.get("learningRateWarmupSteps", 0)),
        schedule=choices["learningRateSchedule"],
        optimizer=choices["optimizer"],
        weight_decay=float(values["weightDecay"]),
        max_grad_norm=max_grad_norm or None,
        lora_rank=int(values["loraRank"]),
        lora_alpha=float(values["loraAlpha"]),
        lora_dropout=float(values["loraDropout"]),
        lora_targets=choices["loraTargets"],
        max_sequence_length=min(int(values.get("maxSequenceLength", context_length)), context_length),
        seed=int(values["seed"]),
        early_stopping_threshold=None if threshold is None else float(threshold),
        early_stopping_patience=None if patience is None else int(patience),
        evaluation_percentage=None if held_out is None else float(held_out),
        replay_percentage=int(values["replayPercentage"]),
        publish=choices["publish"],
        checkpoint_interval_seconds=checkpoint_seconds,
        dtype=resolve_dtype(choices["dtype"], parameter_count, device),
        gradient_checkpointing=choices["gradientCheckpointing"],
    )


def resolve_dtype(given: str, parameter_count: int, device: str = "cpu") -> DtypeName:
    """What `auto` means: bfloat16 where the base is large and the device multiplies it natively.

    Why      half the memory and up to four times the speed of its matrix products; small models spend their time
             elsewhere, and a processor without the instructions is slower with it than without.
    """
    if given != "auto":
        return cast(DtypeName, given)
    has_it = processor_has_bfloat16() if device.startswith("cpu") else gpu_has_bfloat16(device)
    return "bfloat16" if parameter_count >= _LARGE_BASE and has_it else "float32"


def gpu_has_bfloat16(device: str) -> bool:
    return torch.cuda.get_device_capability(device) >= LEAST_CAPABILITY


def processor_has_bfloat16() -> bool:
    """Linux tells by the processor's flags; elsewhere the answer is no."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return False
    return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(flags)


def sample_steps(values: dict[str, HyperparameterValue]) -> int | None:
    """Optimiser steps between two samples, 0 for none; None: the view decides. It changes no model, so it is no part of
    the spec."""
    given = values.get("sampleSteps")
    return None if given is None else int(given)
