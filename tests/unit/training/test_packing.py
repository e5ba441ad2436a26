from array import array

from hypothesis import given
from hypothesis import strategies as st

from tanren.data.records import RecordSource
from tanren.training.packing import IGNORE, lay_out, micro_batches
from tanren.training.tokenization import TokenSequence


@st.composite
def token_sequences(draw: st.DrawFn) -> TokenSequence:
    ids = draw(st.lists(st.integers(1, 50), min_size=2, max_size=20))
    mask = draw(st.lists(st.integers(0, 1), min_size=len(ids), max_size=len(ids)))
    line = draw(st.integers(1, 999))
    return TokenSequence(ids=array("i", ids), loss_mask=bytes(mask), source=RecordSource(file="f", line=line))


@given(sequence=token_sequences())
def test_a_label_is_the_next_token_where_it_is_learned(sequence: TokenSequence) -> None:
    row = lay_out(sequence)
    assert len(row.ids) == len(row.labels) == len(row.positions) == len(row.document_ids)
    for index, label in enumerate(row.labels):
        is_target = index + 1 < len(sequence.ids) and sequence.loss_mask[index + 1]
        assert label == (sequence.ids[index + 1] if is_target else IGNORE)


@given(sequences=st.lists(token_sequences(), min_size=1, max_size=12), budget=st.integers(1, 80))
def test_no_target_is_lost_or_doubled_and_the_budget_holds(sequences: list[TokenSequence], budget: int) -> None:
    parts = micro_batches(sequences, token_budget=budget)
    assert sum(part.target_count for part in parts) == sum(sequence.target_count for sequence in sequences)
    assert sum(part.token_count for part in parts) == sum(len(sequence.ids) for sequence in sequences)
    found = sorted(
        ([i for i in ids.tolist() if i], [label for label in labels.tolist() if label != IGNORE])
        for part in parts
        for ids, labels in zip(part.ids_BT, part.labels_BT, strict=True)
    )
    rows = [lay_out(sequence) for sequence in sequences]
    assert found == sorted((row.ids, [label for label in row.labels if label != IGNORE]) for row in rows)
    for part in parts:
        assert part.ids_BT.numel() <= budget or len(part.sources) == 1
        assert len(part.sources) == part.ids_BT.shape[0]
