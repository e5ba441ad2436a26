"""Cohere Command and Command Light: fine-tuning only (fact sheet §1, §2)."""

from typing import Final

from tanren.catalog.hyperparameters import batch_size, early_stopping, epochs, evaluation_percentage, learning_rate
from tanren.catalog.profiles.families import PROMPT_COMPLETION, customizable
from tanren.domain.foundation_models import FoundationModel, RecordLimits

_LIMITS: Final = RecordLimits(maximum=10_000, maximum_validation=1_000, formats=(PROMPT_COMPLETION,))


def _command(model_id: str, product_name: str, *, largest_batch: int) -> tuple[FoundationModel, ...]:
    return customizable(
        (model_id, f"{model_id}:7:4k"),
        product_name,
        provider="Cohere",
        body_format="cohere_command",
        rules=(
            epochs(100, 1),
            batch_size(8, largest_batch, 8),
            learning_rate(5e-6, 0.1, 1e-5),
            *early_stopping(0.01, 6),
            evaluation_percentage(),
        ),
        default_learning_rate=1e-5,
        record_limits=_LIMITS,
        is_legacy=True,
    )


COHERE_MODELS: Final = (
    *_command("cohere.command-text-v14", "Command", largest_batch=8),
    *_command("cohere.command-light-text-v14", "Command Light", largest_batch=32),
)
