import json
from array import array
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanren.data.records import Document, RecordSource, TrainingRecord
from tanren.domain.errors import JobFailed
from tanren.training.replay import GENERAL_TEXT, Replay, general_documents, read_replay
from tanren.training.spec import TrainingSpec
from tanren.training.tokenization import TokenSequence
from tests.numerics.runs import small_run
from tests.numerics.tiny_models import save_base_model

SEQUENCES = [
    TokenSequence(ids=array("i", [n, n]), loss_mask=b"\1\1", source=RecordSource(file="g", line=n)) for n in range(12)
]


def replay(percentage: int, seed: int = 0) -> Replay:
    return Replay(sequences=SEQUENCES, percentage=percentage, seed=seed)


@settings(deadline=None)
@given(percentage=st.integers(1, 90), batch_size=st.integers(1, 9), steps=st.integers(1, 40))
def test_of_all_documents_of_a_run_the_given_share_is_replayed(percentage: int, batch_size: int, steps: int) -> None:
    each = [replay(percentage).beside(own_before=n * batch_size, own_count=batch_size) for n in range(steps)]
    own, replayed = steps * batch_size, sum(map(len, each))
    assert replayed * (100 - percentage) <= own * percentage < (replayed + 1) * (100 - percentage)


@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 60), max_size=5), seed=st.integers(0, 9))
def test_what_is_replayed_depends_on_nothing_but_how_far_the_run_is(cuts: list[int], seed: int) -> None:
    borders = [0, *sorted(cuts), 60]
    parts = [
        sequence.source.line
        for first, end in pairwise(borders)
        for sequence in replay(50, seed).beside(own_before=first, own_count=end - first)
    ]
    whole = [sequence.source.line for sequence in replay(50, seed).beside(own_before=0, own_count=60)]
    assert parts == whole
    # All once, in an order, before any a second time in another.
    assert sorted(whole[:12]) == sorted(whole[12:24]) == list(range(12))
    assert whole[:12] != whole[12:24]


def test_the_seed_changes_the_order() -> None:
    one, other = (replay(50, seed).beside(own_before=0, own_count=12) for seed in (0, 1))
    assert [each.source for each in one] != [each.source for each in other]


def test_the_text_is_whole_documents_and_small() -> None:
    documents = list(general_documents())
    assert len(documents) > 300
    assert all(text and "***" not in text.splitlines() for text, _ in documents)
    first, source = documents[1]
    lines = (GENERAL_TEXT / "english.txt").read_text("utf-8").splitlines()
    assert lines[source.line - 1] == first.splitlines()[0]
    assert sum(file.stat().st_size for file in GENERAL_TEXT.iterdir()) < 200_000


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base_model(tmp_path_factory.mktemp("base"))


def _spec(longest: int) -> TrainingSpec:
    return TrainingSpec(objective="continued_pre_training", replay_percentage=20, max_sequence_length=longest)


def test_a_long_document_goes_in_by_its_paragraphs_and_no_longer_one(base: Path) -> None:
    read = read_replay(_spec(256), base)
    assert read is not None
    assert max(len(each.ids) for each in read.sequences) <= 256
    assert all(each.target_count == len(each.ids) - 1 for each in read.sequences)
    assert read_replay(TrainingSpec(), base) is None
    with pytest.raises(JobFailed, match="no paragraph of the general text fits"):
        read_replay(_spec(4), base)


def test_a_run_trains_on_the_replayed_text_and_its_record_names_it(base: Path, tmp_path: Path) -> None:
    documents = [
        TrainingRecord(source=RecordSource(file="d", line=n), content=Document(text=f"hello {n}")) for n in range(1, 9)
    ]
    spec = {"objective": "continued_pre_training", "max_sequence_length": 256, "epochs": 1}
    plain = small_run(base, tmp_path / "plain", documents, **spec)
    mixed = small_run(base, tmp_path / "mixed", documents, replay_percentage=50, **spec)
    assert mixed.steps == plain.steps
    assert mixed.trained_tokens > 2 * plain.trained_tokens
    record = json.loads((tmp_path / "mixed" / "run.json").read_text())
    assert record["spec"]["replay_percentage"] == 50
    assert record["digests"]["replay"]
    assert "replay" not in json.loads((tmp_path / "plain" / "run.json").read_text())["digests"]
