import shutil
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tanren.data.findings import DataInvalid
from tanren.data.records import TrainingRecord
from tanren.domain.errors import JobFailed
from tanren.training import preparation
from tanren.training.preparation import PreparedData, Records, RecordStream, prepare
from tanren.training.spec import TrainingSpec
from tanren.training.token_cache import TokenCache
from tanren.training.tokenization import Tokenizer
from tests.numerics.tiny_models import pair, pairs, save_base_model

SPEC = TrainingSpec(max_sequence_length=128)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base_model(tmp_path_factory.mktemp("base"))


@pytest.fixture
def tokenised(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lines of the records that are tokenised."""
    lines: list[int] = []
    original = Tokenizer.of_conversation

    def counted(self: Tokenizer, conversation, source):
        lines.append(source.line)
        return original(self, conversation, source)

    monkeypatch.setattr(Tokenizer, "of_conversation", counted)
    return lines


def prepared(
    base: Path, cache: Path, records: Records, *validation: Records, spec: TrainingSpec = SPEC
) -> PreparedData:
    return prepare(spec, base, records, validation, cache=TokenCache(cache))


def test_a_share_that_holds_out_no_record_is_named_with_the_way_out(base: Path, tmp_path: Path) -> None:
    spec = TrainingSpec(evaluation_percentage=0.001)
    with pytest.raises(JobFailed, match=r"0\.001 % of 3 records left none .* larger evalPercentage"):
        prepared(base, tmp_path, pairs(3), spec=spec)
    held_out = prepared(base, tmp_path, pairs(20), spec=TrainingSpec(evaluation_percentage=50))
    assert len(held_out.training) + len(held_out.validation_sets[0]) == 20


def test_the_same_data_are_tokenised_once(base: Path, tmp_path: Path, tokenised: list[int]) -> None:
    first = prepared(base, tmp_path, pairs(9), pairs(3, file="v.jsonl", start=50))
    assert sorted(tokenised) == sorted([*range(1, 10), 1, 2, 3])
    tokenised.clear()
    again = prepared(base, tmp_path, pairs(9), pairs(3, file="v.jsonl", start=50))
    assert tokenised == []
    assert list(again.training) == list(first.training)
    assert [list(each) for each in again.validation_sets] == [list(each) for each in first.validation_sets]
    assert (again.digest, again.warnings) == (first.digest, first.warnings)


def test_what_decides_the_tokens_is_in_the_key(base: Path, tmp_path: Path, tokenised: list[int]) -> None:
    prepared(base, tmp_path / "cache", pairs(4))
    other_base = tmp_path / "other"
    shutil.copytree(base, other_base)
    template = other_base / "chat_template.jinja"
    template.write_text(template.read_text().replace("<|bos|>", "<|bos|> "))
    others: list[tuple[Path, Records, TrainingSpec]] = [
        (base, pairs(3), SPEC),
        (base, pairs(4, file="other.jsonl"), SPEC),
        (base, [*pairs(3), pair(4, "what is 3?", "another answer")], SPEC),
        (base, pairs(4), TrainingSpec(max_sequence_length=127)),
        (other_base, pairs(4), SPEC),
    ]
    for folder, records, spec in others:
        tokenised.clear()
        prepared(folder, tmp_path / "cache", records, spec=spec)
        assert tokenised, (folder, records, spec)
    tokenised.clear()
    prepared(base, tmp_path / "cache", pairs(4), spec=TrainingSpec(max_sequence_length=128, seed=3, batch_size=2))
    assert tokenised == []


def test_the_held_out_rows_are_kept_by_seed_and_share(base: Path, tmp_path: Path, tokenised: list[int]) -> None:
    def split(seed: int, share: float) -> PreparedData:
        return prepared(base, tmp_path, pairs(40), spec=TrainingSpec(seed=seed, evaluation_percentage=share))

    first, *others = split(0, 30), split(1, 30), split(0, 40)
    assert len({data.digest for data in (first, *others)}) == 3
    tokenised.clear()
    assert split(0, 30).digest == first.digest
    assert tokenised == []


def test_a_damaged_set_is_made_anew(base: Path, tmp_path: Path, tokenised: list[int]) -> None:
    first = prepared(base, tmp_path, pairs(9))
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"\x00" + path.read_bytes()[1:])
    tokenised.clear()
    assert prepared(base, tmp_path, pairs(9)).digest == first.digest
    assert len(tokenised) == 9


def test_data_that_are_refused_are_refused_again(base: Path, tmp_path: Path) -> None:
    rows = [*pairs(3), pair(4, "x" * 200, "y")]
    for _ in range(2):
        with pytest.raises(DataInvalid, match="exceeds total limit of 128"):
            prepared(base, tmp_path, rows)
        assert list(tmp_path.iterdir()) == []


def test_a_stream_with_a_digest_is_read_once_and_then_not_at_all(base: Path, tmp_path: Path) -> None:
    readings: list[int] = []

    def read() -> Iterator[TrainingRecord]:
        readings.append(1)
        yield from pairs(9)

    stream = RecordStream(read=read, digest="a", count=9)
    data = prepared(base, tmp_path, stream)
    assert readings == [1]
    assert prepared(base, tmp_path, stream).digest == data.digest
    assert readings == [1]
    assert list(data.training) == list(prepared(base, tmp_path, pairs(9)).training)


def test_rows_in_both_sets_are_told_with_their_places(base: Path, tmp_path: Path) -> None:
    validation = [pair(1, "new", "row", file="v.jsonl"), pair(2, "what is 3?", "hellllllo 3", file="v.jsonl")]
    data = prepared(base, tmp_path, pairs(100), validation)
    assert data.warnings == (
        "1 validation rows are also trained on (first: v.jsonl:2 equals train.jsonl:4), "
        "so the validation loss looks better than it is",
    )


def test_a_long_preparation_says_how_far_it_is(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "PROGRESS_SECONDS", 0.0)
    told: list[str] = []
    cache = TokenCache(tmp_path)
    prepare(SPEC, base, RecordStream(read=lambda: pairs(3), digest="a", count=3), [], cache=cache, tell=told.append)
    assert told == [f"Writing the records as tokens: {done} of 3." for done in (1, 2, 3)]
    told.clear()
    prepare(SPEC, base, RecordStream(read=lambda: pairs(3), digest="a", count=3), [], cache=cache, tell=told.append)
    assert told == ["3 records were written as tokens before; these are used."]


def test_thousands_of_records_keep_their_order(base: Path, tmp_path: Path) -> None:
    data = prepared(base, tmp_path, pairs(2000))
    assert [row.source.line for row in data.training] == list(range(1, 2001))


def test_four_times_the_records_take_no_more_memory(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held rows would show: each weighs a kilobyte or more, and there are thousands."""
    monkeypatch.setattr("tanren.training.token_sets._BUFFERED_TOKENS", 4096)
    monkeypatch.setattr("tanren.training.tokenization._CHUNK_RECORDS", 16)

    def peak_bytes(count: int) -> int:
        def read() -> Iterator[TrainingRecord]:
            return (pair(i, f"what is {i}?", f"hello {i} " * 8) for i in range(1, count + 1))

        stream = RecordStream(read=read, digest=str(count), count=count)
        tracemalloc.start()
        try:
            prepared(base, tmp_path, stream, stream)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    prepared(base, tmp_path, pairs(3))  # what is loaded once
    few = peak_bytes(500)
    assert peak_bytes(2000) < few + 500_000
