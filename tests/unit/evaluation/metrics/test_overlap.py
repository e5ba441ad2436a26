"""ROUGE, BLEU and chrF++ are their libraries' own numbers, also where they are put together from single answers."""

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from tanren.evaluation.metrics.overlap import bleu, chrf, rouge
from tanren.evaluation.questions import Question

ENGLISH = [
    ("Amazon Bedrock is a fully managed service for foundation models.", "Bedrock is a managed service of models."),
    ("Knowledge bases connect models with your data sources.", "Knowledge bases connect your data with models."),
    ("Provisioned throughput keeps a model ready.", "A model stays in memory."),
]
JAPANESE = [
    ("東京は日本の首都で、世界でも有数の大都市です。", "日本の首都は東京で、大きな都市です。"),
    ("基盤モデルをカスタマイズできるサービスです。", "モデルをカスタマイズするサービスです。"),
]


def questions(pairs) -> list[Question]:
    return [
        Question(number=number, prompt="?", reference=reference, source=f"t:{number}")
        for number, (reference, _) in enumerate(pairs, start=1)
    ]


def answers(pairs) -> list[str]:
    return [answer for _, answer in pairs]


@pytest.mark.parametrize(("pairs", "tokenizer"), [(ENGLISH, "13a"), (JAPANESE, "ja-mecab")])
def test_bleu_is_sacrebleus_with_the_tokeniser_of_the_language_that_was_found(pairs, tokenizer):
    library = BLEU(tokenize=tokenizer)
    expected = library.corpus_score(answers(pairs), [[reference for reference, _ in pairs]])
    found = bleu(questions(pairs), answers(pairs))
    assert found.value == pytest.approx(expected.score)
    assert f"|tok:{tokenizer}" in found.signature
    assert "version:" in found.signature


def test_chrf_is_sacrebleus():
    pairs = ENGLISH + JAPANESE
    library = CHRF(word_order=2)
    expected = library.corpus_score(answers(pairs), [[reference for reference, _ in pairs]])
    found = chrf(questions(pairs), answers(pairs))
    assert found.value == pytest.approx(expected.score)
    assert "nw:2" in found.signature


def test_a_resampled_corpus_has_the_score_of_the_answers_that_were_drawn():
    pairs = ENGLISH + JAPANESE
    found = bleu(questions(pairs), answers(pairs))
    drawn = np.array([2.0, 0, 1, 1, 1])
    drawn_pairs = [pairs[0], pairs[0], *pairs[2:]]
    again = bleu(questions(drawn_pairs), answers(drawn_pairs))
    assert found.total((drawn @ found.statistics_NK)[None])[0] == pytest.approx(again.value)


def test_mixed_languages_are_each_cut_in_their_own_way_and_the_signature_says_so():
    pairs = ENGLISH + JAPANESE
    assert "tok:13a×3,ja-mecab×2|" in bleu(questions(pairs), answers(pairs)).signature


def test_rouge_of_english_is_the_librarys():
    library = RougeScorer(["rougeL"])
    expected = [library.score(reference, answer)["rougeL"].fmeasure for reference, answer in ENGLISH]
    found = rouge("rougeL")(questions(ENGLISH), answers(ENGLISH))
    assert found.values.tolist() == pytest.approx(expected)


def test_rouge_of_japanese_sees_words_where_the_librarys_own_tokeniser_sees_none():
    library = RougeScorer(["rougeL"])
    assert library.score(*JAPANESE[0])["rougeL"].fmeasure == 0
    found = rouge("rougeL")(questions(JAPANESE), answers(JAPANESE))
    assert found.value > 0.4
    assert "ja-mecab" in found.signature


def test_no_answer_scores_nothing():
    for score in (bleu, chrf, rouge("rouge2")):
        assert score(questions(ENGLISH), ["", "", ""]).value == pytest.approx(0.0)


def test_a_question_without_a_reference_takes_no_part_in_japanese_overlap():
    pairs = [*JAPANESE, ("", "Anything.")]
    for score in (bleu, chrf, rouge("rougeL")):
        found = score(questions(pairs), answers(pairs))
        assert found.value == pytest.approx(score(questions(JAPANESE), answers(JAPANESE)).value)
        assert np.isnan(found.values[2])
        assert "13a" not in found.signature
