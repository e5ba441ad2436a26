"""From a family's rules to the entries of its ids: what every profile says in the same words."""

from collections.abc import Iterable
from typing import Final

from tanren.catalog.hyperparameters import with_extensions
from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.foundation_models import FoundationModel, RecordLimits
from tanren.domain.hyperparameters import HyperparameterRule

FINE_TUNING: Final = CustomizationType.FINE_TUNING.value
CONTINUED_PRE_TRAINING: Final = CustomizationType.CONTINUED_PRE_TRAINING.value

INFERENCE_TYPES: Final = ("ON_DEMAND", "PROVISIONED")
"""What tanren does with every id. On AWS a plain id is on demand only, and its variant with a context length
provisioned only; here both are both, and the list says so."""

GIB: Final = 1024**3
MIB: Final = 1024**2

PROMPT_COMPLETION: Final = "prompt-completion"
CLAUDE_MESSAGES: Final = "claude-messages"
CONVERSATION: Final = "bedrock-conversation-2024"
INPUT: Final = "input"


def customizable(
    model_ids: Iterable[str],
    product_name: str,
    *,
    provider: str,
    body_format: str,
    rules: tuple[HyperparameterRule, ...],
    default_learning_rate: float,
    record_limits: RecordLimits,
    customizations: tuple[str, ...] = (FINE_TUNING,),
    dialect_customizations: tuple[str, ...] = (),
    is_legacy: bool = False,
) -> tuple[FoundationModel, ...]:
    """Entries of one model that AWS customizes, or the SDK overlay: its plain id and its variants."""
    return tuple(
        FoundationModel(
            model_id=model_id,
            product_name=product_name,
            provider=provider,
            body_format=body_format,
            customizations=customizations,
            dialect_customizations=dialect_customizations,
            inference_types=INFERENCE_TYPES,
            hyperparameters=with_extensions(rules),
            default_learning_rate=default_learning_rate,
            record_limits=record_limits,
            lifecycle_status="LEGACY" if is_legacy else "ACTIVE",
        )
        for model_id in model_ids
    )


def invocable(
    model_id: str, product_name: str, *, provider: str, body_format: str, is_legacy: bool = False
) -> FoundationModel:
    """The entry of a model that AWS lets nobody customize."""
    return FoundationModel(
        model_id=model_id,
        product_name=product_name,
        provider=provider,
        body_format=body_format,
        customizations=(),
        inference_types=INFERENCE_TYPES,
        hyperparameters=(),
        default_learning_rate=1.0,
        lifecycle_status="LEGACY" if is_legacy else "ACTIVE",
    )
