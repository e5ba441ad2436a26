"""Token sequences → micro-batches. Labels are shifted here and nowhere else.

Packed   the documents of a micro-batch stand one behind the other in a single row, and attention is kept inside each
         (`document_attention`): nothing is filled up, whatever the lengths. What training takes.
Padded   a row a document, shorter rows filled up behind their end. Attention is causal, so no real token ever sees the
         filling. For architectures whose attention has what `document_attention` does not know: soft caps, sinks.

The two give the same loss and gradients.

Legend   B rows, T row length; packed, B is 1 and T the number of tokens.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from tanren.data.records import RecordSource
from tanren.training.tokenization import TokenSequence

IGNORE = -100
"""The label of a position without target; torch's own default for cross-entropy."""

Layout = Literal["packed", "padded"]
LENGTH_OF_DOUBLE_COST = 2048
"""Of a document, at 135 M parameters: attention costs as much as all else. Only the balance between lanes needs it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MicroBatch:
    """Documents that go through the model together; gradients add up over the micro-batches of an optimiser step."""

    ids_BT: Tensor
    labels_BT: Tensor
    """The target of each position: the next token where its loss mask is 1, else IGNORE."""
    positions_BT: Tensor
    """From 0 in each document."""
    starts: Tensor | None
    """Packed: where each document begins in the row, and the row's end. int64 [documents + 1]"""
    token_count: int
    """Real tokens, without filling."""
    target_count: int
    sources: tuple[RecordSource, ...]


def micro_batches(
    sequences: Iterable[TokenSequence],
    *,
    token_budget: int,
    layout: Layout = "packed",
    device: torch.device | str = "cpu",
    lanes: int = 1,
) -> list[MicroBatch]:
    """The sequences of one optimiser step; every `lanes` micro-batches together have at most `token_budget` tokens.

    Takes    lanes: how many micro-batches are computed at the same time. Those of packed rows then cost about alike.
    Why      a pure function of its input (ties keep their order), so that a resumed step adds up in the same order.
    """
    by_length = sorted(sequences, key=lambda sequence: len(sequence.ids))
    share = max(1, token_budget // lanes)
    is_even = lanes > 1 and layout == "packed"
    groups = _even_groups(by_length, share, lanes) if is_even else _filled_groups(by_length, share, layout)
    make = pack if layout == "packed" else pad
    return [make(group, device=device) for group in groups]


def _filled_groups(by_length: Sequence[TokenSequence], budget: int, layout: Layout) -> list[list[TokenSequence]]:
    """Cut where a group would pass the budget."""
    groups: list[list[TokenSequence]] = []
    tokens = 0
    for sequence in by_length:
        length = len(sequence.ids)
        # Padded, every row becomes as long as this one, the longest so far.
        together = length * (len(groups[-1]) + 1) if layout == "padded" and groups else tokens + length
        if groups and together <= budget:
            groups[-1].append(sequence)
            tokens += length
        else:
            groups.append([sequence])
            tokens = length
    return groups


def _even_groups(by_length: Sequence[TokenSequence], budget: int, lanes: int) -> list[list[TokenSequence]]:
    """As many groups as make whole rounds, the least that fit: each sequence, the longest first, to the lightest."""
    total = sum(len(sequence.ids) for sequence in by_length)
    count = lanes * max(1, -(-total // (budget * lanes)))
    while True:
        groups: list[list[TokenSequence]] = [[] for _ in range(count)]
        costs, tokens = [0.0] * count, [0] * count
        for sequence in reversed(by_length):
            lightest = costs.index(min(costs))
            groups[lightest].insert(0, sequence)
            costs[lightest] += _cost(len(sequence.ids))
            tokens[lightest] += len(sequence.ids)
        fits = all(size <= budget or len(group) == 1 for size, group in zip(tokens, groups, strict=True))
        if fits:
            return [group for group in groups if group]
        count += lanes


def _cost(length: int) -> float:
    """Of a document beside others, attention included: a token at the end of a long one has more before it to see."""
    return length * (1 + length / LENGTH_OF_DOUBLE_COST)


def pack(sequences: Sequence[TokenSequence], *, device: torch.device | str = "cpu") -> MicroBatch:
    """All documents in one row.

    Shapes   ids, labels, positions [1, tokens], int64.
    """
    lengths = torch.tensor([len(sequence.ids) for sequence in sequences])
    starts = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])
    ids_T = torch.cat([torch.tensor(sequence.ids, dtype=torch.int64) for sequence in sequences])
    labels_T = torch.cat([_labels(sequence) for sequence in sequences])
    positions_T = torch.arange(len(ids_T)) - starts[:-1].repeat_interleave(lengths)
    return _batch(sequences, ids_T[None], labels_T[None], positions_T[None], starts, device)


def pad(sequences: Sequence[TokenSequence], *, device: torch.device | str = "cpu") -> MicroBatch:
    """A document a row, filled up to the longest behind its end.

    Shapes   ids, labels, positions [documents, longest], int64.
    """
    shape = len(sequences), max(len(sequence.ids) for sequence in sequences)
    ids_BT = torch.zeros(shape, dtype=torch.int64)
    labels_BT = torch.full(shape, IGNORE, dtype=torch.int64)
    for row, sequence in enumerate(sequences):
        ids_BT[row, : len(sequence.ids)] = torch.tensor(sequence.ids)
        labels_BT[row, : len(sequence.ids)] = _labels(sequence)
    return _batch(sequences, ids_BT, labels_BT, torch.arange(shape[1]).expand(shape), None, device)


def _labels(sequence: TokenSequence) -> Tensor:
    """[tokens], int64; the last position has nothing behind it to learn."""
    ids = torch.tensor([*sequence.ids[1:], IGNORE], dtype=torch.int64)
    is_target = torch.tensor([*sequence.loss_mask[1:], 0], dtype=torch.bool)
    return ids.masked_fill(~is_target, IGNORE)


def _batch(
    sequences: Sequence[TokenSequence],
    ids_BT: Tensor,
    labels_BT: Tensor,
    positions_BT: Tensor,
    starts: Tensor | None,
    device: torch.device | str,
) -> MicroBatch:
    return MicroBatch(
        ids_BT=ids_BT.to(device),
        labels_BT=labels_BT.to(device),
        positions_BT=positions_BT.to(device),
        starts=starts,
        token_count=sum(len(sequence.ids) for sequence in sequences),
        target_count=int((labels_BT != IGNORE).sum()),
        sources=tuple(sequence.source for sequence in sequences),
    )
