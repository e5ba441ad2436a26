from array import array
from itertools import pairwise
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from tanren.data.records import RecordSource
from tanren.training.packing import IGNORE, Layout, MicroBatch, micro_batches, pad
from tanren.training.tokenization import TokenSequence

LAYOUTS: Final[tuple[Layout, ...]] = ("packed", "padded")


@st.composite
def token_sequences(draw: st.DrawFn) -> TokenSequence:
    ids = draw(st.lists(st.integers(1, 50), min_size=2, max_size=20))
    mask = draw(st.lists(st.integers(0, 1), min_size=len(ids), max_size=len(ids)))
    line = draw(st.integers(1, 999))
    return TokenSequence(ids=array("i", ids), loss_mask=bytes(mask), source=RecordSource(file="f", line=line))


def documents(part: MicroBatch) -> list[tuple[list[int], list[int], list[int]]]:
    """Ids, labels and positions of each document, without filling."""
    columns = (part.ids_BT, part.labels_BT, part.positions_BT)
    if part.starts is None:
        return [
            tuple(column[row][column_is_real].tolist() for column in columns)  # type: ignore[misc]
            for row in range(len(part.ids_BT))
            for column_is_real in [part.ids_BT[row] != 0]
        ]
    return [
        tuple(column[0, start:end].tolist() for column in columns)  # type: ignore[misc]
        for start, end in pairwise(part.starts.tolist())
    ]


@given(sequence=token_sequences(), layout=st.sampled_from(LAYOUTS))
def test_a_label_is_the_next_token_where_it_is_learned(sequence: TokenSequence, layout: Layout) -> None:
    ((ids, labels, positions),) = documents(*micro_batches([sequence], token_budget=1, layout=layout))
    assert ids == list(sequence.ids)
    assert positions == list(range(len(ids)))
    for index, label in enumerate(labels):
        is_target = index + 1 < len(sequence.ids) and sequence.loss_mask[index + 1]
        assert label == (sequence.ids[index + 1] if is_target else IGNORE)


@given(
    sequences=st.lists(token_sequences(), min_size=1, max_size=12),
    budget=st.integers(1, 80),
    layout=st.sampled_from(LAYOUTS),
)
def test_no_document_is_lost_doubled_or_mixed_and_the_budget_holds(
    sequences: list[TokenSequence], budget: int, layout: Layout
) -> None:
    parts = micro_batches(sequences, token_budget=budget, layout=layout)
    alone = [document for sequence in sequences for document in documents(pad([sequence]))]
    assert sorted(document for part in parts for document in documents(part)) == sorted(alone)
    assert sum(part.token_count for part in parts) == sum(len(sequence.ids) for sequence in sequences)
    for part in parts:
        assert part.target_count == sum(label != IGNORE for _, labels, _ in documents(part) for label in labels)
        assert part.ids_BT.numel() <= budget or len(part.sources) == 1
        assert len(part.sources) == len(documents(part))
