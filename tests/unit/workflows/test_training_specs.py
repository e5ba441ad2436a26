from pathlib import Path

import pytest
import torch

from tanren.catalog.foundation_models import FOUNDATION_MODELS, every_foundation_model
from tanren.catalog.weights import WeightsCatalogue
from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.hyperparameters import resolve_hyperparameters
from tanren.training.spec import TrainingSpec
from tanren.workflows import training_specs
from tanren.workflows.training_specs import sample_steps, training_spec

CONTEXT = 1024
CATALOGUE = WeightsCatalogue(Path("/nowhere"))
"""Without a file of the user's: nano answers."""

CUSTOMIZABLE = [model for model in every_foundation_model() if model.customizations]


def _spec(
    model_id: str,
    given: dict[str, str],
    *,
    has_validation: bool = True,
    kind: CustomizationType = CustomizationType.FINE_TUNING,
) -> TrainingSpec:
    model = FOUNDATION_MODELS[model_id]
    return training_spec(
        model,
        CATALOGUE.weights_of(model_id).bound(),
        kind,
        resolve_hyperparameters(model.hyperparameters, given, customization_type=kind),
        context_length=CONTEXT,
        parameter_count=4_000_000,
        has_validation=has_validation,
        checkpoint_seconds=30,
    )


@pytest.mark.parametrize("model", CUSTOMIZABLE, ids=lambda model: model.model_id)
def test_every_hyperparameter_of_every_model_changes_what_the_run_does(model):
    for rule in model.hyperparameters:
        if rule.name == "sampleSteps":
            continue  # No part of the spec; see below.
        kind = CustomizationType(rule.only_for or CustomizationType.FINE_TUNING)
        withouts = [_spec(model.model_id, {}, has_validation=given, kind=kind) for given in (True, False)]
        if rule.kind == "choice":
            values = list(rule.choices)
        else:
            values = [repr(int(bound) if rule.kind == "int" else bound) for bound in (rule.minimum, rule.maximum)]
            values = [value for value in values if rule.name != "maxSequenceLength" or int(value) < CONTEXT]
        specs = [
            _spec(model.model_id, {rule.name: value}, has_validation=given, kind=kind)
            for value in values
            for given in (True, False)
        ]
        can_change = rule.kind == "choice" or rule.minimum != rule.maximum
        assert not can_change or any(spec not in withouts for spec in specs), rule.name


@pytest.mark.parametrize("model", CUSTOMIZABLE, ids=lambda model: model.model_id)
def test_a_family_at_its_own_default_rate_trains_at_the_rate_at_which_the_weights_learn(model):
    weights = CATALOGUE.weights_of(model.model_id)
    assert _spec(model.model_id, {}).learning_rate == pytest.approx(weights.lora_learning_rate)
    full = _spec(model.model_id, {"customizationMethod": "full"})
    assert full.learning_rate == pytest.approx(weights.full_learning_rate)


def test_twice_the_rate_is_twice_the_rate():
    once = _spec("amazon.titan-text-express-v1", {"learningRate": "0.00001"})
    twice = _spec("amazon.titan-text-express-v1", {"learningRate": "0.00002"})
    assert twice.learning_rate == pytest.approx(2 * once.learning_rate)
    haiku = "anthropic.claude-3-haiku-20240307-v1:0"
    doubled = _spec(haiku, {"learningRateMultiplier": "2"}).learning_rate
    assert doubled == pytest.approx(2 * _spec(haiku, {}).learning_rate)


def test_a_rate_for_weights_that_are_the_model_itself_is_taken_as_it_is():
    assert _spec("tanren.nano-v1:0", {"learningRate": "0.0007"}).learning_rate == pytest.approx(0.0007)


def test_without_validation_data_nothing_stops_early():
    spec = _spec("anthropic.claude-3-haiku-20240307-v1:0", {}, has_validation=False)
    assert (spec.early_stopping_threshold, spec.early_stopping_patience) == (None, None)


def test_records_are_held_out_and_stop_a_run_only_where_there_are_no_validation_data():
    cohere = "cohere.command-light-text-v14"
    given = {"evalPercentage": "30"}
    without = _spec(cohere, given, has_validation=False)
    assert (without.evaluation_percentage, without.early_stopping_patience) == (30, 6)
    assert _spec(cohere, {}, has_validation=False).evaluation_percentage == 20
    with_validation = _spec(cohere, given)
    assert (with_validation.evaluation_percentage, with_validation.early_stopping_patience) == (None, 6)


def test_the_steps_between_samples_are_those_given_and_else_for_the_view_to_decide():
    rules = FOUNDATION_MODELS["tanren.nano-v1:0"].hyperparameters
    assert [sample_steps(resolve_hyperparameters(rules, {"sampleSteps": value})) for value in ("0", "7")] == [0, 7]
    assert sample_steps(resolve_hyperparameters(rules, {})) is None


def test_an_extension_gives_way_to_a_key_that_aws_has():
    cohere = FOUNDATION_MODELS["cohere.command-light-text-v14"].hyperparameters
    assert [rule.default for rule in cohere if rule.name == "evalPercentage"] == [20]
    nova = FOUNDATION_MODELS["amazon.nova-micro-v1:0"].hyperparameters
    assert [rule.default for rule in nova if rule.name == "evalPercentage"] == [None]
    assert _spec("amazon.nova-micro-v1:0", {"evalPercentage": "10"}, has_validation=False).evaluation_percentage == 10


def test_no_bound_on_the_gradient_is_a_bound_of_zero():
    assert _spec("tanren.nano-v1:0", {}).max_grad_norm == 1
    assert _spec("tanren.nano-v1:0", {"maxGradNorm": "0"}).max_grad_norm is None


@pytest.mark.parametrize(
    ("given", "parameters", "has_it", "expected"),
    [
        ("auto", 4_000_000, True, "float32"),
        ("auto", 500_000_000, True, "bfloat16"),
        ("auto", 500_000_000, False, "float32"),
        ("float32", 500_000_000, True, "float32"),
        ("bfloat16", 4_000_000, False, "bfloat16"),
    ],
)
def test_the_arithmetic_is_what_was_asked_for_or_what_is_faster_here(given, parameters, has_it, expected, monkeypatch):
    monkeypatch.setattr(training_specs, "processor_has_bfloat16", lambda: has_it)
    assert training_specs.resolve_dtype(given, parameters) == expected


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "float32"), ((8, 0), "bfloat16"), ((12, 0), "bfloat16")])
def test_on_a_gpu_it_is_the_gpu_that_decides_and_not_the_processor(capability, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(training_specs, "processor_has_bfloat16", lambda: pytest.fail("asked"))
    assert training_specs.resolve_dtype("auto", 500_000_000, "cuda:0") == expected
    assert training_specs.resolve_dtype("auto", 4_000_000, "cuda:0") == "float32"
