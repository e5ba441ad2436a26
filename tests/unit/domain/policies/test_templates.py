import fnmatch
import re
import time

from hypothesis import given
from hypothesis import strategies as st

from tanren.domain.policies.templates import read_template

TEXTS = st.text(alphabet="ab:/", max_size=12)
PATTERNS = st.text(alphabet="ab:/*?", max_size=8)


@given(pattern=PATTERNS, text=TEXTS)
def test_wildcards_match_as_the_regular_expression_that_they_stand_for(pattern: str, text: str):
    meant = re.compile(fnmatch.translate(pattern))
    assert read_template(pattern, with_variables=True).matches(text, {}) is bool(meant.match(text))


@given(text=TEXTS)
def test_a_text_without_wildcards_matches_itself_alone(text: str):
    template = read_template(text, with_variables=False)
    assert template.matches(text, {})
    assert not template.matches(text + "a", {})


@given(value=st.text(max_size=12))
def test_a_variables_value_is_text_whatever_it_holds(value: str):
    template = read_template("arn:aws:s3:::${aws:username}", with_variables=True)
    assert template.matches_arn(f"arn:aws:s3:::{value}", {"aws:username": value})
    assert not template.matches_arn(f"arn:aws:s3:::{value}x", {"aws:username": value})


def test_a_hostile_pattern_is_decided_at_once():
    began = time.process_time()
    assert not read_template("*a" * 1500 + "*b", with_variables=False).matches("a" * 2000, {})
    assert not read_template("*?a" * 1000 + "b", with_variables=False).matches("a" * 2000, {})
    assert time.process_time() - began < 2


def test_a_colon_in_a_variables_value_moves_nothing_to_another_part():
    template = read_template("arn:aws:iam::${aws:PrincipalAccount}:role/x", with_variables=True)
    assert not template.matches_arn("arn:aws:iam::1:role/x", {"aws:principalaccount": "1:role/x"})
