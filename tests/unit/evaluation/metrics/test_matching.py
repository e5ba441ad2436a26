"""Exact, contains and F1."""

import pytest

from tanren.evaluation.metrics.matching import contains, exact, f1, f1_of, is_exact
from tanren.evaluation.questions import Question


def question(reference: str, number: int = 1) -> Question:
    return Question(number=number, prompt="?", reference=reference, source=f"t:{number}")


def guide_accuracy(expected: list[str], predicted: list[str]) -> float:
    """The guide's own lines (tests/seed_samples/001_evaluate.py), without the call."""
    results = [{"match": e.lower() in p.lower()} for e, p in zip(expected, predicted, strict=True)]
    return sum(1 for r in results if r["match"]) / len(results)


def test_contains_is_the_guides_evaluate_model_to_the_last_figure():
    expected = ["Amazon S3", "42", "東京", "Straße", "a  b"]
    predicted = ["It is stored in amazon s3.", "forty-two", "首都は東京です。", "STRASSE", "a b"]
    found = contains([question(text, n) for n, text in enumerate(expected, 1)], predicted)
    assert found.value == guide_accuracy(expected, predicted)


def test_an_exact_answer_may_differ_in_case_width_space_and_its_last_full_stop():
    assert is_exact(" ＡＷＳ  Lambda。", "aws lambda")
    assert not is_exact("aws lambda function", "aws lambda")


def test_f1_counts_words_in_common_without_articles():
    assert f1_of("the cat sat", "a cat sat down") == pytest.approx(2 * 2 / (2 + 3))
    assert f1_of("", "cat") == 0.0


def test_f1_of_japanese_is_of_its_words_and_not_of_the_whole_sentence():
    found = f1([question("東京は日本の首都です。")], ["日本の首都は東京です。"])
    assert found.signature == "words:ja-mecab"
    assert found.value == pytest.approx(1.0)


def test_a_short_japanese_reference_among_japanese_ones_is_cut_as_japanese():
    found = f1([question("東京です。とても大きな都市です。", 1), question("大阪", 2)], ["x", "大阪"])
    assert found.signature == "words:ja-mecab"


def test_a_question_without_a_reference_is_not_scored():
    found = exact([question("yes", 1), question("", 2)], ["yes", "anything"])
    assert found.value == 1.0
    assert found.statistics_NK[1].tolist() == [0, 0]


@pytest.mark.parametrize("reference", ["A", "a", "The", "+"])
def test_f1_of_a_reference_of_which_no_word_is_left_is_that_of_sameness(reference):
    assert f1_of(reference, reference) == 1.0
    assert f1_of("B", reference) == 0.0
