"""Amazon Nova: the text sizes. AWS distills some of them as well, which tanren does not have and does not list.

Sonic (speech) and Omni (several media) have no entry: `foundation_models.NOT_TEXT` refuses them by name.
"""

from typing import Final

from tanren.catalog.hyperparameters import batch_size, epochs, learning_rate, warmup
from tanren.catalog.profiles.families import CONVERSATION, customizable, invocable
from tanren.domain.foundation_models import FoundationModel, RecordLimits

# batchSize is not in AWS's table for Nova, but AWS's own notebook passes it (fact sheet §2); the range is ours.
NOVA: Final = (epochs(5, 2), batch_size(1, 64, 1), learning_rate(1e-6, 1e-4, 1e-5), warmup(100, 10))

_LIMITS: Final = RecordLimits(minimum=8, maximum=20_000, formats=(CONVERSATION,))
# AWS's guidance is 200 and more; of bounds it states none. The ranges of its hyperparameters are not known to us: they
# are the first generation's here (docs/catalogue.md).
_NOVA_2_LIMITS: Final = RecordLimits(formats=(CONVERSATION,))


def _nova(
    model_id: str, context: str, product_name: str, limits: RecordLimits = _LIMITS
) -> tuple[FoundationModel, ...]:
    return customizable(
        (model_id, f"{model_id}:{context}"),
        product_name,
        provider="Amazon",
        body_format="nova_messages",
        rules=NOVA,
        default_learning_rate=1e-5,
        record_limits=limits,
    )


NOVA_MODELS: Final = (
    *_nova("amazon.nova-micro-v1:0", "128k", "Nova Micro"),
    *_nova("amazon.nova-lite-v1:0", "300k", "Nova Lite"),
    *_nova("amazon.nova-pro-v1:0", "300k", "Nova Pro"),
    *_nova("amazon.nova-2-lite-v1:0", "256k", "Nova 2 Lite", _NOVA_2_LIMITS),
    # The preview has a dated id; the one without is what scripts write.
    *(
        invocable(model_id, "Nova 2 Pro", provider="Amazon", body_format="nova_messages")
        for model_id in ("amazon.nova-2-pro-v1:0", "amazon.nova-2-pro-preview-20251202-v1:0")
    ),
)
