"""What to do about what was seen."""

from tanren.console.data_advice import advice_on


def test_an_observation_of_several_kinds_has_the_advice_of_its_beginning():
    assert advice_on("personal data: e-mail address") == advice_on("personal data: IP address") != ""


def test_a_kind_that_is_not_known_has_none():
    assert advice_on("compared with the first 100,000 records only") == ""
