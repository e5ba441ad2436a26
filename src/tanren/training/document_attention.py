"""Causal attention inside each document of a packed row, without padding anywhere else in the model.

A packed row is documents one behind the other, sorted by length. Everything but attention works on its N tokens as they
stand; here neighbours of near length are gathered into a rectangle, so that a few batched matrix products do the work.
Where a GPU has a kernel for packed documents, that one does it (`varlen_attention`).

Algorithm
    1. groups of neighbouring documents whose longest is at most `PADDING_LIMIT` times their mean, one rectangle each
    2. a rectangle's queries in blocks of `BLOCK`: keys behind a block's last query are never multiplied
    3. backwards the probabilities are computed again: nothing of size L² is kept

Why      torch's fused CPU kernel takes rectangles only, and is slower: 2.4 times at L = 512 on AVX-512, bf16.
         Filling stands behind each document's end, where causal attention never looks; its gradient is zero.

Shapes   query [N, H, D]; key, value [N, K, D], each shared by G = H / K query heads; result [N, H, D].
         In a rectangle: g documents, L the longest of them, q block of queries, s keys so far.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface

from tanren.model_files.architectures import ARCHITECTURES
from tanren.training.packing import Layout
from tanren.training.varlen_attention import takes_varlen, varlen_attention, varlen_backwards

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NAME = "tanren_documents"
BLOCK = 128
PADDING_LIMIT = 1.5
WHOLE = 0
"""The `window` of attention that sees the whole document."""


def layout_for(model: "PreTrainedModel") -> Layout:
    """Packed rows, and this attention put into the model, where its architecture allows; else padded rows."""
    architecture = ARCHITECTURES[type(model).__name__]
    if architecture.attention != "sdpa" or getattr(model.config, "attention_dropout", 0):
        return "padded"
    model.set_attn_implementation(NAME)
    return "packed"


def document_attention(
    module: nn.Module,
    query_1HND: Tensor,
    key_1KND: Tensor,
    value_1KND: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    document_starts: Tensor,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **unused: object,
) -> tuple[Tensor, None]:
    """transformers' attention interface over one packed row; `document_starts` is [documents + 1], ending with N."""
    if attention_mask is not None or dropout or unused.get("softcap") or unused.get("s_aux") is not None:
        raise ValueError("Packed rows know neither masks, dropout, soft caps nor sinks.")
    # Under autocast the rotation leaves query and key in float32, beside a value in bfloat16.
    dtype = value_1KND.dtype
    query_NHD, key_NKD, value_NKD = (each[0].transpose(0, 1).to(dtype) for each in (query_1HND, key_1KND, value_1KND))
    window = sliding_window or WHOLE
    compute = varlen_attention if takes_varlen(value_NKD) else attend
    result_NHD = cast(Tensor, compute(query_NHD, key_NKD, value_NKD, document_starts, scaling, window))
    return result_NHD[None], None


def _no_mask(*_: object, **__: object) -> None:
    """Documents are kept apart by `document_starts`; transformers has no mask to make."""


AttentionInterface.register(NAME, document_attention)
AttentionMaskInterface.register(NAME, _no_mask)


def attention_forwards(
    query_NHD: Tensor, key_NKD: Tensor, value_NKD: Tensor, starts: Tensor, scaling: float, window: int
) -> Tensor:
    """Attention of every token to itself and those before it in its document, at most `window` of them."""
    compute = varlen_attention if takes_varlen(value_NKD) else rectangles_forwards
    return compute(query_NHD, key_NKD, value_NKD, starts, scaling, window)


