"""Attention inside the documents of a packed row by one kernel of a CUDA device, instead of by rectangles.

The kernel, FlashAttention as torch brings it, takes the packed row as it stands, with the places where documents
begin: nothing is filled up, and nothing of size L² is kept. It is taken for bfloat16; in float32 it does not exist, and
rectangles answer as on the processor.

Cost     backwards by hand, the forward pass is computed once more: at most a few percent of a block of documents up to
         some thousand tokens, and two tensors less to keep.
Legend   N tokens, H query heads, K key heads, D width of a head.
"""

from functools import lru_cache
from typing import Final, cast

import torch
from torch import Tensor
from torch.nn.attention.varlen import varlen_attn

LEAST_CAPABILITY: Final = (8, 0)
"""Of the device: NVIDIA's Ampere."""
_WIDEST_HEAD: Final = 256
_HEAD_MULTIPLE: Final = 8


def why_not_varlen(dtype: torch.dtype, head_width: int, device: torch.device) -> str | None:
    """Why rectangles compute it, in words; None where the kernel does."""
    if device.type != "cuda":
        return f"there is no kernel for it on {device}"
    if dtype != torch.bfloat16:
        return f"there is no kernel for {str(dtype).removeprefix('torch.')}"
    if head_width > _WIDEST_HEAD or head_width % _HEAD_MULTIPLE:
        return f"there is no kernel for heads {head_width} wide"
    capability = torch.cuda.get_device_capability(device)
    if capability < LEAST_CAPABILITY:
        return f"there is no kernel for a device of capability {'.'.join(map(str, capability))}"
    return None


def takes_varlen(value_NKD: Tensor) -> bool:
    return _takes(value_NKD.dtype, value_NKD.shape[-1], value_NKD.device)


@lru_cache(maxsize=16)
def _takes(dtype: torch.dtype, head_width: int, device: torch.device) -> bool:
    return why_not_varlen(dtype, head_width, device) is None


def varlen_attention(
    query_NHD: Tensor, key_NKD: Tensor, value_NKD: Tensor, starts: Tensor, scaling: float, window: int
) -> Tensor:
    """As `document_attention.attend`; torch differentiates it.

    Takes    window: tokens that one sees, itself included; 0 for the whole document.
    """
    borders, longest = _borders(tuple(starts.tolist()), query_NHD.device)
    return cast(
        Tensor,
        varlen_attn(
            query_NHD,
            key_NKD,
            value_NKD,
            borders,
            borders,
            longest,
            longest,
            scale=scaling,
            # The kernel counts tokens to the left of a token, and any number of them as -1.
            window_size=(window - 1, 0),
            enable_gqa=True,
        ),
    )


def varlen_backwards(
    gradient_NHD: Tensor,
    query_NHD: Tensor,
    key_NKD: Tensor,
    value_NKD: Tensor,
    starts: Tensor,
    scaling: float,
    window: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of query, key and value, for a backward pass by hand."""
    with torch.enable_grad():
        query, key, value = (tensor.detach().requires_grad_() for tensor in (query_NHD, key_NKD, value_NKD))
        result_NHD = varlen_attention(query, key, value, starts, scaling, window)
    d_query, d_key, d_value = torch.autograd.grad(result_NHD, (query, key, value), gradient_NHD)
    return d_query, d_key, d_value


@lru_cache(maxsize=8)
def _borders(starts: tuple[int, ...], device: torch.device) -> tuple[Tensor, int]:
    """On the device, as the kernel takes them, and the longest document. All layers ask with the same ones."""
    borders = torch.tensor(starts, dtype=torch.int32)
    return borders.to(device), int(borders.diff().max())
