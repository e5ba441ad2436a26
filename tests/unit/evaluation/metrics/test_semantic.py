"""BERTScore with an encoder whose vectors are known."""

import numpy as np
import pytest

from tanren.evaluation.metrics.semantic import bertscore
from tanren.evaluation.questions import Question


class LetterEncoder:
    """A vector for each letter: letters are alike or not at all."""

    name = "letters"

    def encode(self, texts):
        return [np.eye(26, dtype=np.float32)[[ord(sign) - 97 for sign in text]] for text in texts]


def test_each_token_is_matched_with_the_most_similar_one_of_the_other_text():
    questions = [Question(number=1, prompt="?", reference="abcd", source="t:1")]
    found = bertscore(LetterEncoder(), questions, ["abx"])
    assert found.value == pytest.approx(2 * (2 / 3) * (2 / 4) / (2 / 3 + 2 / 4))
    assert found.signature.startswith("letters|")


def test_an_empty_answer_scores_nothing():
    questions = [Question(number=1, prompt="?", reference="abcd", source="t:1")]
    assert bertscore(LetterEncoder(), questions, [""]).value == 0.0
