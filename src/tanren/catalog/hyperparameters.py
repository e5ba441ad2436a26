"""Builders of hyperparameter rules, with AWS's names, and the keys that tanren adds to every base model.

Source   names and bounds: AWS user guide, custom-models-hp, as collected in the project's fact sheet (§2). Each
         family's numbers are in its module of `catalog/profiles/`.
"""

from tanren.domain.hyperparameters import HyperparameterRule

LEAST_RATE = 1e-12
"""AWS's table begins at 0.0, at which a job would succeed and learn nothing."""


def epochs(maximum: int, default: int) -> HyperparameterRule:
    return HyperparameterRule(
        name="epochCount",
        kind="int",
        minimum=1,
        maximum=maximum,
        default=default,
        help="Passes over the training data.",
    )


def batch_size(minimum: int, maximum: int, default: int) -> HyperparameterRule:
    return HyperparameterRule(
        name="batchSize",
        kind="int",
        minimum=minimum,
        maximum=maximum,
        default=default,
        help="Records per optimizer step.",
    )


def learning_rate(minimum: float, maximum: float, default: float) -> HyperparameterRule:
    return HyperparameterRule(
        name="learningRate",
        kind="float",
        minimum=minimum,
        maximum=maximum,
        default=default,
        help="Size of an update. For a stand-in it scales the stand-in's own rate: given / family default.",
    )


def warmup(maximum: int, default: int) -> HyperparameterRule:
    return HyperparameterRule(
        name="learningRateWarmupSteps",
        kind="int",
        minimum=0,
        maximum=maximum,
        default=default,
        help="Steps over which the learning rate rises from zero.",
    )


def learning_rate_multiplier() -> HyperparameterRule:
    return HyperparameterRule(
        name="learningRateMultiplier",
        kind="float",
        minimum=0.1,
        maximum=2,
        default=1.0,
        help="Times the base model's own learning rate.",
    )


def evaluation_percentage() -> HyperparameterRule:
    return HyperparameterRule(
        name="evalPercentage",
        kind="float",
        minimum=5,
        maximum=50,
        default=20.0,
        help="Percent of the training records held out for validation where the job has no validation data.",
    )


def early_stopping(threshold: float, patience: int) -> tuple[HyperparameterRule, HyperparameterRule]:
    return (
        HyperparameterRule(
            name="earlyStoppingThreshold",
            kind="float",
            minimum=0,
            maximum=0.1,
            default=threshold,
            help="Least fall of the validation loss that counts as progress. Used when there is validation data.",
        ),
        HyperparameterRule(
            name="earlyStoppingPatience",
            kind="int",
            minimum=1,
            maximum=10,
            default=patience,
            help="Validations without progress after which training stops.",
        ),
    )


EXTENSIONS = (
    HyperparameterRule(
        name="customizationMethod",
        kind="choice",
        choices=("lora", "full"),
        default="lora",
        help="lora trains a small adapter, full trains every weight.",
        is_extension=True,
    ),
    HyperparameterRule(
        name="loraRank", kind="int", minimum=1, maximum=256, default=16, help="Rank of the adapter.", is_extension=True
    ),
    HyperparameterRule(
        name="loraAlpha",
        kind="float",
        minimum=0.01,
        maximum=1024,
        default=32.0,
        help="The adapter is scaled by alpha / rank.",
        is_extension=True,
    ),
    HyperparameterRule(
        name="loraDropout",
        kind="float",
        minimum=0,
        maximum=0.9,
        default=0.0,
        help="Share of the adapter's inputs dropped in training.",
        is_extension=True,
    ),
    HyperparameterRule(
        name="maxSequenceLength",
        kind="int",
        minimum=16,
        maximum=131_072,
        help="Longest record in tokens; a longer one fails validation. Default: the base model's context.",
        is_extension=True,
    ),
    HyperparameterRule(
        name="weightDecay", kind="float", minimum=0, maximum=1, default=0.0, help="AdamW's decay.", is_extension=True
    ),
    HyperparameterRule(
        name="seed",
        kind="int",
        minimum=0,
        maximum=2**31 - 1,
        default=0,
        help="Order of the data and first values of the adapter.",
        is_extension=True,
    ),
)
"""Keys that AWS does not have, accepted by every base model."""
