import dataclasses
from random import Random

import pytest
from transformers import AutoTokenizer

from nano.corpus import english, japanese
from nano.corpus.documents import Document, Message, conversation_text
from nano.recipe import NANO
from nano.tokenizer import SPECIAL_TOKENS, save_tokenizer, train_tokenizer

SHAPE = dataclasses.replace(NANO.shape, vocabulary=700)


def few_documents() -> list[Document]:
    rng = Random(5)
    conversations = [
        conversation_text(family(rng, []))
        for family in (english.reading, english.copying, japanese.reading)
        for _ in range(40)
    ]
    return [Document(source="japanese/any", text=text) for text in conversations]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    save_tokenizer(train_tokenizer(few_documents(), SHAPE), folder)
    return AutoTokenizer.from_pretrained(folder)


def test_the_same_documents_train_the_same_tokenizer():
    first, second = (train_tokenizer(few_documents(), SHAPE).backend_tokenizer.to_str() for _ in range(2))
    assert first == second


def test_the_sixteen_special_tokens_come_first(tokenizer):
    assert len(SPECIAL_TOKENS) == 16
    assert tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS)) == list(range(16))
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == ("<|bos|>", "<|end|>", "<|pad|>")
    assert len(tokenizer) == SHAPE.vocabulary


@pytest.mark.parametrize(
    "text",
    [
        "Hello there.",
        " two  spaces\n\n\ttab ",
        "工房は火ノ浦にあります。",
        "naïve Ωμέγα 🦊 \x00\x7f",
        '1234.50 {"a": [1]}',
        "don't",
    ],
)
def test_any_text_comes_back_and_nothing_is_added(tokenizer, text):
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text
    assert tokenizer.encode(text, add_special_tokens=True) == ids
    assert tokenizer(text)["input_ids"] == ids


def test_the_chat_template_writes_what_the_corpus_was_written_with(tokenizer):
    messages = [
        Message(role="system", content=" Be kind.\n"),
        Message(role="user", content="Hello"),
        Message(role="assistant", content='{"tool": 1}'),
        Message(role="tool", content="晴れ"),
        Message(role="assistant", content="晴れです。"),
    ]
    plain = [dataclasses.asdict(message) for message in messages]
    listed = [{"role": message.role, "content": [{"type": "text", "text": message.content}]} for message in messages]
    expected = tokenizer.encode(conversation_text(messages))
    for given in (plain, listed):
        assert tokenizer.apply_chat_template(given, tokenize=True, return_dict=False) == expected
    prompted = tokenizer.apply_chat_template(plain, tokenize=True, return_dict=False, add_generation_prompt=True)
    assert prompted == [*expected, SPECIAL_TOKENS.index("<|assistant|>")]
