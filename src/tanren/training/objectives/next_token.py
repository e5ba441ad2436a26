"""Cross-entropy of the next token, with the output head applied only where there is a target.

Cost   logits of shape [targets, vocabulary] instead of [B, T, vocabulary]: in instruction data half or less.

Legend   B rows, T row length, N targets, D model width, V vocabulary.
"""

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from tanren.training.packing import IGNORE, MicroBatch

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_PLAIN_HEADS = frozenset(
    {
        "LlamaForCausalLM",
        "MistralForCausalLM",
        "Qwen2ForCausalLM",
        "Qwen3ForCausalLM",
        "SmolLM3ForCausalLM",
        "Phi3ForCausalLM",
        "OlmoForCausalLM",
        "Olmo2ForCausalLM",
    }
)
"""Architectures whose logits are `lm_head(last hidden state)` and nothing more: no scaling, no soft cap."""


def next_token_loss_sum(model: "PreTrainedModel", batch: MicroBatch) -> Tensor:
    """The sum over the batch's targets, in nats, float32. Padding is behind each row's end and reaches nothing."""
    is_target_BT = batch.labels_BT != IGNORE
    labels_N = batch.labels_BT[is_target_BT]
    logits_NV = _logits_at(model, batch.ids_BT, is_target_BT)
    return F.cross_entropy(logits_NV.to(torch.float32), labels_N, reduction="sum")


def _logits_at(model: "PreTrainedModel", ids_BT: Tensor, is_target_BT: Tensor) -> Tensor:
    if type(model).__name__ in _PLAIN_HEADS:
        hidden_BTD = cast(Tensor, cast(Any, model).model(input_ids=ids_BT, use_cache=False).last_hidden_state)
        return cast(Tensor, cast(Any, model).lm_head(hidden_BTD[is_target_BT]))
    # Any other head may scale or cap its logits, so the model applies it itself, at every position.
    logits_BTV = cast(Tensor, cast(Any, model)(input_ids=ids_BT, use_cache=False).logits)
    return logits_BTV[is_target_BT]
