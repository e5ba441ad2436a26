"""A test set that leaked into the training data is found, by row."""

import pytest

from tanren.evaluation.contamination import Row, contamination

LONG = (
    "The service keeps every version of an object in three places, checks each copy once a week, and replaces one that "
    "no longer matches its checksum before anybody asks for it."
)
TRAINING = [
    Row(asked="What is the capital of France?", answered="Paris is the capital of France.", source="train.jsonl:1"),
    Row(asked="How does the storage repair itself?", answered=LONG, source="train.jsonl:2"),
    Row(
        asked="日本でいちばん高い山の名前を教えてください。",
        answered="富士山です。標高は三千七百七十六メートルあります。",
        source="train.jsonl:3",
    ),
]


@pytest.mark.parametrize(
    ("row", "kind", "line"),
    [
        (Row(asked=TRAINING[0].asked, answered=TRAINING[0].answered, source="t"), "exact", 1),
        (Row(asked="what is the  CAPITAL of france?", answered="It is Paris.", source="t"), "normalised", 1),
        (Row(asked="How does the storage repair itself now?", answered=LONG + " ", source="t"), "near", 2),
        (
            Row(
                asked="Describe how copies are held and looked after by this provider in your own words, please.",
                answered="In short, it checks each copy once a week, and replaces one that no longer matches its "
                "checksum before anybody asks for it; that is all that the manual says about it, and it is enough.",
                source="t",
            ),
            "13-gram",
            2,
        ),
        (Row(asked="日本でいちばん高い山の名前を教えてください", answered="富士山。", source="t"), "normalised", 3),
    ],
)
def test_a_leaked_row_is_found_with_its_kind_and_its_place_in_the_training_data(row, kind, line):
    found = contamination({"training": TRAINING, "validation": [], "test": [row]})[0].overlaps
    assert [(overlap.kind, overlap.known_source) for overlap in found] == [(kind, f"train.jsonl:{line}")]


def test_new_questions_about_the_same_subject_are_no_leak():
    test = [
        Row(asked="What is the capital of Spain?", answered="Madrid is the capital of Spain.", source="t:1"),
        Row(asked="日本でいちばん長い川の名前を教えてください。", answered="信濃川です。", source="t:2"),
    ]
    assert contamination({"training": TRAINING, "test": test})[0].overlaps == ()


def test_each_set_is_held_against_those_before_it():
    sets = {"training": TRAINING, "validation": TRAINING[:1], "test": TRAINING[:2]}
    found = {(pair.known_set, pair.tested_set): len(pair.overlaps) for pair in contamination(sets)}
    assert found == {("training", "validation"): 1, ("training", "test"): 2, ("validation", "test"): 1}


def test_test_rows_that_repeat_each_other_do_not_hide_the_leak():
    row = Row(asked="How does the storage repair itself now?", answered=LONG, source="t")
    assert len(contamination({"training": TRAINING, "test": [row, row]})[0].overlaps) == 2


PREFACE = (
    "Answer the following question about our storage service in one short and friendly sentence for a new customer. "
    "Question: "
)
PREFACED = [
    Row(asked=f"{PREFACE}{asked}", answered=answered, source=f"train.jsonl:{line}")
    for line, (asked, answered) in enumerate(
        [
            ("What is kept in a bucket?", "Objects of any size."),
            ("What is the price of a request?", "It is free."),
            ("Who may read an object?", "Whoever its owner allows."),
            ("How does the storage repair itself?", LONG),
        ],
        start=1,
    )
]


def test_an_instruction_that_all_rows_share_is_no_leak():
    test = [
        Row(asked=f"{PREFACE}What is the name of the region?", answered="It is Osaka.", source="t:1"),
        Row(asked=f"{PREFACE}When is it closed?", answered="It never is.", source="t:2"),
        Row(asked=f"{PREFACE}Can it be encrypted?", answered="Yes, with a key of your own.", source="t:3"),
    ]
    assert contamination({"training": PREFACED, "test": test})[0].overlaps == ()


@pytest.mark.parametrize(
    ("asked", "answered", "kind"),
    [
        (f"{PREFACE}What is kept in a bucket?", "Things.", "normalised"),
        (f"{PREFACE}How does the storage repair itself now?", LONG, "near"),
        (
            f"{PREFACE}Tell me all.",
            f"In short and as far as we know today: {LONG[:150]} {'And more. ' * 12}",
            "13-gram",
        ),
    ],
)
def test_a_leak_behind_a_shared_instruction_is_found(asked, answered, kind):
    test = [Row(asked=asked, answered=answered, source="t:1")]
    assert [found.kind for found in contamination({"training": PREFACED, "test": test})[0].overlaps] == [kind]


def test_a_row_that_is_repeated_in_the_training_data_makes_no_template_of_itself():
    test = [Row(asked="Tell me all of it.", answered=f"As far as we know: {LONG} {'And more. ' * 20}", source="t:1")]
    found = contamination({"training": [TRAINING[1]] * 5, "test": test})[0].overlaps
    assert [overlap.kind for overlap in found] == ["13-gram"]
