"""The foundation models that can be customized and invoked, as data.

Each entry joins a Bedrock id with its family's rules: names, bounds and defaults of hyperparameters, record limits,
native body format. The weights behind an id are looked up in `catalog/weights.py`; where they are not the model that
the id names, the entry is a stand-in and its name says so.

Source   hyperparameters: AWS user guide, custom-models-hp; record limits: model-customization-prepare; as collected in
         the project's fact sheet. A base model id has exactly one dot, else AWS's own ARN patterns refuse it.
"""

from collections.abc import Iterator

from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.errors import ResourceNotFound
from tanren.domain.foundation_models import FoundationModel, RecordLimits
from tanren.domain.hyperparameters import HyperparameterRule

FINE_TUNING = CustomizationType.FINE_TUNING.value
CONTINUED_PRE_TRAINING = CustomizationType.CONTINUED_PRE_TRAINING.value
ON_DEMAND = "ON_DEMAND"
PROVISIONED = "PROVISIONED"
LEAST_RATE = 1e-12
"""AWS's table begins at 0.0, at which a job would succeed and learn nothing."""


def _epochs(maximum: int, default: int) -> HyperparameterRule:
    return HyperparameterRule(
        name="epochCount",
        kind="int",
        minimum=1,
        maximum=maximum,
        default=default,
        help="Passes over the training data.",
    )


def _batch_size(minimum: int, maximum: int, default: int) -> HyperparameterRule:
    return HyperparameterRule(
        name="batchSize",
        kind="int",
        minimum=minimum,
        maximum=maximum,
        default=default,
        help="Records per optimizer step.",
    )


def _learning_rate(minimum: float, maximum: float, default: float) -> HyperparameterRule:
    return HyperparameterRule(
        name="learningRate",
        kind="float",
        minimum=minimum,
        maximum=maximum,
        default=default,
        help="Size of an update. For a stand-in it scales the stand-in's own rate: given / family default.",
    )


def _warmup(maximum: int, default: int) -> HyperparameterRule:
    return HyperparameterRule(
        name="learningRateWarmupSteps",
        kind="int",
        minimum=0,
        maximum=maximum,
        default=default,
        help="Steps over which the learning rate rises from zero.",
    )


def _early_stopping(threshold: float, patience: int) -> tuple[HyperparameterRule, HyperparameterRule]:
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

TITAN_TEXT = (_epochs(10, 5), _batch_size(1, 64, 1), _learning_rate(LEAST_RATE, 1.0, 1e-5), _warmup(250, 5))
TITAN_PREMIER = (_epochs(5, 2), _batch_size(1, 1, 1), _learning_rate(1e-7, 1e-5, 1e-6), _warmup(20, 5))
NOVA = (_epochs(5, 2), _batch_size(1, 64, 1), _learning_rate(1e-6, 1e-4, 1e-5), _warmup(100, 10))
LLAMA = (_epochs(10, 5), _batch_size(1, 1, 1), _learning_rate(5e-6, 0.1, 1e-4))
CLAUDE_3_HAIKU = (
    _epochs(10, 2),
    _batch_size(4, 256, 32),
    HyperparameterRule(
        name="learningRateMultiplier",
        kind="float",
        minimum=0.1,
        maximum=2,
        default=1.0,
        help="Times the base model's own learning rate.",
    ),
    *_early_stopping(0.001, 2),
)
NANO = (
    _epochs(100, 10),
    _batch_size(1, 256, 8),
    _learning_rate(LEAST_RATE, 1.0, 7e-3),
    _warmup(250, 5),
    *_early_stopping(0.001, 2),
)


def _stand_in(
    model_id: str,
    provider: str,
    body_format: str,
    rules: tuple[HyperparameterRule, ...],
    *,
    default_learning_rate: float,
    customizations: tuple[str, ...] = (FINE_TUNING,),
    inference_types: tuple[str, ...] = (ON_DEMAND, PROVISIONED),
    record_limits: RecordLimits = RecordLimits(),
) -> FoundationModel:
    return FoundationModel(
        model_id=model_id,
        name="stand-in: nano-v1",
        provider=provider,
        body_format=body_format,
        customizations=customizations,
        inference_types=inference_types,
        hyperparameters=rules + EXTENSIONS if customizations else (),
        default_learning_rate=default_learning_rate,
        record_limits=record_limits,
    )


_CLAUDE_LIMITS = RecordLimits(minimum=32, maximum=10_000, maximum_validation=1_000)
_LLAMA_LIMITS = RecordLimits(minimum=100, maximum=10_000)
_TITAN_BOTH = (FINE_TUNING, CONTINUED_PRE_TRAINING)

FOUNDATION_MODELS: dict[str, FoundationModel] = {
    model.model_id: model
    for model in (
        FoundationModel(
            model_id="tanren.nano-v1:0",
            name="nano-v1",
            provider="tanren",
            body_format="titan_text",
            customizations=_TITAN_BOTH,
            inference_types=(ON_DEMAND, PROVISIONED),
            hyperparameters=NANO + EXTENSIONS,
            default_learning_rate=7e-3,
            is_stand_in=False,
        ),
        *(
            _stand_in(
                model_id,
                "Amazon",
                "titan_text",
                TITAN_TEXT,
                default_learning_rate=1e-5,
                customizations=_TITAN_BOTH,
            )
            for model_id in (
                "amazon.titan-text-lite-v1",
                "amazon.titan-text-lite-v1:0:4k",
                "amazon.titan-text-express-v1",
                "amazon.titan-text-express-v1:0:8k",
            )
        ),
        *(
            _stand_in(
                model_id,
                "Anthropic",
                "anthropic_messages",
                CLAUDE_3_HAIKU,
                default_learning_rate=1.0,
                record_limits=_CLAUDE_LIMITS,
            )
            for model_id in (
                "anthropic.claude-3-haiku-20240307-v1:0",
                "anthropic.claude-3-haiku-20240307-v1:0:200k",
            )
        ),
        *(
            _stand_in(model_id, "Meta", "titan_text", LLAMA, default_learning_rate=1e-4, record_limits=_LLAMA_LIMITS)
            for model_id in ("meta.llama3-1-8b-instruct-v1:0", "meta.llama3-1-8b-instruct-v1:0:128k")
        ),
    )
}


def foundation_model(model_id: str) -> FoundationModel:
    """The entry of an id. Raises ResourceNotFound, naming ids that exist."""
    model = FOUNDATION_MODELS.get(model_id)
    if model is None:
        known = ", ".join(sorted(FOUNDATION_MODELS))
        raise ResourceNotFound(f"There is no foundation model '{model_id}'. Known ids: {known}.")
    return model


def every_foundation_model() -> Iterator[FoundationModel]:
    return iter(FOUNDATION_MODELS.values())
