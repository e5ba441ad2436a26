"""Amazon Titan Text: Lite and Express take both customizations, Premier only fine-tuning (fact sheet §1, §2)."""

from typing import Final

from tanren.catalog.hyperparameters import LEAST_RATE, batch_size, epochs, learning_rate, warmup
from tanren.catalog.profiles.families import (
    CONTINUED_PRE_TRAINING,
    FINE_TUNING,
    GIB,
    INPUT,
    MIB,
    PROMPT_COMPLETION,
    customizable,
)
from tanren.domain.foundation_models import RecordLimits

LITE_AND_EXPRESS: Final = (epochs(10, 5), batch_size(1, 64, 1), learning_rate(LEAST_RATE, 1.0, 1e-5), warmup(250, 5))
PREMIER: Final = (epochs(5, 2), batch_size(1, 1, 1), learning_rate(1e-7, 1e-5, 1e-6), warmup(20, 5))

_BOTH: Final = (FINE_TUNING, CONTINUED_PRE_TRAINING)
_BOTH_LIMITS: Final = RecordLimits(
    maximum_bytes=GIB, maximum_validation_bytes=100 * MIB, formats=(PROMPT_COMPLETION, INPUT)
)
_PREMIER_LIMITS: Final = RecordLimits(
    maximum_bytes=GIB, maximum_validation_bytes=100 * MIB, formats=(PROMPT_COMPLETION,)
)

TITAN_MODELS: Final = (
    *customizable(
        ("amazon.titan-text-lite-v1", "amazon.titan-text-lite-v1:0:4k"),
        "Titan Text G1 - Lite",
        provider="Amazon",
        body_format="titan_text",
        rules=LITE_AND_EXPRESS,
        default_learning_rate=1e-5,
        record_limits=_BOTH_LIMITS,
        customizations=_BOTH,
        is_legacy=True,
    ),
    *customizable(
        ("amazon.titan-text-express-v1", "amazon.titan-text-express-v1:0:8k"),
        "Titan Text G1 - Express",
        provider="Amazon",
        body_format="titan_text",
        rules=LITE_AND_EXPRESS,
        default_learning_rate=1e-5,
        record_limits=_BOTH_LIMITS,
        customizations=_BOTH,
        is_legacy=True,
    ),
    *customizable(
        ("amazon.titan-text-premier-v1:0", "amazon.titan-text-premier-v1:0:32k"),
        "Titan Text G1 - Premier",
        provider="Amazon",
        body_format="titan_text",
        rules=PREMIER,
        default_learning_rate=1e-6,
        record_limits=_PREMIER_LIMITS,
        is_legacy=True,
    ),
)
