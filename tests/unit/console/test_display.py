"""How values are written."""

import math

import pytest
from jinja2 import Undefined

from tanren.console.display import (
    count,
    figure,
    indented_json,
    principal_name,
    resource_id,
    score,
    short_name,
    size,
    tone,
)


@pytest.mark.parametrize(
    ("value", "text"), [(1.50851, "1.5085"), (1843.2, "1,843"), (0.0, "0"), (math.nan, "nan"), (None, "—")]
)
def test_a_figure_has_the_digits_that_tell_losses_apart(value: float, text: str):
    assert figure(value) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0 B"), (999, "999 B"), (41_000, "41.0 kB"), (2 * 10**12, "2.0 TB")])
def test_sizes_are_in_decimal_units(value: int, text: str):
    assert size(value) == text


def test_what_an_answer_does_not_have_is_a_dash():
    absent = Undefined(name="x")
    assert [show(absent) for show in (figure, size, count, short_name)] == ["—"] * 4
    assert tone(absent) == "quiet"


def test_an_arn_is_shown_by_what_tells_it_from_others():
    assert short_name("arn:aws:bedrock:us-east-1::foundation-model/tanren.nano-v1:0") == "tanren.nano-v1:0"
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
