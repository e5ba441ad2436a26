"""tanren's own base: the one id that is what it says, with every customization that tanren has."""

from typing import Final

from tanren.catalog.hyperparameters import (
    LEAST_RATE,
    batch_size,
    early_stopping,
    epochs,
    learning_rate,
    warmup,
    with_extensions,
)
from tanren.catalog.profiles.families import CONTINUED_PRE_TRAINING, FINE_TUNING, INFERENCE_TYPES
from tanren.domain.foundation_models import FoundationModel

NANO: Final = (
    epochs(100, 10),
    batch_size(1, 256, 8),
    learning_rate(LEAST_RATE, 1.0, 3.5e-3),
    warmup(250, 5),
    *early_stopping(0.001, 2),
)

TANREN_MODELS: Final = (
    FoundationModel(
        model_id="tanren.nano-v1:0",
        product_name="nano-v1",
        provider="tanren",
        body_format="titan_text",
        customizations=(FINE_TUNING, CONTINUED_PRE_TRAINING),
        inference_types=INFERENCE_TYPES,
        hyperparameters=with_extensions(NANO),
        default_learning_rate=3.5e-3,
        is_stand_in=False,
    ),
)
