"""What the demonstrations teach is invented, is new to nano, and is not what they test."""

import json
import re
from itertools import combinations
from pathlib import Path
from random import Random

import pytest

from nano.corpus import english
from nano.corpus.documents import conversation_text
from nano.corpus.subjects import ENGLISH, invent
from proofs.demonstrations.claims import CLAIMS, KNOWN_SHORTFALLS, judge
from proofs.demonstrations.data_extraction import extraction_data, values_right, violation
from proofs.demonstrations.data_facts import fact_data
from proofs.demonstrations.data_faq import faq_data
from proofs.demonstrations.data_general import general_text, replay_documents
from proofs.demonstrations.data_jargon import jargon_data
from proofs.demonstrations.data_routing import SEEN, UNSEEN, Vocabulary, routing_data
from proofs.demonstrations.lines import Line
from proofs.demonstrations.rows import Pair, read_pairs, write_pairs

FAQ, FACTS, ROUTING, FORMAT, JARGON = faq_data(), fact_data(), routing_data(), extraction_data(), jargon_data()
CORPUS = Path(english.__file__).parent
PARTS: dict[str, tuple[list[Pair], ...]] = {
    "faq": (FAQ.training, FAQ.same_facts, FAQ.other_facts),
    "facts": (FACTS.training, FACTS.familiar, FACTS.new),
    "routing": (ROUTING.training, ROUTING.familiar, ROUTING.unseen),
    "format": (FORMAT.training, FORMAT.held_out, FORMAT.other_manners),
}
EVERY_TEXT = [
    *(text for parts in PARTS.values() for pairs in parts for pair in pairs for text in (pair.prompt, pair.completion)),
    *JARGON.training,
    *JARGON.held_out,
    *general_text("english"),
]
OF_NO_TEAM = set("a an the is are it of to in by at on for from and or not has no was too be with will who".split())  # noqa: SIM905