def attention_backwards(
    gradient_NHD: Tensor,
    query_NHD: Tensor,
    key_NKD: Tensor,
    value_NKD: Tensor,
    starts: Tensor,
    scaling: float,
    window: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of query, key and value."""
    compute = varlen_backwards if takes_varlen(value_NKD) else rectangles_backwards
    return compute(gradient_NHD, query_NHD, key_NKD, value_NKD, starts, scaling, window)


def rectangles_forwards(
    query_NHD: Tensor, key_NKD: Tensor, value_NKD: Tensor, starts: Tensor, scaling: float, window: int
) -> Tensor:
    result_NHD = torch.empty(query_NHD.shape, dtype=query_NHD.dtype, device=query_NHD.device)
    for group in _groups(tuple(starts.tolist()), query_NHD.device):
        rectangle = _Rectangle(group, query_NHD, key_NKD, value_NKD, scaling)
        out_gKLGD = torch.empty_like(rectangle.query)
        for block in _blocks(group.longest, window):
            weights = rectangle.weights(block)
            block.of_queries(out_gKLGD).copy_(rectangle.split(weights @ block.of_keys(rectangle.value)))
        result_NHD[group.is_in] = group.taken_out(out_gKLGD)
    return result_NHD


def rectangles_backwards(
    gradient_NHD: Tensor,
    query_NHD: Tensor,
    key_NKD: Tensor,
    value_NKD: Tensor,
    starts: Tensor,
    scaling: float,
    window: int,
) -> tuple[Tensor, Tensor, Tensor]:
    d_query, d_key, d_value = (
        torch.empty(tensor.shape, dtype=tensor.dtype, device=tensor.device)
        for tensor in (query_NHD, key_NKD, value_NKD)
    )
    for group in _groups(tuple(starts.tolist()), query_NHD.device):
        rectangle = _Rectangle(group, query_NHD, key_NKD, value_NKD, scaling)
        gradient = rectangle.by_key_head(group.put_in(gradient_NHD))
        if group.is_filling_gL is not None:
            gradient.masked_fill_(group.is_filling_gL[:, None, :, None, None], 0)
        d_q = torch.empty_like(rectangle.query)
        d_k, d_v = torch.zeros_like(rectangle.key), torch.zeros_like(rectangle.value)
        for block in _blocks(group.longest, window):
            weights = rectangle.weights(block)
            d_out = joined(block.of_queries(gradient))
            d_weights = d_out @ block.of_keys(rectangle.value).transpose(-1, -2)
            d_scores = torch.ops.aten._softmax_backward_data(d_weights, weights, -1, weights.dtype)
            block.of_queries(d_q).copy_(rectangle.split(d_scores @ block.of_keys(rectangle.key)))
            block.of_keys(d_k).add_(d_scores.transpose(-1, -2) @ joined(block.of_queries(rectangle.query)))
            block.of_keys(d_v).add_(weights.transpose(-1, -2) @ d_out)
        d_query[group.is_in] = group.taken_out(d_q.mul_(scaling))
        d_key[group.is_in] = group.taken_out(d_k[:, :, :, None])
        d_value[group.is_in] = group.taken_out(d_v[:, :, :, None])
    return d_query, d_key, d_value


attend = torch.library.custom_op("tanren::document_attention", mutates_args=())(rectangles_forwards)
"""By rectangles, for torch to differentiate."""
attend_backward = torch.library.custom_op("tanren::document_attention_backward", mutates_args=())(rectangles_backwards)


@attend.register_fake
def _(query_NHD: Tensor, key_NKD: Tensor, value_NKD: Tensor, starts: Tensor, scaling: float, window: int) -> Tensor:
    return torch.empty(query_NHD.shape, dtype=query_NHD.dtype, device=query_NHD.device)


@attend_backward.register_fake
def _(
    gradient_NHD: Tensor,
    query_NHD: Tensor,
    key_NKD: Tensor,
    value_NKD: Tensor,
    starts: Tensor,
    scaling: float,
    window: int,
) -> tuple[Tensor, Tensor, Tensor]:
    return tuple(torch.empty(t.shape, dtype=t.dtype, device=t.device) for t in (query_NHD, key_NKD, value_NKD))  # type: ignore[return-value]


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    query, key, value, starts, ctx.scaling, ctx.window = inputs
    ctx.save_for_backward(query, key, value, starts)


def _differentiate(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    query, key, value, starts = ctx.saved_tensors
    return (*attend_backward(gradient, query, key, value, starts, ctx.scaling, ctx.window), None, None, None)


attend.register_autograd(_differentiate, setup_context=_keep)


def joined(block_gKqGD: Tensor) -> Tensor:
    """[g, K, q, G, D] → [g, K, q G, D]: one product for all query heads of a key head; no copy."""
    return block_gKqGD.flatten(2, 3)


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """Neighbouring documents of near length, as a rectangle."""

    is_in: slice
    """Their tokens in the packed row."""
    documents: int
    longest: int
    row_gL: Tensor | None
    """For each place of the rectangle its token, counted from the first of the group; filling repeats the last.
    None where nothing is filled: the tokens already stand as a rectangle."""
    is_filling_gL: Tensor | None
    place_n: Tensor | None
    """For each token of the group its place in the flattened rectangle."""

    def put_in(self, packed_NXD: Tensor) -> Tensor:
        """[N, X, D] → [g, L, X, D]."""
        tokens_nXD = packed_NXD[self.is_in]
        return tokens_nXD.unflatten(0, (self.documents, -1)) if self.row_gL is None else tokens_nXD[self.row_gL]

    def taken_out(self, rectangle_gKLGD: Tensor) -> Tensor:
        """[g, K, L, G, D] → [n, K G, D], without the filling."""
        places_xXD = rectangle_gKLGD.transpose(1, 2).flatten(2, 3).flatten(0, 1)
        return places_xXD if self.place_n is None else places_xXD[self.place_n]


@dataclass(frozen=True, slots=True)
class _Block:
    """Queries [first, last) and the keys [from_key, last) that one of them sees."""

    first: int
    last: int
    from_key: int
    window: int

    def of_queries(self, tensor_gKLGD: Tensor) -> Tensor:
        return tensor_gKLGD[:, :, self.first : self.last]

    def of_keys(self, tensor_gKLD: Tensor) -> Tensor:
        return tensor_gKLD[:, :, self.from_key : self.last]

    def hide(self, scores_gKqGs: Tensor) -> None:
        """Sets to -inf, in place, where a query does not see a key."""
        width = self.last - self.first
        scores_gKqGs[..., -width:].masked_fill_(_later(width, scores_gKqGs.device), float("-inf"))
        if self.window:
            keys = self.last - self.from_key
            scores_gKqGs.masked_fill_(_too_early(width, keys, self.window, scores_gKqGs.device), float("-inf"))


class _Rectangle:
    """Queries, already scaled, keys and values of one group; the query heads of a key head stand beside one another."""

    def __init__(self, group: _Group, query_NHD: Tensor, key_NKD: Tensor, value_NKD: Tensor, scaling: float) -> None:
        self._key_heads = key_NKD.shape[1]
        heads_gKLGD = group.put_in(query_NHD).unflatten(2, (self._key_heads, -1)).transpose(1, 2)
        self.query = torch.empty(heads_gKLGD.shape, dtype=query_NHD.dtype, device=query_NHD.device)
        torch.mul(heads_gKLGD, scaling, out=self.query)
        self.key = group.put_in(key_NKD).transpose(1, 2).contiguous()
        self.value = group.put_in(value_NKD).transpose(1, 2).contiguous()

    def by_key_head(self, rectangle_gLHD: Tensor) -> Tensor:
        """[g, L, H, D] → [g, K, L, G, D]."""
        return rectangle_gLHD.unflatten(2, (self._key_heads, -1)).transpose(1, 2).contiguous()

    def split(self, block_gKXD: Tensor) -> Tensor:
        """[g, K, q G, D] → [g, K, q, G, D]."""
        return block_gKXD.unflatten(2, (-1, self.query.shape[3]))

    def weights(self, block: _Block) -> Tensor:
        """Probabilities of the block's queries over its keys. [g, K, q G, s]"""
        scores = joined(block.of_queries(self.query)) @ block.of_keys(self.key).transpose(-1, -2)
        block.hide(self.split(scores))
        return scores.softmax(-1)


def _blocks(longest: int, window: int) -> Iterator[_Block]:
    for first in range(0, longest, BLOCK):
        from_key = max(0, first - window + 1) if window else 0
        yield _Block(first, min(first + BLOCK, longest), from_key, window)


@lru_cache(maxsize=256)
def _later(width: int, device: torch.device) -> Tensor:
    """True where a key stands behind a query; both count from the same place. [q, 1, q]"""
    return torch.ones(width, width, dtype=torch.bool, device=device).triu(1)[:, None]


@lru_cache(maxsize=256)
def _too_early(queries: int, keys: int, window: int, device: torch.device) -> Tensor:
    """True where a key is out of the query's window; the last query and the last key stand together. [q, 1, s]"""
    return torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries - window)[:, None]


