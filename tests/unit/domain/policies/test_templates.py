import fnmatch
import itertools
import re
import time

from hypothesis import given
from hypothesis import strategies as st

from tanren.domain.policies.templates import Template, read_template

TEXTS = st.text(alphabet="ab:/", max_size=12)
PATTERNS = st.text(alphabet="ab:/*?", max_size=8)


@given(pattern=PATTERNS, text=TEXTS)
def test_wildcards_match_as_the_regular_expression_that_they_stand_for(pattern: str, text: str):
    meant = re.compile(fnmatch.translate(pattern))
    assert read_template(pattern, with_variables=True).matches(text, {}) is bool(meant.match(text))


CONTINUATIONS = ["".join(letters) for size in range(1, 6) for letters in itertools.product("abz", repeat=size)]


@given(pattern=st.text(alphabet="ab*?", max_size=5), folder=st.text(alphabet="ab", max_size=3))
def test_a_pattern_touches_a_folder_if_it_matches_something_in_it_and_covers_it_only_if_all(pattern: str, folder: str):
    template = read_template(f"arn:aws:s3:::{pattern}", with_variables=False)
    matched = [template.matches_arn(f"arn:aws:s3:::{folder}{more}", {}) for more in CONTINUATIONS]
    assert template.touches_arns_below(f"arn:aws:s3:::{folder}", {}) is any(matched)
    if template.covers_arns_below(f"arn:aws:s3:::{folder}", {}):
        assert all(matched)


def test_a_star_at_the_end_covers_a_folder_and_what_is_of_another_service_does_not():
    def read(text: str) -> Template:
        return read_template(text, with_variables=True)

    folder = "arn:aws:s3:::bucket/models/"
    for text in ("*", "arn:aws:s3:::*", "arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/models/*", "arn:*:s3"):
        assert read(text).covers_arns_below(folder, {}), text
    for text in ("arn:aws:s3:::bucket/models/?", "arn:aws:s3:::bucket/models/a*", "arn:aws:sqs:*", folder):
        assert not read(text).covers_arns_below(folder, {}), text
    assert read("arn:aws:s3:::bucket/${aws:username}/*").covers_arns_below(folder, {"aws:username": "models"})
    assert not read("arn:aws:s3:::bucket/${aws:username}/*").touches_arns_below(folder, {})


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
