"""Attention of packed documents against dense attention under the mask that says the same."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from tanren.training import document_attention as module
from tanren.training.document_attention import WHOLE, attend


def dense(query_NHD: Tensor, key_NKD: Tensor, value_NKD: Tensor, lengths: list[int], window: int) -> Tensor:
    document_N = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    place_N = torch.arange(len(document_N))
    sees_NN = (document_N[:, None] == document_N) & (place_N[:, None] >= place_N)
    if window:
        sees_NN &= place_N[:, None] - place_N < window
    shared = query_NHD.shape[1] // key_NKD.shape[1]
    key, value = (tensor.repeat_interleave(shared, 1).transpose(0, 1) for tensor in (key_NKD, value_NKD))
    return F.scaled_dot_product_attention(query_NHD.transpose(0, 1), key, value, attn_mask=sees_NN).transpose(0, 1)


@settings(deadline=None, max_examples=50)
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=8).map(sorted),
    heads=st.sampled_from([(4, 1), (4, 2), (3, 3)]),
    window=st.sampled_from([WHOLE, 1, 7]),
    block=st.sampled_from([4, 16, 128]),
)
def test_values_and_gradients_are_those_of_dense_attention(
    lengths: list[int], heads: tuple[int, int], window: int, block: int
) -> None:
    generator = torch.Generator().manual_seed(sum(lengths))
    (query_heads, key_heads), width = heads, 8
    query, key, value = (
        torch.randn(sum(lengths), count, width, dtype=torch.float64, generator=generator, requires_grad=True)
        for count in (query_heads, key_heads, key_heads)
    )
    starts = torch.tensor([0, *lengths]).cumsum(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)
        result = attend(query, key, value, starts, width**-0.5, window)
        downstream = torch.randn(result.shape, dtype=torch.float64, generator=generator)
        gradients = torch.autograd.grad(result, (query, key, value), downstream)
    expected = dense(query, key, value, lengths, window)
    torch.testing.assert_close(result, expected)
    for one, other in zip(gradients, torch.autograd.grad(expected, (query, key, value), downstream), strict=True):
        torch.testing.assert_close(one, other)


def test_what_it_does_not_know_is_refused() -> None:
    starts = torch.tensor([0, 2])
    heads = torch.zeros(1, 1, 2, 4)
    with pytest.raises(ValueError, match="soft caps"):
        module.document_attention(
            torch.nn.Identity(), heads, heads, heads, None, scaling=1.0, document_starts=starts, softcap=30.0
        )


def test_queries_and_keys_that_autocast_has_widened_are_taken_in_the_values_dtype() -> None:
    starts = torch.tensor([0, 3])
    wide, narrow = torch.randn(1, 2, 3, 4, requires_grad=True), torch.randn(1, 2, 3, 4).to(torch.bfloat16)
    result, _ = module.document_attention(
        torch.nn.Identity(), wide, wide, narrow, None, scaling=0.5, document_starts=starts
    )
    result.sum().backward()
    assert result.dtype == torch.bfloat16
    assert wide.grad is not None
