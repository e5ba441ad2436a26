"""How values are written."""

import math

import pytest
from jinja2 import Undefined

from tanren.console.display import (
    count,
    figure,
    indented_json,
    is_stand_in,
    model_title,
    principal_name,
    resource_id,
    score,
    short_name,
    size,
    stand_in,
    tone,
)


@pytest.mark.parametrize(
    ("model_id", "title"),
    [
        ("anthropic.claude-3-haiku-20240307-v1:0", "Claude 3 Haiku"),
        ("anthropic.claude-3-haiku-20240307-v1:0:200k", "Claude 3 Haiku (200k)"),
        ("meta.llama3-1-8b-instruct-v1:0", "Llama 3.1 8B Instruct"),
        ("mistral.mixtral-8x7b-instruct-v0:1", "Mixtral 8x7B Instruct"),
        ("amazon.titan-text-express-v1", "Titan Text Express"),
        ("anthropic.claude-v2", "Claude 2"),
        ("anthropic.claude-v2:1", "Claude 2.1"),
        ("openai.gpt-oss-20b-1:0", "GPT OSS 20B 1"),
    ],
)
def test_a_model_with_a_stand_in_is_called_as_people_call_it(model_id: str, title: str):
    model = {"modelId": model_id, "modelName": "stand-in: nano-v1"}
    assert model_title(model) == title
    assert (is_stand_in(model), stand_in(model)) == (True, "nano-v1")


def test_a_model_that_stands_for_itself_has_its_own_name():
    model = {"modelId": "tanren.nano-v1:0", "modelName": "nano-v1"}
    assert (model_title(model), is_stand_in(model)) == ("nano-v1", False)


@pytest.mark.parametrize(
    ("value", "text"), [(1.50851, "1.5085"), (1843.2, "1,843"), (0.0, "0"), (math.nan, "nan"), (None, "—")]
)
def test_a_figure_has_the_digits_that_tell_losses_apart(value: float, text: str):
    assert figure(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.463, "0.46"), (9.94, "9.9"), (20.84, "21"), (99.7, "100"), (100, "100")]
)
def test_a_figure_of_few_digits_is_written_without_an_exponent(value: float, text: str):
    assert figure(value, 2) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0 B"), (999, "999 B"), (41_000, "41.0 kB"), (2 * 10**12, "2.0 TB")])
def test_sizes_are_in_decimal_units(value: int, text: str):
    assert size(value) == text


def test_what_an_answer_does_not_have_is_a_dash():
    absent = Undefined(name="x")
    assert [show(absent) for show in (figure, size, count, short_name)] == ["—"] * 4
    assert tone(absent) == "quiet"


def test_an_arn_is_shown_by_what_tells_it_from_others():
    assert short_name("arn:aws:bedrock:us-east-1::foundation-model/tanren.nano-v1:0") == "tanren.nano-v1:0"
    assert short_name("arn:aws:s3:::bucket/train.jsonl") == "bucket/train.jsonl"
    assert short_name("tanren.nano-v1:0") == "tanren.nano-v1:0"
    assert resource_id("arn:aws:bedrock:us-east-1:123456789012:evaluation-job/abcdefghijkl") == "abcdefghijkl"


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:iam::123456789012:user/team/mika", "user/team/mika"),
        ("arn:aws:iam::123456789012:root", "root"),
        ("AKIAEXAMPLE", "AKIAEXAMPLE"),
        (None, "—"),
    ],
)
def test_a_principal_is_shown_without_what_all_of_an_account_have(arn: str | None, name: str):
    assert principal_name(arn) == name


def test_a_score_is_a_number_or_a_word():
    assert [score(value) for value in (0.12345, "good", None)] == ["0.123", "good", "—"]


def test_json_is_laid_out_and_keeps_its_letters_but_none_that_turn_the_text():
    assert indented_json('{"name":"\\u9244\\u202e"}') == '{\n  "name": "鉄\\u202e"\n}'


@pytest.mark.parametrize("arn", ["arn:aws:s3:::bucket", "arn:aws:iam::123456789012:root"])
def test_an_arn_without_a_path_is_not_nameless(arn: str):
    """A link that it stands in would have no text."""
    assert short_name(arn) == arn.rpartition(":")[2]
