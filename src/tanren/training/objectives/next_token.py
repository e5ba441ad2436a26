"""Cross-entropy of the next token, with the output head applied only where there is a target, a chunk at a time.

Cost   logits of shape [chunk, vocabulary] at a time instead of [B, T, vocabulary]; their gradient is taken on the way
       forwards, so that no logits are kept.

Legend   B rows, T row length, N targets, n targets of a chunk, D model width, V vocabulary.
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
        "Gemma3ForCausalLM",
    }
)
"""Architectures whose logits are `lm_head(last hidden state)` and nothing more: no bias, no scaling."""
_CHUNK_LOGITS = 1 << 24
"""Logits computed at a time: 64 MB in float32."""


def next_token_loss_sum(model: "PreTrainedModel", batch: MicroBatch) -> Tensor:
    """The sum over the batch's targets, in nats, float32."""
    is_target_BT = batch.labels_BT != IGNORE
    labels_N = batch.labels_BT[is_target_BT]
    inputs: dict[str, Any] = {"input_ids": batch.ids_BT, "position_ids": batch.positions_BT, "use_cache": False}
    if batch.starts is not None:
        inputs["document_starts"] = batch.starts
    if _has_plain_head(model):
        hidden_BTD = cast(Tensor, cast(Any, model).model(**inputs).last_hidden_state)
        weight_VD = cast(Tensor, cast(Any, model).lm_head.weight)
        return cast(Tensor, _HeadLoss.apply(hidden_BTD[is_target_BT], weight_VD, labels_N))
    # Any other head may scale or cap its logits, so the model applies it itself, at every position.
    logits_BTV = cast(Tensor, cast(Any, model)(**inputs).logits)
    return F.cross_entropy(logits_BTV[is_target_BT].to(torch.float32), labels_N, reduction="sum")


def _has_plain_head(model: "PreTrainedModel") -> bool:
    return type(model).__name__ in _PLAIN_HEADS and not getattr(model.config, "final_logit_softcapping", None)


class _HeadLoss(torch.autograd.Function):
    """sum over n of cross-entropy(weight @ hidden_n, label_n)."""

    @staticmethod
    def forward(ctx: Any, hidden_ND: Tensor, weight_VD: Tensor, labels_N: Tensor) -> Tensor:
        is_autocast = torch.is_autocast_enabled(hidden_ND.device.type)
        dtype = torch.get_autocast_dtype(hidden_ND.device.type) if is_autocast else weight_VD.dtype
        cast_VD = weight_VD.to(dtype)
        wants_hidden, wants_weight, _ = ctx.needs_input_grad
        d_hidden_ND = torch.empty(hidden_ND.shape, dtype=dtype, device=hidden_ND.device) if wants_hidden else None
        d_weight_VD = torch.zeros_like(weight_VD) if wants_weight else None
        total = torch.zeros((), dtype=torch.float32, device=hidden_ND.device)
        chunk = max(1, _CHUNK_LOGITS // weight_VD.shape[0])
        for first in range(0, len(labels_N), chunk):
            hidden_nD = hidden_ND[first : first + chunk].to(dtype)
            labels_n1 = labels_N[first : first + chunk, None]
            logits_nV = (hidden_nD @ cast_VD.T).to(torch.float32)
            normaliser_n1 = logits_nV.logsumexp(-1, keepdim=True)
            total += (normaliser_n1 - logits_nV.gather(1, labels_n1)).sum()
            if d_hidden_ND is None and d_weight_VD is None:
                continue
            d_logits_nV = logits_nV.sub_(normaliser_n1).exp_()
            d_logits_nV.scatter_add_(1, labels_n1, torch.full_like(labels_n1, -1, dtype=torch.float32))
            d_logits_nV = d_logits_nV.to(dtype)
            if d_hidden_ND is not None:
                torch.mm(d_logits_nV, cast_VD, out=d_hidden_ND[first : first + chunk])
            if d_weight_VD is not None:
                d_weight_VD += d_logits_nV.T @ hidden_nD
        ctx.save_for_backward(d_hidden_ND, d_weight_VD)
        ctx.hidden_dtype = hidden_ND.dtype
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        d_hidden_ND, d_weight_VD = ctx.saved_tensors
        (scale,) = gradients
        return (
            d_hidden_ND.to(ctx.hidden_dtype) * scale if d_hidden_ND is not None else None,
            d_weight_VD * scale if d_weight_VD is not None else None,
            None,
        )
