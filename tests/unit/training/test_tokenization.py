import pytest

from tanren.data.findings import DataInvalid
from tanren.data.records import Document, RecordSource, TrainingRecord
from tanren.domain.conversation import Conversation
from tanren.training.objectives.continued_pre_training import ContinuedPreTraining
from tanren.training.objectives.supervised import Supervised
from tanren.training.tokenization import Tokenizer, tokenize
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
