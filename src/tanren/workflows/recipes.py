"""From the hyperparameters of a request to what a run does: the one place where a family's words become settings.

A family's learning rate belongs to the family's own weights. Where other weights stand in, the given rate is taken
relative to the family's default, and scales the rate at which the stand-in learns well:

    rate = reference rate of the weights x given rate / default rate of the family

so that a script written for AWS trains as intended here, and twice the rate is still twice the rate. The result is in
the run's record and in the job's events. For weights that are themselves the model, the default is the reference rate
and nothing changes.
"""

from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.foundation_models import FoundationModel
from tanren.domain.hyperparameters import HyperparameterValue
from tanren.domain.weights import BoundWeights
from tanren.training.spec import TrainingSpec


def training_spec(
    model: FoundationModel,
    weights: BoundWeights,
    kind: CustomizationType,
    values: dict[str, HyperparameterValue],
    *,
    context_length: int,
    has_validation: bool,
    checkpoint_seconds: float,
) -> TrainingSpec:
    """Every resolved hyperparameter has its place here; a test checks that none is left out."""
    method = str(values["customizationMethod"])
    reference = weights.lora_learning_rate if method == "lora" else weights.full_learning_rate
    given = float(values.get("learningRate", values.get("learningRateMultiplier", model.default_learning_rate)))
    held_out = None if has_validation else values.get("evalPercentage")
    can_stop_early = has_validation or held_out is not None
    threshold = values.get("earlyStoppingThreshold") if can_stop_early else None
    patience = values.get("earlyStoppingPatience") if can_stop_early else None
    return TrainingSpec(
        method="lora" if method == "lora" else "full",
        objective="supervised" if kind is CustomizationType.FINE_TUNING else "continued_pre_training",
        epochs=int(values["epochCount"]),
        batch_size=int(values["batchSize"]),
        learning_rate=reference * given / model.default_learning_rate,
        warmup_steps=int(values.get("learningRateWarmupSteps", 0)),
        weight_decay=float(values["weightDecay"]),
        lora_rank=int(values["loraRank"]),
        lora_alpha=float(values["loraAlpha"]),
        lora_dropout=float(values["loraDropout"]),
        max_sequence_length=min(int(values.get("maxSequenceLength", context_length)), context_length),
        seed=int(values["seed"]),
        early_stopping_threshold=None if threshold is None else float(threshold),
        early_stopping_patience=None if patience is None else int(patience),
        evaluation_percentage=None if held_out is None else float(held_out),
        checkpoint_interval_seconds=checkpoint_seconds,
    )
