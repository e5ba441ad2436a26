import numpy as np
import pytest

from tanren.domain.evaluation_metrics import metric_for, task_type_of
from tanren.evaluation.questions import Question
from tanren.workflows.evaluation_journal import Reply
from tanren.workflows.evaluation_scores import ArmReplies, ScoredArm, computed_scores, word_error_rate


def _questions(*references: str) -> list[Question]:
    return [
        Question(number=number, prompt=f"question {number}", reference=reference, source=f"f:{number}")
        for number, reference in enumerate(references, start=1)
    ]


def _arm(*texts: str | None, changed: tuple[tuple[str, ...], ...] | None = None) -> ArmReplies:
    replies = tuple(Reply(error="too long") if text is None else Reply(text=text) for text in texts)
    others = changed or ((),) * len(texts)
    return ArmReplies(replies=replies, changed=tuple(tuple(Reply(text=text) for text in each) for each in others))


def _metric(name: str, task: str = "QuestionAndAnswer"):
    return metric_for(name, task_type_of(task))


def test_a_question_without_an_answer_counts_as_answered_with_nothing():
    found = computed_scores(_metric("Tanren.Contains"), _questions("4", "5", "6"), _arm("It is 4.", None, "seven"))
    assert found.results == (1.0, 0.0, 0.0)
    assert found.scores is not None
    assert found.scores.value == pytest.approx(1 / 3)
    assert found.score_of(0) == {"metricName": "Tanren.Contains", "result": 1.0}


@pytest.mark.parametrize(
    ("task", "answer", "expected"),
    [
        ("Generation", "I think it is Paris.", 1.0),
        ("Generation", "London", 0.0),
        ("QuestionAndAnswer", "Paris, France", 2 / 3),
        ("Classification", "The label is: paris", 1.0),
        ("Classification", "paris or rome", 0.0),
    ],
)
def test_accuracy_is_what_aws_computes_for_the_task(task: str, answer: str, expected: float):
    found = computed_scores(_metric("Builtin.Accuracy", task), _questions("Paris", "Rome"), _arm(answer, "Rome"))
    assert found.results[0] == pytest.approx(expected)


def test_accuracy_and_robustness_score_the_same_answer_alike():
    references = ("東京", "the capital of Japan is Tokyo", "大阪府の府庁所在地は大阪市です")
    answers = ("京都", "the capital is Tokyo", "府庁所在地は大阪市")
    plain = computed_scores(_metric("Builtin.Accuracy"), _questions(*references), _arm(*answers))
    changed = _arm(*references, changed=tuple((answer,) for answer in answers))
    robust = computed_scores(_metric("Builtin.Robustness"), _questions(*references), changed)
    assert robust.results == pytest.approx([1 - result for result in plain.results])


def test_robustness_is_the_mean_change_over_the_changed_prompts():
    questions = _questions("4", "5")
    arm = _arm("4", "5", changed=(("4", "no", "4", "no"), ()))
    scored = computed_scores(_metric("Builtin.Robustness"), questions, arm)
    assert scored.results == (0.5, None)
    free = computed_scores(
        _metric("Builtin.Robustness", "Generation"),
        questions,
        _arm("a b c d", "x", changed=(("a b c d", "a b"), ("x",))),
    )
    assert free.results == (0.25, 0.0)


@pytest.mark.parametrize("task", ["Generation", "QuestionAndAnswer", "Classification"])
def test_where_no_prompt_could_be_changed_robustness_has_no_figure(task: str):
    found = computed_scores(_metric("Builtin.Robustness", task), _questions("東京", "大阪"), _arm("東京", "京都"))
    assert found.results == (None, None)


@pytest.mark.parametrize(
    ("reference", "text", "errors"),
    [
        ("the cat sat", "the cat sat", 0),
        ("the cat sat", "The cat, sat!", 0),
        ("the cat sat", "a cat sat down", 2 / 3),
        ("the cat sat", "", 1),
        ("", "anything", 1),
        ("", "", 0),
        ("a b", "x y z a b", 3 / 2),
    ],
)
def test_the_word_error_rate_counts_insertions_deletions_and_replacements(reference: str, text: str, errors: float):
    assert word_error_rate(reference, text) == pytest.approx(errors)


def test_the_word_error_rate_is_the_edit_distance_of_random_words():
    random = np.random.default_rng(0)

    def plain(a: list[str], b: list[str]) -> int:
        row = list(range(len(b) + 1))
        for i, word in enumerate(a, start=1):
            before, row = row, [i]
            for j, other in enumerate(b, start=1):
                row.append(min(row[-1] + 1, before[j] + 1, before[j - 1] + (word != other)))
        return row[-1]

    for _ in range(50):
        a, b = (list(random.choice(["red", "green", "blue"], size=random.integers(1, 9))) for _ in range(2))
        assert word_error_rate(" ".join(a), " ".join(b)) == pytest.approx(plain(a, b) / len(a))


def test_a_question_without_an_answer_has_no_score_and_its_error():
    questions = _questions("4")
    arm = _arm(None)
    scores = (computed_scores(_metric("Tanren.Contains"), questions, arm),)
    assert ScoredArm(identifier="m", replies=arm, scores=scores).line(0, {"prompt": "2 + 2?"}) == {
        "automatedEvaluationResult": {"scores": []},
        "inputRecord": {"prompt": "2 + 2?"},
        "modelResponses": [],
        "error": {"errorMessage": "too long"},
    }


def test_labels_that_differ_in_case_or_a_full_stop_are_one_label():
    found = computed_scores(
        _metric("Builtin.Accuracy", "Classification"), _questions("Yes", "yes.", "no"), _arm("yes", "YES", "No.")
    )
    assert found.results == (1.0, 1.0, 1.0)
    assert found.scores is not None
    assert found.scores.signature == "labels:2"