def _runs(text: str, length: int = 8) -> set[tuple[str, ...]]:
    """Every run of so many words."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def test_no_eight_words_in_a_row_are_also_in_the_corpus_that_we_write():
    rng = Random(5)
    world = [invent(rng.choice(ENGLISH), rng) for _ in range(50)]
    written: set[tuple[str, ...]] = set()
    for family in english.FAMILIES:
        for _ in range(300):
            written |= _runs(conversation_text(family(rng, world)))
    for prose in CORPUS.glob("*en.txt"):
        written |= _runs(prose.read_text(encoding="utf-8"))
    shared = {" ".join(run) for text in EVERY_TEXT for run in _runs(text) & written}
    assert len(written) > 50_000
    assert shared == set()


def test_no_japanese_sentence_is_also_in_the_corpus_that_we_write():
    written = "".join(prose.read_text(encoding="utf-8") for prose in CORPUS.glob("*ja.txt"))
    sentences = [sentence for text in general_text("japanese") for sentence in text.split("。") if sentence]
    assert [sentence for sentence in sentences if sentence in written] == []


@pytest.mark.parametrize("name", PARTS)
def test_no_question_is_both_trained_and_tested(name: str):
    for one, other in combinations(PARTS[name], 2):
        assert {pair.prompt for pair in one}.isdisjoint(pair.prompt for pair in other)


@pytest.mark.parametrize("name", PARTS)
def test_no_question_is_asked_twice(name: str):
    for pairs in PARTS[name]:
        assert len({pair.prompt for pair in pairs}) == len(pairs)


def test_no_story_is_both_trained_and_held_out():
    assert len(set(JARGON.training)) == len(JARGON.training)
    assert set(JARGON.training).isdisjoint(JARGON.held_out)


def test_the_same_seed_gives_the_same_rows():
    again = faq_data(), fact_data(), routing_data(), extraction_data(), jargon_data()
    assert again == (FAQ, FACTS, ROUTING, FORMAT, JARGON)


def test_the_faq_has_85_questions_to_train_and_32_to_validate():
    assert (len(FAQ.training), len(FAQ.same_facts), len(FAQ.other_facts)) == (85, 20, 12)
    taught = " ".join(pair.completion for pair in FAQ.training)
    assert all(pair.completion[-60:] in taught for pair in FAQ.same_facts)
    assert not any(pair.completion[-60:] in taught for pair in FAQ.other_facts)


def test_each_of_sixty_facts_is_trained_in_seven_wordings_and_asked_in_others():
    assert (len(FACTS.training), len(FACTS.familiar), len(FACTS.new)) == (420, 60, 60)
    values = [pair.completion for pair in FACTS.familiar]
    assert not any(one in other for one, other in combinations(sorted(values, key=len), 2))
    for pair in FACTS.familiar:
        assert sum(f"is {pair.completion}." in trained.completion for trained in FACTS.training) == 7


def test_no_telling_word_of_an_unseen_ticket_begins_like_one_of_a_trained_ticket():
    def beginnings(teams: dict[str, Vocabulary]) -> set[str]:
        phrases = [phrase for team in teams.values() for phrase in (*team.things, *team.troubles)]
        words = {word.lower() for phrase in phrases for word in re.findall(r"\w+", phrase)} - OF_NO_TEAM
        return {word[:5] for word in words}

    assert beginnings(SEEN) & beginnings(UNSEEN) == set()


def test_a_held_out_note_has_values_that_no_training_note_has():
    trained = [json.loads(pair.completion) for pair in FORMAT.training]
    for pair in (*FORMAT.held_out, *FORMAT.other_manners):
        booking = json.loads(pair.completion)
        for name in ("passenger", "harbour", "code"):
            assert booking[name] in pair.prompt
            assert booking[name] not in {other[name] for other in trained}


def test_an_expected_answer_is_valid_and_all_right():
    for pair in (*FORMAT.training, *FORMAT.held_out):
        assert violation(pair.completion) is None
        assert values_right(pair.completion, pair.completion) == 5


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("{", "is no JSON"),
        ("[]", "is no object"),
        ('{"passenger": "A"}', "has other fields"),
        ('{"passenger": "A", "harbour": "B", "seats": 61, "deck": "open", "code": "AB123"}', "seats"),
        ('{"passenger": "A", "harbour": "B", "seats": true, "deck": "open", "code": "AB123"}', "seats"),
        ('{"passenger": "A", "harbour": "B", "seats": 6, "deck": "roof", "code": "AB123"}', "deck"),
        ('{"passenger": "A", "harbour": "B", "seats": 6, "deck": "open", "code": "AB12"}', "code"),
        ('{"passenger": "", "harbour": "B", "seats": 6, "deck": "open", "code": "AB123"}', "passenger"),
    ],
)
def test_what_the_schema_refuses_is_no_valid_answer(answer: str, reason: str):
    assert violation(answer) == reason


def test_the_general_text_is_in_both_languages_and_replay_is_prose_without_it():
    assert len(general_text("english")) == 12
    assert len(general_text("japanese")) == 6
    replayed = replay_documents(characters=20_000)
    assert 15_000 < sum(map(len, replayed)) < 30_000


def test_rows_are_read_back_as_they_were_written(tmp_path: Path):
    assert read_pairs(write_pairs(tmp_path / "rows.jsonl", FAQ.training)) == FAQ.training


def _line(key: str, **values: float | None) -> Line:
    return Line(key=key, label="", unit="share", **{"base": 0, "tuned": 1, "control": 0, **values})


def test_a_claim_that_does_not_hold_is_not_met(monkeypatch: pytest.MonkeyPatch):
    (verdict,) = judge([_line("routing.unseen", tuned=0.49)])
    assert verdict.status == "not met"
    monkeypatch.setitem(KNOWN_SHORTFALLS, verdict.name, "too small")
    assert judge([_line("routing.unseen", tuned=0.49)])[0].status == "known shortfall"
    assert judge([_line("routing.unseen", tuned=0.51)])[0].status == "listed as a shortfall, but met"


def test_a_claim_may_be_about_the_base_or_against_the_control():
    assert [each.status for each in judge([_line("format.valid", base=0.06)])] == ["met", "not met"]
    assert judge([_line("faq.best", tuned=2.0, control=2.0)])[0].status == "not met"


def test_every_known_shortfall_is_of_a_claim():
    assert set(KNOWN_SHORTFALLS) <= {claim.name for claim in CLAIMS}
