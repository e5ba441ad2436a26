import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanren.catalog.foundation_models import every_foundation_model
from tanren.domain.errors import ValidationFailed
from tanren.domain.sdk_dialect import DialectRequest, mapped_hyperparameters

EVERY_NAME = sorted({rule.name for model in every_foundation_model() for rule in model.hyperparameters})


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@pytest.mark.parametrize("name", EVERY_NAME)
def test_every_hyperparameter_is_known_in_snake_case_and_by_its_own_name(name: str):
    for spelling in (name, _snake(name)):
        (mapped,) = mapped_hyperparameters({spelling: 1})
        assert (mapped.given, mapped.name, mapped.value) == (spelling, name, "1")


@pytest.mark.parametrize(
    ("given_value", "text"),
    [(0.0001, "0.0001"), (0.00001, "1e-05"), (3, "3"), (3.0, "3"), ("auto", "auto"), (-1.5, "-1.5")],
)
def test_a_number_becomes_the_text_that_bedrock_takes(given_value: object, text: str):
    assert mapped_hyperparameters({"learning_rate": given_value})[0].value == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_number_changes_on_its_way(number: float):
    assert float(mapped_hyperparameters({"learning_rate": number})[0].value) == number


@pytest.mark.parametrize("value", [True, None, [3], {"epochs": 3}])
def test_what_is_neither_number_nor_text_is_refused_by_name(value: object):
    with pytest.raises(ValidationFailed, match=r"hyperParameters\.epochs is"):
        mapped_hyperparameters({"epochs": value})


def test_two_names_of_one_hyperparameter_are_refused():
    with pytest.raises(ValidationFailed, match=r"hyperParameters\.epochs and hyperParameters\.epoch_count are both"):
        mapped_hyperparameters({"epochs": 3, "epoch_count": 3})


def test_the_events_tell_what_was_renamed_and_what_was_filled_in():
    request = DialectRequest(
        operation="CreateFineTuningJob", hyperparameters={"epochs": 3, "seed": 1}, filled_in={"outputData": "s3://b/o/"}
    )
    assert request.sentences() == [
        "hyperParameters.epochs 3 is epochCount 3.",
        "outputData was left out of CreateFineTuningJob, so it is s3://b/o/.",
    ]
    assert DialectRequest.from_json(request.to_json()) == request
