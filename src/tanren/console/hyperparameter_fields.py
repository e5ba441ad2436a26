"""The hyperparameters that a base model takes, as the form shows them: range, default and advice.

Bedrock has no operation that says them, neither here nor on AWS; both publish them as tables. So does this file, by the
beginning of the model's id, and a test holds it to the catalogue. The API judges what is sent in any case, before a job
is made: the page asks EstimateCustomizationJob and shows its answer.

Source   AWS user guide, custom-models-hp, and docs/catalogue.md
"""

from dataclasses import dataclass, replace
from typing import Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class HyperparameterField:
    name: str
    label: str
    """English, as all texts; the Japanese one stands in `japanese.py`."""
    advice: str
    kind: Literal["int", "float"] = "float"
    minimum: float = 0
    maximum: float = 0
    default: str = ""

    @property
    def step(self) -> str:
        """What a browser's number field accepts."""
        return "1" if self.kind == "int" else "any"


_EPOCHS: Final = HyperparameterField(
    name="epochCount",
    label="Epochs",
    kind="int",
    advice="How often the whole training data is learned. Few examples need more: 85 rows took 5 to 7 epochs; with "
    "2 nothing was learned. Early stopping ends it in time.",
)
_BATCH: Final = HyperparameterField(
    name="batchSize",
    label="Batch size",
    kind="int",
    advice="Examples for one update of the model. With little data keep it small, so that there are enough updates.",
)
_RATE: Final = HyperparameterField(
    name="learningRate",
    label="Learning rate",
    advice="How far one update goes. Too high and the loss jumps; too low and nothing is learned.",
)
_MULTIPLIER: Final = HyperparameterField(
    name="learningRateMultiplier",
    label="Learning rate multiplier",
    minimum=0.1,
    maximum=2,
    default="1.0",
    advice="Times the base learning rate of the model. Raise it when the loss hardly falls, lower it when it jumps.",
)
_WARMUP: Final = HyperparameterField(
    name="learningRateWarmupSteps",
    label="Learning rate warmup steps",
    kind="int",
    advice="Updates over which the learning rate rises from zero.",
)
_THRESHOLD: Final = HyperparameterField(
    name="earlyStoppingThreshold",
    label="Early stopping threshold",
    minimum=0,
    maximum=0.1,
    advice="How much the validation loss has to fall to count as progress.",
)
_PATIENCE: Final = HyperparameterField(
    name="earlyStoppingPatience",
    label="Early stopping patience",
    kind="int",
    minimum=1,
    maximum=10,
    advice="How many epochs without progress are allowed before training stops.",
)
_HELD_OUT: Final = HyperparameterField(
    name="evalPercentage",
    label="Held-out percentage",
    minimum=5,
    maximum=50,
    advice="Percent of the training data held out for validation where no validation data is given.",
)

EARLY_STOPPING: Final = ("earlyStoppingThreshold", "earlyStoppingPatience")
EARLY_STOPPING_LATEST: Final = {"earlyStoppingThreshold": "0", "earlyStoppingPatience": "10"}
"""What comes nearest to none: Bedrock has no key that turns it off."""


def _of(field: HyperparameterField, minimum: float, maximum: float, default: str) -> HyperparameterField:
    return replace(field, minimum=minimum, maximum=maximum, default=default)


def _early_stopping(threshold: str, patience: str) -> tuple[HyperparameterField, ...]:
    return replace(_THRESHOLD, default=threshold), replace(_PATIENCE, default=patience)


_LEAST_RATE: Final = 1e-12
"""AWS's table begins at 0, with which nothing would be learned."""


def _cohere(*, largest_batch: int) -> tuple[HyperparameterField, ...]:
    return (
        _of(_EPOCHS, 1, 100, "1"),
        _of(_BATCH, 8, largest_batch, "8"),
        _of(_RATE, 5e-6, 0.1, "1e-05"),
        *_early_stopping("0.01", "6"),
        replace(_HELD_OUT, default="20.0"),
    )


_FAMILIES: Final[tuple[tuple[str, tuple[HyperparameterField, ...]], ...]] = (
    (
        "anthropic.claude-3-haiku",
        (_of(_EPOCHS, 1, 10, "2"), _of(_BATCH, 4, 256, "32"), _MULTIPLIER, *_early_stopping("0.001", "2")),
    ),
    (
        "amazon.nova",
        (_of(_EPOCHS, 1, 5, "2"), _of(_BATCH, 1, 64, "1"), _of(_RATE, 1e-6, 1e-4, "1e-05"), _of(_WARMUP, 0, 100, "10")),
    ),
    (
        "amazon.titan-text-premier",
        (_of(_EPOCHS, 1, 5, "2"), _of(_BATCH, 1, 1, "1"), _of(_RATE, 1e-7, 1e-5, "1e-06"), _of(_WARMUP, 0, 20, "5")),
    ),
    (
        "amazon.titan-text",
        (
            _of(_EPOCHS, 1, 10, "5"),
            _of(_BATCH, 1, 64, "1"),
            _of(_RATE, _LEAST_RATE, 1, "1e-05"),
            _of(_WARMUP, 0, 250, "5"),
        ),
    ),
    ("cohere.command-light", _cohere(largest_batch=32)),
    ("cohere.command", _cohere(largest_batch=8)),
    ("meta.llama", (_of(_EPOCHS, 1, 10, "5"), _of(_BATCH, 1, 1, "1"), _of(_RATE, 5e-6, 0.1, "0.0001"))),
    (
        "tanren.nano",
        (
            _of(_EPOCHS, 1, 100, "10"),
            _of(_BATCH, 1, 256, "8"),
            _of(_RATE, _LEAST_RATE, 1, "0.0035"),
            _of(_WARMUP, 0, 250, "5"),
            *_early_stopping("0.001", "2"),
        ),
    ),
)


def fields_of(model_id: str) -> tuple[HyperparameterField, ...]:
    """In the order of the form; nothing for a model that is not known here, whose keys are given by name."""
    return next((fields for beginning, fields in _FAMILIES if model_id.startswith(beginning)), ())