@lru_cache(maxsize=8)
def _groups(starts: tuple[int, ...], device: torch.device) -> tuple[_Group, ...]:
    lengths = [end - start for start, end in itertools.pairwise(starts)]
    groups: list[_Group] = []
    first = 0
    while first < len(lengths):
        last, total, longest = first, 0, 0
        while last < len(lengths):
            widest = max(longest, lengths[last])
            if last > first and widest * (last + 1 - first) > PADDING_LIMIT * (total + lengths[last]):
                break
            total, longest, last = total + lengths[last], widest, last + 1
        groups.append(_group(starts, lengths, first, last, device))
        first = last
    return tuple(groups)


def _group(starts: tuple[int, ...], lengths: list[int], first: int, last: int, device: torch.device) -> _Group:
    longest, documents = max(lengths[first:last]), last - first
    is_in = slice(starts[first], starts[last])
    if longest * documents == is_in.stop - is_in.start:
        return _Group(is_in, documents, longest, row_gL=None, is_filling_gL=None, place_n=None)
    offset_g1 = torch.tensor(starts[first:last])[:, None] - starts[first]
    length_g1 = torch.tensor(lengths[first:last])[:, None]
    place_L = torch.arange(longest)[None]
    is_filling_gL = place_L >= length_g1
    return _Group(
        is_in,
        documents,
        longest,
        row_gL=(offset_g1 + torch.minimum(place_L, length_g1 - 1)).to(device),
        is_filling_gL=is_filling_gL.to(device),
        place_n=(~is_filling_gL).flatten().nonzero()[:, 0].to(device),
    )
