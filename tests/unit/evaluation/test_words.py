"""Which tokeniser cuts a text."""

import pytest

from tanren.evaluation.words import tokenizer_name, tokenizer_names

MIXED = "We use retrieval augmented generation with a vector database and a reranker を使う"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("東京", "ja-mecab"),
        ("株式会社ABC", "ja-mecab"),
        ("The capital of Japan is called 東京 there", "13a"),
        ("S3", "13a"),
    ],
)
def test_a_text_by_itself_is_cut_by_most_of_its_signs(text, name):
    assert tokenizer_name(text) == name


def test_japanese_with_much_english_is_cut_as_japanese_among_japanese_texts():
    texts = ["東京は日本の首都です。とても大きな都市です。", "株式会社ABC", MIXED, "Amazon S3"]
    assert tokenizer_names(texts) == ["ja-mecab", "ja-mecab", "ja-mecab", "13a"]
