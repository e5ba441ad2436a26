"""Token sequences → rows of a micro-batch. Labels are shifted here and nowhere else.

A row holds one document, and shorter rows are filled up behind their end. Attention is causal, so no real token ever
sees the filling: the result is that of the unfilled row, and no attention mask is needed (which lets torch take its
fastest kernel). Rows of near length share a micro-batch, so that little is filled: see `micro_batches`.
Several documents a row, with attention kept inside each, would change `lay_out` and the model's call, and nothing else:
`positions` and `document_ids` are there for it.

Legend   B rows, T row length.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tanren.data.records import RecordSource
from tanren.training.tokenization import TokenSequence

IGNORE = -100
"""The label of a position without target; torch's own default for cross-entropy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedRow:
    ids: list[int]
    labels: list[int]
    """labels[i] is the target of ids[i]: the next token where its loss mask is 1, else IGNORE."""
    positions: list[int]
    """From 0 in each document."""
    document_ids: list[int]
    """Which document of the row a token belongs to."""
    sources: tuple[RecordSource, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MicroBatch:
    """Rows that go through the model together; gradients add up over the micro-batches of an optimiser step."""

    ids_BT: Tensor
    labels_BT: Tensor
    token_count: int
    """Real tokens, without filling."""
    target_count: int
    sources: tuple[RecordSource, ...]


def lay_out(sequence: TokenSequence) -> PackedRow:
    """One sequence as a row."""
    ids = list(sequence.ids)
    targets = [id if is_target else IGNORE for id, is_target in zip(ids, sequence.loss_mask, strict=True)]
    return PackedRow(
        ids=ids,
        labels=[*targets[1:], IGNORE],
        positions=list(range(len(ids))),
        document_ids=[0] * len(ids),
        sources=(sequence.source,),
    )


def stack(rows: Sequence[PackedRow], *, device: torch.device | str = "cpu") -> MicroBatch:
    """Rows filled up to the longest of them, behind their ends.

    Shapes   ids, labels [B, T], int64.
    """
    length = max(len(row.ids) for row in rows)
    ids_BT = torch.zeros(len(rows), length, dtype=torch.int64)
    labels_BT = torch.full((len(rows), length), IGNORE, dtype=torch.int64)
    for index, row in enumerate(rows):
        ids_BT[index, : len(row.ids)] = torch.tensor(row.ids)
        labels_BT[index, : len(row.labels)] = torch.tensor(row.labels)
    return MicroBatch(
        ids_BT=ids_BT.to(device),
        labels_BT=labels_BT.to(device),
        token_count=sum(len(row.ids) for row in rows),
        target_count=sum(label != IGNORE for row in rows for label in row.labels),
        sources=tuple(source for row in rows for source in row.sources),
    )


def micro_batches(
    sequences: Iterable[TokenSequence], *, token_budget: int, device: torch.device | str = "cpu"
) -> list[MicroBatch]:
    """The sequences of one optimiser step, sorted by length and cut where a group would pass `token_budget`.

    Why   a pure function of its input (ties keep their order), so that a resumed step adds up in the same order.
    """
    rows = sorted((lay_out(sequence) for sequence in sequences), key=lambda row: len(row.ids))
    groups: list[list[PackedRow]] = []
    for row in rows:
        if groups and len(row.ids) * (len(groups[-1]) + 1) <= token_budget:
            groups[-1].append(row)
        else:
            groups.append([row])
    return [stack(group, device=device) for group in groups]
