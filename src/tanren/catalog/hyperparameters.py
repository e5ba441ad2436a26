"""Builders of hyperparameter rules, with AWS's names, and the keys that tanren adds to every base model.

Source   names and bounds: AWS user guide, custom-models-hp, as collected in the project's fact sheet (§2). Each
         family's numbers are in its module of `catalog/profiles/`.
"""

from dataclasses import replace

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
        only_where="no validation data",
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
            only_where="validation loss",
        ),
        HyperparameterRule(
            name="earlyStoppingPatience",
            kind="int",
            minimum=1,
            maximum=10,
            default=patience,
            help="Validations without progress after which training stops.",
            only_where="validation loss",
        ),
    )


_WITH_LORA = ("customizationMethod", "lora")


def _choice(name: str, choices: tuple[str, ...], default: str, help: str) -> HyperparameterRule:
    return HyperparameterRule(name=name, kind="choice", choices=choices, default=default, help=help, is_extension=True)


EXTENSIONS = (
    _choice("customizationMethod", ("lora", "full"), "lora", "lora trains a small adapter, full trains every weight."),
    HyperparameterRule(
        name="loraRank",
        kind="int",
        minimum=1,
        maximum=256,
        default=16,
        help="Rank of the adapter.",
        is_extension=True,
        only_with=_WITH_LORA,
    ),
    HyperparameterRule(
        name="loraAlpha",
        kind="float",
        minimum=0.01,
        maximum=1024,
        default=32.0,
        help="The adapter is scaled by alpha / rank.",
        is_extension=True,
        only_with=_WITH_LORA,
    ),
    HyperparameterRule(
        name="loraDropout",
        kind="float",
        minimum=0,
        maximum=0.9,
        default=0.0,
        help="Share of the adapter's inputs dropped in training.",
        is_extension=True,
        only_with=_WITH_LORA,
    ),
    HyperparameterRule(
        name="loraTargets",
        kind="choice",
        choices=("all-linear", "attention", "mlp"),
        default="all-linear",
        help="Which linear layers of the blocks carry an adapter.",
        is_extension=True,
        only_with=_WITH_LORA,
    ),
    _choice(
        "optimizer",
        ("adamw", "adamw-8bit", "adafactor", "sgd"),
        "adamw",
        "adamw-8bit keeps a quarter of adamw's state and needs tanren's extra eight-bit; adafactor keeps hardly any "
        "state; sgd has momentum 0.9 and wants a rate some 30 times higher.",
    ),
    _choice(
        "learningRateSchedule",
        ("linear", "cosine", "constant"),
        "linear",
        "The rate after the warm-up: straight or along a half cosine towards zero, or level.",
    ),
    HyperparameterRule(
        name="maxGradNorm",
        kind="float",
        minimum=0,
        maximum=1000,
        default=1.0,
        help="Larger gradients are scaled down to this global norm; 0: never.",
        is_extension=True,
    ),
    HyperparameterRule(
        name="weightDecay",
        kind="float",
        minimum=0,
        maximum=1,
        default=0.0,
        help="Decoupled decay of the trained matrices.",
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
        name="evalPercentage",
        kind="float",
        minimum=5,
        maximum=50,
        help="Percent of the training records held out for validation where the job has no validation data. "
        "Default: none, except where AWS has the key.",
        is_extension=True,
        only_where="no validation data",
    ),
    replace(
        _choice(
            "publish",
            ("best", "last"),
            "best",
            "Which epoch's weights become the model where there is a validation loss: of the lowest, or of the last.",
        ),
        only_where="validation loss",
    ),
    HyperparameterRule(
        name="replayPercentage",
        kind="int",
        minimum=0,
        maximum=90,
        default=0,
        help="Percent of the documents of a step that are general text of tanren's own, to limit forgetting; they "
        "come on top of batchSize. CONTINUED_PRE_TRAINING only.",
        is_extension=True,
        only_for="CONTINUED_PRE_TRAINING",
    ),
    HyperparameterRule(
        name="seed",
        kind="int",
        minimum=0,
        maximum=2**31 - 1,
        default=0,
        help="Order of the data, hold-out, dropout and first values of the adapter.",
        is_extension=True,
    ),
    _choice(
        "dtype",
        ("auto", "float32", "bfloat16"),
        "auto",
        "Of the base's weights under LoRA, of the arithmetic in full fine-tuning; auto: bfloat16 for large bases on "
        "processors and GPUs that have it.",
    ),
    _choice(
        "gradientCheckpointing",
        ("auto", "on", "off"),
        "auto",
        "Whether activations are let go and computed again backwards: less memory, the same model, a longer training. "
        "auto: only where memory would not suffice otherwise.",
    ),
    HyperparameterRule(
        name="sampleSteps",
        kind="int",
        minimum=0,
        maximum=1_000_000,
        help="Steps between two samples of what the model answers while it learns; 0: none. Changes what is shown, not "
        "the model. Default: about ten samples a run.",
        is_extension=True,
    ),
)
"""Keys that AWS does not have, accepted by every base model."""


def with_extensions(rules: tuple[HyperparameterRule, ...]) -> tuple[HyperparameterRule, ...]:
    """A family's rules and the extensions; where AWS has a key of the same name, AWS's rule is the one that holds."""
    own = {rule.name for rule in rules}
    return rules + tuple(rule for rule in EXTENSIONS if rule.name not in own)
