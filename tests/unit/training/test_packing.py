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


@given(
    sequences=st.lists(token_sequences(), min_size=1, max_size=20),
    budget=st.integers(1, 160),
    lanes=st.integers(2, 4),
    layout=st.sampled_from(LAYOUTS),
)
def test_lanes_share_the_budget_of_a_round_and_lose_no_document(
    sequences: list[TokenSequence], budget: int, lanes: int, layout: Layout
) -> None:
    parts = micro_batches(sequences, token_budget=budget, layout=layout, lanes=lanes)
    alone = [document for sequence in sequences for document in documents(pad([sequence]))]
    assert sorted(document for part in parts for document in documents(part)) == sorted(alone)
    for part in parts:
        assert len(part.sources) == 1 or part.ids_BT.numel() <= max(1, budget // lanes)
    again = micro_batches(sequences, token_budget=budget, layout=layout, lanes=lanes)
    assert [part.sources for part in again] == [part.sources for part in parts]


def test_lanes_of_packed_rows_have_like_amounts_to_do() -> None:
    lengths = [20, 30, 50, 90, 110, 160, 240, 700]
    sequences = [
        TokenSequence(
            ids=array("i", [1] * length), loss_mask=bytes([1] * length), source=RecordSource(file="f", line=line)
        )
        for line, length in enumerate(lengths, 1)
    ]
    one, other = micro_batches(sequences, token_budget=2048, lanes=2)
    assert one.token_count + other.token_count == sum(lengths)
    assert one.token_count == other.token_count
