"""Labels: found in the references, found in answers, counted."""

import pytest

from tanren.domain.errors import ValidationFailed
from tanren.evaluation.metrics.classification import accuracy, classification_table, label_in, labels_among, macro_f1
from tanren.evaluation.metrics.registry import check_applies, default_metrics
from tanren.evaluation.questions import Question


def questions(references: list[str]) -> list[Question]:
    return [
        Question(number=n, prompt=f"text {n}", reference=reference, source=f"t:{n}")
        for n, reference in enumerate(references, start=1)
    ]


SET = questions(["urgent", "not urgent"] * 6)


def test_few_short_references_that_come_back_are_a_classification():
    assert labels_among(SET) == ("not urgent", "urgent")
    assert labels_among(questions(["one", "two", "three"])) == ()
    assert default_metrics(SET) == ("accuracy", "macro_f1")


@pytest.mark.parametrize(
    ("answer", "index"),
    [("Urgent.", 1), ("This is not urgent", 0), ("urgent, or perhaps not urgent", 2), ("no idea", 2), ("URGENTLY", 2)],
)
def test_an_answer_is_a_label_or_names_just_one(answer, index):
    assert label_in(answer, ("not urgent", "urgent")) == index


def test_labels_that_differ_in_case_or_full_stop_are_one():
    mixed = questions(["Yes", "yes", "Yes.", "no"] * 3)
    assert labels_among(mixed) == ("Yes", "no")
    assert accuracy(mixed, ["yes"] * 12).value == pytest.approx(9 / 12)
    assert classification_table(mixed, ["Yes.", "yes", "YES", "No"] * 3).accuracy == 1.0
    assert macro_f1(mixed, ["Yes.", "yes", "YES", "No"] * 3).value == 1.0


def test_the_table_counts_which_label_was_given_for_which():
    answers = ["urgent"] * 6 + ["not urgent"] * 5 + ["dunno"]
    table = classification_table(SET, answers)
    assert table.counts == ((2, 3, 1), (3, 3, 0))
    assert table.accuracy == pytest.approx(5 / 12) == accuracy(SET, answers).value
    assert table.scores[1].precision == pytest.approx(3 / 6)
    assert table.scores[0].recall == pytest.approx(2 / 6)


def test_macro_f1_put_together_from_single_answers_is_that_of_the_table():
    answers = ["urgent"] * 6 + ["not urgent"] * 5 + ["dunno"]
    assert macro_f1(SET, answers).value == pytest.approx(classification_table(SET, answers).macro_f1)


def test_accuracy_is_refused_of_questions_that_are_no_classification():
    with pytest.raises(ValidationFailed, match="needs a classification"):
        check_applies("accuracy", questions(["a long answer", "another"]))
