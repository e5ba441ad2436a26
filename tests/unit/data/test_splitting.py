from collections import Counter
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from tanren.data.splitting import SplitKey, held_out, is_held_out, labels_of, split_key
from tests.numerics.tiny_models import pair, pairs


def test_hold_out_goes_by_content_and_seed_only() -> None:
    records = pairs(400)
    held = {record.digest() for record in records if is_held_out(record, percentage=20, seed=1)}
    assert 50 < len(held) < 110
    moved = [pair(1, record.content.messages[0].text, record.content.messages[1].text) for record in records]
    assert {record.digest() for record in moved if is_held_out(record, percentage=20, seed=1)} == held
    assert {record.digest() for record in records if is_held_out(record, percentage=20, seed=2)} != held


def key(question: int, answer: str = "") -> SplitKey:
    return SplitKey(b"%016d" % question, answer)


@settings(max_examples=100, deadline=None)
@given(
    questions=st.lists(st.integers(0, 60), min_size=2, max_size=80),
    share=st.fractions(min_value=Fraction(1, 20), max_value=Fraction(1, 2)),
    seed=st.integers(0, 9),
)
def test_a_question_is_never_on_both_sides_and_the_share_is_met(
    questions: list[int], share: Fraction, seed: int
) -> None:
    keys = [key(question) for question in questions]
    chosen = held_out(keys, share=share, seed=seed)
    inside = {questions[index] for index in chosen}
    assert all((index in chosen) == (question in inside) for index, question in enumerate(questions))
    largest = max(Counter(questions).values())
    assert abs(len(chosen) - share * len(keys)) <= max(1, largest)
    assert chosen == held_out(keys, share=share, seed=seed)


def test_every_label_is_held_out_by_its_share() -> None:
    keys = [key(index, "rare" if index % 10 == 0 else "frequent") for index in range(400)]
    assert labels_of(keys) == {"rare", "frequent"}
    chosen = held_out(keys, share=Fraction(15, 100), seed=3)
    assert Counter(keys[index].answer for index in chosen) == {"rare": 6, "frequent": 54}


def test_answers_that_do_not_come_back_are_no_labels() -> None:
    assert labels_of([key(index, f"answer {index}") for index in range(100)]) == frozenset()


def test_questions_are_the_same_whatever_their_case_and_space() -> None:
    assert split_key(pair(1, "Where  is it?", "a")).question == split_key(pair(2, "where is IT?", "b")).question
