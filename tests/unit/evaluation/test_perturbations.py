"""Slips in a question."""

from tanren.evaluation.perturbations import perturbations

PROMPT = "Which of the 12 services stores 3 copies of an object?"


def test_a_question_is_changed_in_five_ways_each_of_them_small():
    found = {perturbation.kind: perturbation.text for perturbation in perturbations(PROMPT, seed=1)}
    assert found["lower-case"] == PROMPT.lower()
    assert found["numbers-as-words"] == "Which of the twelve services stores three copies of an object?"
    assert found["random-upper-case"].lower() == PROMPT.lower()
    assert found["white-space"].split() == PROMPT.split()
    assert len(found["keyboard-typos"]) == len(PROMPT)
    changed = sum(a != b for a, b in zip(found["keyboard-typos"], PROMPT, strict=True))
    assert 1 <= changed <= len(PROMPT) // 5


def test_the_same_question_and_seed_give_the_same_slips():
    assert perturbations(PROMPT, seed=1) == perturbations(PROMPT, seed=1)
    assert perturbations(PROMPT, seed=1) != perturbations(PROMPT, seed=2)


def test_a_form_that_is_the_question_itself_is_left_out():
    assert [perturbation.kind for perturbation in perturbations("東京？", seed=1)] == []
