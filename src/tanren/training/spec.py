"""Every knob of a training run. Written beside its output, so that the run can be repeated; none is without effect."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from tanren.domain.errors import ValidationFailed
from tanren.weights.base_models import DtypeName
from tanren.weights.lora import LoraTargets


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSpec:
    """Checked at construction. Raises ValidationFailed, naming field, value and range."""

    method: Literal["lora", "full"] = "lora"
    """What is trained: adapters on all linear layers of the blocks, or every weight."""
    objective: Literal["supervised", "continued_pre_training"] = "supervised"
    epochs: int = 2
    batch_size: int = 8
    """Records an optimiser step; the last step of an epoch takes what is left."""
    learning_rate: float = 1e-4
    """The highest rate, reached after the warm-up."""
    warmup_steps: int = 0
    """Optimiser steps with a rising rate: step i < warmup_steps runs at (i + 1) / (warmup_steps + 1) of it."""
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    """After the warm-up: straight or along a half cosine towards zero at the end of the planned epochs, or level.
    Linear by default, as in transformers and TRL, so that curves can be compared."""
    optimizer: Literal["adamw", "adamw-8bit", "adafactor", "sgd"] = "adamw"
    """How a gradient becomes an update; see `optimizer`."""
    weight_decay: float = 0.0
    """Decoupled, whatever the optimiser: a step shrinks each weight by rate times this; on matrices only."""
    max_grad_norm: float | None = 1.0
    """Gradients are scaled down to this global norm; None: never."""
    lora_rank: int = 16
    lora_alpha: float = 32.0
    """Updates are scaled by lora_alpha / lora_rank."""
    lora_dropout: float = 0.0
    lora_targets: LoraTargets = "all-linear"
    """Which linear layers of the blocks carry an adapter."""
    max_sequence_length: int = 1024
    """Tokens of a record, template included. A longer record is refused by name, never cut."""
    seed: int = 0
    """Decides initialisation, order, dropout and hold-out."""
    early_stopping_threshold: float | None = None
    """Nats by which the validation loss must fall to count as better. None, or no validation data: never stop early."""
    early_stopping_patience: int | None = None
    """Epochs without being better after which the run ends. Given together with the threshold."""
    evaluation_percentage: float | None = None
    """Percent of the training records held out, by hash, where no validation data are given; otherwise unused."""
    replay_percentage: int = 0
    """Percent of the documents that a step learns which are general text, to limit forgetting: see `replay`. They come
    on top of `batch_size`. Continued pre-training only."""
    publish: Literal["best", "last"] = "best"
    """Which weights become the model where there is a validation loss: of the epoch with the lowest, or of the last."""
    checkpoint_interval_seconds: float = 60.0
    """Work that a kill may cost. Changes no result, only how often the state is written; 0: after every step."""
    dtype: DtypeName = "float32"
    """Of the frozen base under LoRA (adapters are float32); of the arithmetic in full fine-tuning (weights float32)."""

    gradient_checkpointing: Literal["auto", "on", "off"] = "auto"
    """Whether a block's activations are let go and computed again in the backward pass; auto: only where memory would
    not suffice otherwise. Changes no result, only memory and time."""

    def __post_init__(self) -> None:
        for name, least in _AT_LEAST.items():
            _check(name, value := getattr(self, name), f"at least {least:g}", value is None or value >= least)
        for name, choices in _CHOICES.items():
            _check(name, value := getattr(self, name), "one of " + ", ".join(choices), value in choices)
        _check("learning_rate", self.learning_rate, "above 0", self.learning_rate > 0)
        _check("lora_alpha", self.lora_alpha, "above 0", self.lora_alpha > 0)
        _check("max_grad_norm", self.max_grad_norm, "above 0", self.max_grad_norm is None or self.max_grad_norm > 0)
        _check("lora_dropout", self.lora_dropout, "below 1", self.lora_dropout < 1)
        _check("replay_percentage", self.replay_percentage, "at most 90", self.replay_percentage <= 90)
        may_replay = self.objective == "continued_pre_training" or not self.replay_percentage
        _check("replay_percentage", self.replay_percentage, "0 except in continued pre-training", may_replay)
        share = self.evaluation_percentage
        _check("evaluation_percentage", share, "above 0, at most 50", share is None or 0 < share <= 50)
        both = (self.early_stopping_threshold is None) == (self.early_stopping_patience is None)
        _check("early_stopping_patience", self.early_stopping_patience, "given with early_stopping_threshold", both)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @staticmethod
    def from_json(value: dict[str, Any]) -> "TrainingSpec":
        """Raises ValidationFailed for an unknown key."""
        known = {field.name for field in dataclasses.fields(TrainingSpec)}
        unknown = sorted(set(value) - known)
        if unknown:
            raise ValidationFailed(f"The training spec has the unknown key {unknown[0]!r}.")
        return TrainingSpec(**value)

    def digest(self) -> str:
        """SHA-256 of all that decides the result: checkpoints of another digest belong to another run."""
        value = {name: given for name, given in self.to_json().items() if name not in _WITHOUT_EFFECT_ON_THE_RESULT}
        return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


_WITHOUT_EFFECT_ON_THE_RESULT = frozenset({"checkpoint_interval_seconds", "gradient_checkpointing"})
_AT_LEAST: dict[str, float] = {
    "epochs": 1,
    "batch_size": 1,
    "warmup_steps": 0,
    "weight_decay": 0,
    "lora_rank": 1,
    "lora_dropout": 0,
    "max_sequence_length": 2,
    "replay_percentage": 0,
    "seed": 0,
    "early_stopping_threshold": 0,
    "early_stopping_patience": 1,
    "checkpoint_interval_seconds": 0,
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "method": ("lora", "full"),
    "objective": ("supervised", "continued_pre_training"),
    "schedule": ("linear", "cosine", "constant"),
    "optimizer": ("adamw", "adamw-8bit", "adafactor", "sgd"),
    "lora_targets": ("all-linear", "attention", "mlp"),
    "publish": ("best", "last"),
    "dtype": ("float32", "bfloat16"),
    "gradient_checkpointing": ("auto", "on", "off"),
}


def _check(name: str, value: object, expected: str, holds: bool) -> None:
    if not holds:
        raise ValidationFailed(f"training spec: {name} is {value}; it must be {expected}.")
