"""Meta's Llama: fine-tuning only. Llama 2 took prompt and completion, as 3.1 does; 3.2 and 3.3 take conversations.

Source   fact sheet §1, §2. It has nothing on Llama 2: its ids and its three hyperparameters are those that users of
         2024 passed to AWS (docs/catalogue.md).
"""

from typing import Final

from tanren.catalog.hyperparameters import batch_size, epochs, learning_rate
from tanren.catalog.profiles.families import CONVERSATION, PROMPT_COMPLETION, customizable, invocable
from tanren.domain.foundation_models import FoundationModel, RecordLimits

LLAMA: Final = (epochs(10, 5), batch_size(1, 1, 1), learning_rate(5e-6, 0.1, 1e-4))

# AWS's least number is of training and validation records together; it is compared with the training records here.
_OLDER_LIMITS: Final = RecordLimits(minimum=100, maximum=10_000, formats=(PROMPT_COMPLETION,))
_LIMITS: Final = RecordLimits(minimum=100, maximum=10_000, formats=(CONVERSATION,))


def _llama(
    model_ids: tuple[str, ...], product_name: str, limits: RecordLimits, *, is_legacy: bool = False
) -> tuple[FoundationModel, ...]:
    return customizable(
        model_ids,
        product_name,
        provider="Meta",
        body_format="meta_llama",
        rules=LLAMA,
        default_learning_rate=1e-4,
        record_limits=limits,
        is_legacy=is_legacy,
    )


def _instruct(
    name: str, product_name: str, limits: RecordLimits, *, is_legacy: bool = False
) -> tuple[FoundationModel, ...]:
    plain = f"meta.{name}-instruct-v1:0"
    return _llama((plain, f"{plain}:128k"), product_name, limits, is_legacy=is_legacy)


META_MODELS: Final = (
    # Of Llama 2, AWS fine-tuned the ids without chat, and these only with a context length.
    *_llama(("meta.llama2-13b-v1:0:4k",), "Llama 2 13B", _OLDER_LIMITS, is_legacy=True),
    *_llama(("meta.llama2-70b-v1:0:4k",), "Llama 2 70B", _OLDER_LIMITS, is_legacy=True),
    *(
        invocable(model_id, product_name, provider="Meta", body_format="meta_llama", is_legacy=True)
        for model_id, product_name in (
            ("meta.llama2-13b-chat-v1", "Llama 2 Chat 13B"),
            ("meta.llama2-70b-chat-v1", "Llama 2 Chat 70B"),
        )
    ),
    *_instruct("llama3-1-8b", "Llama 3.1 8B Instruct", _OLDER_LIMITS),
    *_instruct("llama3-1-70b", "Llama 3.1 70B Instruct", _OLDER_LIMITS),
    *_instruct("llama3-2-1b", "Llama 3.2 1B Instruct", _LIMITS, is_legacy=True),
    *_instruct("llama3-2-3b", "Llama 3.2 3B Instruct", _LIMITS, is_legacy=True),
    *_instruct("llama3-2-11b", "Llama 3.2 11B Instruct", _LIMITS, is_legacy=True),
    *_instruct("llama3-2-90b", "Llama 3.2 90B Instruct", _LIMITS, is_legacy=True),
    *_instruct("llama3-3-70b", "Llama 3.3 70B Instruct", _LIMITS),
)
