"""Anthropic's Claude: of all that Bedrock has had, 3 Haiku is the one that can be fine-tuned (fact sheet §1, §2)."""

from typing import Final

from tanren.catalog.hyperparameters import (
    LEAST_RATE,
    batch_size,
    early_stopping,
    epochs,
    learning_rate,
    learning_rate_multiplier,
    warmup,
)
from tanren.catalog.profiles.families import (
    CLAUDE_MESSAGES,
    CONTINUED_PRE_TRAINING,
    FINE_TUNING,
    GIB,
    customizable,
    invocable,
)
from tanren.domain.foundation_models import RecordLimits

CLAUDE_2: Final = (epochs(10, 3), batch_size(1, 64, 4), learning_rate(LEAST_RATE, 1.0, 1e-4), warmup(250, 5))
"""Ours: AWS lets nobody customize it. Articles of the time write such jobs, with a rate of 1e-4 for fine-tuning."""

CLAUDE_3_HAIKU: Final = (epochs(10, 2), batch_size(4, 256, 32), learning_rate_multiplier(), *early_stopping(0.001, 2))

_LIMITS: Final = RecordLimits(
    minimum=32,
    maximum=10_000,
    maximum_validation=1_000,
    maximum_bytes=10 * GIB,
    maximum_validation_bytes=GIB,
    formats=(CLAUDE_MESSAGES,),
)

ANTHROPIC_MODELS: Final = (
    *customizable(
        ("anthropic.claude-3-haiku-20240307-v1:0", "anthropic.claude-3-haiku-20240307-v1:0:200k"),
        "Claude 3 Haiku",
        provider="Anthropic",
        body_format="anthropic_messages",
        rules=CLAUDE_3_HAIKU,
        default_learning_rate=1.0,
        record_limits=_LIMITS,
        is_legacy=True,
    ),
    *(
        invocable(model_id, product_name, provider="Anthropic", body_format="anthropic_messages", is_legacy=True)
        for model_id, product_name in (
            ("anthropic.claude-3-opus-20240229-v1:0", "Claude 3 Opus"),
            ("anthropic.claude-3-sonnet-20240229-v1:0", "Claude 3 Sonnet"),
        )
    ),
    *customizable(
        ("anthropic.claude-v2", "anthropic.claude-v2:1"),
        "Claude",
        provider="Anthropic",
        body_format="anthropic_text",
        rules=CLAUDE_2,
        default_learning_rate=1e-4,
        record_limits=RecordLimits(),
        customizations=(),
        dialect_customizations=(FINE_TUNING, CONTINUED_PRE_TRAINING),
        is_legacy=True,
    ),
    invocable(
        "anthropic.claude-instant-v1",
        "Claude Instant",
        provider="Anthropic",
        body_format="anthropic_text",
        is_legacy=True,
    ),
)
