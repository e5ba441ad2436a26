from array import array
from collections.abc import Iterator

import pytest

from tanren.data.findings import DataInvalid
from tanren.data.records import Document, RecordSource, TrainingRecord
from tanren.domain.conversation import Conversation
from tanren.training.objectives.continued_pre_training import ContinuedPreTraining
from tanren.training.objectives.supervised import Supervised
from tanren.training.tokenization import Tokenizer, TokenSequence, tokenize
from tanren.weights.chat_template import ChatTemplate
from tests.numerics.tiny_models import pair, pairs, save_tokenizer


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> ChatTemplate:
    return ChatTemplate(save_tokenizer(tmp_path_factory.mktemp("tokenizer")))


@pytest.fixture(scope="module")
def tokenizer(template: ChatTemplate) -> Tokenizer:
    return Tokenizer(template, bos_id=263, eos_id=267)


def test_only_the_answer_is_learned_and_the_prompt_is_servings(template: ChatTemplate, tokenizer: Tokenizer) -> None:
    record = pair(1, "question", "answer")
    sequence = Supervised().sequence(record, tokenizer)
    assert isinstance(record.content, Conversation)
    prompt = template.prompt_ids(Conversation(messages=record.content.messages[:1]))
    assert list(sequence.ids[: len(prompt)]) == prompt
    learned = [id for id, is_target in zip(sequence.ids, sequence.loss_mask, strict=True) if is_target]
    assert template.decode(learned) == "answer<|end|>"


def test_all_of_a_document_is_learned_between_its_ends(template: ChatTemplate, tokenizer: Tokenizer) -> None:
    record = TrainingRecord(source=RecordSource(file="f", line=1), content=Document(text="a <|end|> b"))
    sequence = ContinuedPreTraining().sequence(record, tokenizer)
    assert (sequence.ids[0], sequence.ids[-1]) == (263, 267)
    assert list(sequence.ids).count(267) == 1
    assert sequence.target_count == len(sequence.ids) - 1
    assert template.decode(list(sequence.ids[1:-1])) == "a <|end|> b"


def test_every_row_that_is_too_long_is_named_and_none_is_cut(tokenizer: Tokenizer) -> None:
    records = [*pairs(3), pair(4, "x" * 200, "y"), pair(5, "a", "b"), pair(6, "x", "y" * 200)]
    with pytest.raises(DataInvalid) as caught:
        list(tokenize(records, lambda record: Supervised().sequence(record, tokenizer), max_sequence_length=100))
    assert [(finding.line, finding.rule) for finding in caught.value.findings] == [
        (4, "too-many-tokens"),
        (6, "too-many-tokens"),
    ]
    assert "exceeds total limit of 100" in str(caught.value)


def test_a_record_of_the_wrong_kind_is_named(tokenizer: Tokenizer) -> None:
    with pytest.raises(DataInvalid) as caught:
        list(
            tokenize(
                pairs(1), lambda record: ContinuedPreTraining().sequence(record, tokenizer), max_sequence_length=100
            )
        )
    assert caught.value.findings[0].rule == "record-refused"


def test_long_records_are_not_taken_many_at_a_time(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tanren.training.tokenization._CHUNK_CHARACTERS", 100)
    read: list[int] = []

    def records() -> Iterator[TrainingRecord]:
        for line in range(1, 301):
            read.append(line)
            yield pair(line, "x" * 60, "y" * 50)

    rows = tokenize(records(), lambda record: Supervised().sequence(record, tokenizer), max_sequence_length=500)
    first, _ = next(rows)
    assert (first.source.line, len(read) <= 2 * 4 + 1) == (1, True)
    assert [record.source.line for record, _ in rows] == list(range(2, 301))


@pytest.mark.parametrize("mask", [b"\0\0", b"\1\0"], ids=["nothing", "only what nothing stands before"])
def test_a_row_without_a_token_to_learn_is_refused_by_its_place(mask: bytes) -> None:
    def sequence_of(record: TrainingRecord) -> TokenSequence:
        return TokenSequence(
            ids=array("i", [1, 2]), loss_mask=mask if record.source.line == 2 else b"\0\1", source=record.source
        )

    with pytest.raises(DataInvalid, match="no token to learn") as caught:
        list(tokenize(pairs(3), sequence_of, max_sequence_length=100))
    assert [(finding.file, finding.line) for finding in caught.value.findings] == [("train.jsonl", 2)]
