import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanren.catalog.foundation_models import every_foundation_model
from tanren.domain.errors import ValidationFailed
from tanren.domain.hyperparameters import (
    HyperparameterRule,
    keys_without_effect,
    refuse_extensions_without_effect,
    resolve_hyperparameters,
)

EPOCHS = HyperparameterRule(name="epochCount", kind="int", minimum=1, maximum=10, default=5, help="")
RATE = HyperparameterRule(name="learningRate", kind="float", minimum=0.0, maximum=1.0, default=1e-5, help="")


@given(st.integers())
def test_a_whole_number_is_taken_exactly_when_it_is_in_range(value):
    if 1 <= value <= 10:
        assert EPOCHS.read(str(value)) == value
    else:
        with pytest.raises(ValidationFailed, match="1 to 10"):
            EPOCHS.read(str(value))


@given(st.floats())
def test_a_number_is_taken_exactly_when_it_is_in_range_and_nan_never_is(value):
    if 0.0 <= value <= 1.0:
        assert RATE.read(repr(value)) == value
    else:
        with pytest.raises(ValidationFailed, match="learningRate"):
            RATE.read(repr(value))


@pytest.mark.parametrize("text", ["", " ", "1e1", "1.0", "three", "0x3", "None"])
def test_text_that_is_no_whole_number_is_refused(text):
    with pytest.raises(ValidationFailed):
        EPOCHS.read(text)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("epochs", "epochCount"),
        ("epoch_count", "epochCount"),
        ("learning_rate", "learningRate"),
        ("rank", "loraRank"),
    ],
)
def test_an_unknown_key_is_refused_with_the_key_that_was_meant(given, meant):
    rules = next(model.hyperparameters for model in every_foundation_model() if model.customizations)
    with pytest.raises(ValidationFailed, match=f"unknown key '{given}'. Did you mean {meant}[ ?]"):
        resolve_hyperparameters(rules, {given: "3"})
    with pytest.raises(ValidationFailed, match=r"unknown key 'zzz'\. This base model takes batchSize, "):
        resolve_hyperparameters(rules, {"zzz": "3"})


def test_a_key_that_would_have_no_effect_in_this_job_is_refused():
    rules = next(model.hyperparameters for model in every_foundation_model() if model.customizations)
    for name, value in [("loraRank", "8"), ("loraAlpha", "8"), ("loraDropout", "0.1"), ("loraTargets", "mlp")]:
        assert resolve_hyperparameters(rules, {name: value})
        with pytest.raises(ValidationFailed, match=f"{name} has no effect where customizationMethod is 'full'"):
            resolve_hyperparameters(rules, {name: value, "customizationMethod": "full"})
    replay = {"replayPercentage": "10"}
    assert resolve_hyperparameters(rules, replay, customization_type="CONTINUED_PRE_TRAINING")["replayPercentage"] == 10
    with pytest.raises(ValidationFailed, match="replayPercentage has no effect in a FINE_TUNING job"):
        resolve_hyperparameters(rules, replay, customization_type="FINE_TUNING")


def test_what_is_not_given_has_its_default():
    assert resolve_hyperparameters([EPOCHS, RATE], {"epochCount": "2"}) == {"epochCount": 2, "learningRate": 1e-5}


@pytest.mark.parametrize("model", list(every_foundation_model()), ids=lambda model: model.model_id)
def test_every_model_of_the_catalogue_takes_its_own_defaults_and_bounds(model):
    for rule in model.hyperparameters:
        for value in (rule.default, rule.minimum, rule.maximum):
            if value is not None:
                text = value if isinstance(value, str) else repr(int(value) if rule.kind == "int" else value)
                resolve_hyperparameters(model.hyperparameters, {rule.name: text})


def _rules(model_id: str) -> tuple[HyperparameterRule, ...]:
    return next(model for model in every_foundation_model() if model.model_id == model_id).hyperparameters


def test_early_stopping_without_a_validation_loss_is_told_to_have_no_effect():
    rules = _rules("anthropic.claude-3-haiku-20240307-v1:0:200k")
    given = {"earlyStoppingPatience": "3", "epochCount": "2"}
    assert list(keys_without_effect(rules, given, has_validation_data=False)) == ["earlyStoppingPatience"]
    assert (
        "add validationDataConfig, or evalPercentage"
        in keys_without_effect(rules, given, has_validation_data=False)["earlyStoppingPatience"]
    )
    assert not keys_without_effect(rules, given, has_validation_data=True)
    assert not keys_without_effect(rules, {**given, "evalPercentage": "10"}, has_validation_data=False)


def test_a_held_out_share_beside_validation_data_is_told_where_aws_takes_it_and_refused_where_it_does_not():
    cohere, titan = _rules("cohere.command-text-v14:7:4k"), _rules("amazon.titan-text-express-v1")
    given = {"evalPercentage": "10"}
    assert list(keys_without_effect(cohere, given, has_validation_data=True)) == ["evalPercentage"]
    refuse_extensions_without_effect(cohere, given, has_validation_data=True)
    with pytest.raises(ValidationFailed, match="the job has validation data of its own"):
        refuse_extensions_without_effect(titan, given, has_validation_data=True)
    refuse_extensions_without_effect(titan, given, has_validation_data=False)


def test_a_choice_of_epoch_is_refused_where_no_loss_could_tell_epochs_apart():
    titan = _rules("amazon.titan-text-express-v1")
    with pytest.raises(ValidationFailed, match=r"publish has no effect .* no validation loss"):
        refuse_extensions_without_effect(titan, {"publish": "best"}, has_validation_data=False)
    refuse_extensions_without_effect(titan, {"publish": "best"}, has_validation_data=True)
    refuse_extensions_without_effect(titan, {"publish": "last", "evalPercentage": "20"}, has_validation_data=False)
