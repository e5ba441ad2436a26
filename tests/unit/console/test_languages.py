"""Which language is spoken, and how a length of time is said in it."""

from typing import Any

import pytest

from tanren.console.languages import Words, language_of


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        (None, "ja,en;q=0.8", "ja"),
        (None, "en-GB,ja;q=0.5", "en"),
        (None, "fr,ja;q=0.5", "ja"),
        (None, "", "en"),
        ("en", "ja", "en"),
        ("xx", "ja-JP", "ja"),
    ],
)
def test_the_choice_wins_over_the_browsers_first_language_that_is_ours(cookie: str, accepted: str, language: str):
    assert language_of(cookie, accepted) == language


def test_a_length_of_time_is_said_in_its_two_largest_units():
    assert Words("en").duration(3725.0) == "1 h 2 min"
    assert Words("ja").duration(95.2) == "1 分 35 秒"
    assert Words("en").duration(0.2) == "0 s"
    assert Words("en").duration(None) == "—"


def test_a_word_of_the_api_is_said_as_people_say_it():
    assert [Words("en").say(word) for word in ("FINE_TUNING", "InService", "Completed", None)] == [
        "Fine-tuning",
        "In service",
        "Completed",
        "—",
    ]
    assert Words("ja").say("InService") == "稼働中"


def test_what_the_service_tells_is_said_from_its_parts():
    parts = [
        {"template": "{text}", "values": {"text": "s3://bucket/train.jsonl"}},
        {"template": " line {line}", "values": {"line": "3"}},
        {"template": "{text}", "values": {"text": ": "}},
        {"template": '"{key}" is {kind}.', "values": {"key": "array", "kind": "a number"}},
    ]
    english = 's3://bucket/train.jsonl line 3: "array" is a number.'
    assert Words("en").told(english, parts) == english
    assert Words("ja").told(english, parts) == "s3://bucket/train.jsonl の 3 行目: 「array」が数値になっています。"


@pytest.mark.parametrize(
    "parts",
    [
        None,
        [
            {"template": "{text}", "values": {"text": "Half of it. "}},
            {"template": "Of a newer server {n}.", "values": {}},
        ],
        [{"template": " line {line}", "values": {}}],
    ],
)
def test_a_sentence_without_words_here_is_shown_as_the_service_said_it(parts: list[dict[str, Any]] | None):
    assert Words("ja").told("In English.", parts) == "In English."


def test_a_word_of_the_api_that_is_not_known_stands_as_it_is():
    assert Words("ja").say("SomethingNew") == "SomethingNew"
