"""Cross-entropy of the next token, with the output head applied only where there is a target, a chunk at a time.

Cost   logits of shape [chunk, vocabulary] at a time instead of [B, T, vocabulary]; their gradient is taken on the way
       forwards, so that no logits are kept.

Legend   B rows, T row length, N targets, n targets of a chunk, D model width, V vocabulary.
"""

from typing import TYPE_CHECKING, Any, Final, cast

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
CHUNK_LOGITS: Final = {"cpu": 1 << 24, "cuda": 1 << 26}
"""Logits computed at a time, and their gradient in the same place: 32 MB in bfloat16; on a GPU 128 MB, in which the
head's weights are read seldom enough."""
WIDE_LOGITS: Final = {"cpu": 1 << 19, "cuda": 1 << 26}
"""Of them in float32 at a time: 2 MB, which a core's cache holds until the next operation on them; on a GPU all, since
there each operation costs the same however few they are."""


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
        chunk = max(1, CHUNK_LOGITS[hidden_ND.device.type] // weight_VD.shape[0])
        for first in range(0, len(labels_N), chunk):
            hidden_nD = hidden_ND[first : first + chunk].to(dtype)
            logits_nV = hidden_nD @ cast_VD.T
            total += _loss_and_gradient(logits_nV, labels_N[first : first + chunk])
            if d_hidden_ND is not None:
                torch.mm(logits_nV, cast_VD, out=d_hidden_ND[first : first + chunk])
            if d_weight_VD is not None:
                d_weight_VD += logits_nV.T @ hidden_nD
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


def _loss_and_gradient(logits_nV: Tensor, labels_n: Tensor) -> Tensor:
    """The losses' sum; the logits become their gradient in place. Sums are float32 throughout."""
    total = torch.zeros((), dtype=torch.float32, device=logits_nV.device)
    few = max(1, WIDE_LOGITS[logits_nV.device.type] // logits_nV.shape[1])
    for narrow_nV, of_n in zip(logits_nV.split(few), labels_n.split(few), strict=True):
        label_n1 = of_n[:, None]
        wide_nV = narrow_nV.to(torch.float32)
        highest_n1 = wide_nV.amax(-1, keepdim=True)
        at_label_n1 = wide_nV.gather(1, label_n1) - highest_n1
        weights_nV = wide_nV.sub_(highest_n1).exp_()
        sum_n1 = weights_nV.sum(-1, keepdim=True)
        total += (sum_n1.log() - at_label_n1).sum()
        d_logits_nV = weights_nV.div_(sum_n1)
        d_logits_nV.scatter_add_(1, label_n1, torch.full_like(at_label_n1, -1))
        narrow_nV.copy_(d_logits_nV)
    return total
