from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.runtime.nearest_ids import LONGEST_COMPARED, nearest_sentence


def test_the_likeliest_comes_first_whatever_its_capitals():
    sentence = nearest_sentence("Amazon.titan-text-expres-v1", FOUNDATION_MODELS)
    assert sentence.startswith(" Nearest: amazon.titan-text-express-v1, ")
    assert sentence.count("amazon.titan-text") <= 5


def test_an_id_with_a_regional_prefix_is_near_to_the_one_without():
    assert "amazon.nova-lite-v1:0" in nearest_sentence("us.amazon.nova-lite-v1:0", FOUNDATION_MODELS)


def test_where_nothing_is_near_nothing_is_said():
    assert nearest_sentence("%%%", FOUNDATION_MODELS) == ""


def test_a_very_long_id_is_compared_by_its_beginning():
    known = "a" * LONGEST_COMPARED
    assert nearest_sentence("a" * 100_000, [known]) == f" Nearest: {known}."
