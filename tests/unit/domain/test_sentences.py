"""A sentence is its English text to whoever asks for text, and keeps what it was put together from."""

import pickle

from tanren.domain.errors import JobFailed
from tanren.domain.sentences import joined, sentence, sentence_json, told_by


def test_a_sentence_is_its_text():
    said = sentence('"{key}" is missing in {{"text": …}}.', key="messages")
    assert said == '"messages" is missing in {"text": …}.'
    assert f"row 3: {said}" == 'row 3: "messages" is missing in {"text": …}.'


def test_several_keep_their_parts_in_order():
    said = joined("row 3: ", sentence("{n} blocks.", n=2))
    assert said == "row 3: 2 blocks."
    assert sentence_json(said) == [
        {"template": "{text}", "values": {"text": "row 3: "}},
        {"template": "{n} blocks.", "values": {"n": "2"}},
    ]


def test_a_value_with_braces_stays_as_it_is():
    assert joined("{n}", sentence("{key}", key="{0.__class__}")) == "{n}{0.__class__}"


def test_plain_text_has_no_parts_of_its_own():
    assert sentence_json("a plain text") is None


def test_an_error_keeps_the_sentence_that_it_was_raised_with():
    assert sentence_json(told_by(JobFailed(sentence("{n} steps.", n=3)))) is not None
    assert told_by(JobFailed("as it is")) == "as it is"


def test_it_outlives_a_process_boundary():
    said = joined("a ", sentence("{n}", n=1))
    assert pickle.loads(pickle.dumps(said)).parts == said.parts
