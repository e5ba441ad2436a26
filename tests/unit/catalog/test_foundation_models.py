import re
from itertools import product

import pytest

from tanren.bodies.registry import BODY_FORMATS
from tanren.catalog.foundation_models import (
    FOUNDATION_MODELS,
    NOT_TEXT,
    every_foundation_model,
    foundation_model,
    refuse_other_modalities,
)
from tanren.data.formats import FORMATS_OF, DataFormat
from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.errors import NotImplementedHere, ResourceNotFound
from tanren.domain.foundation_models import FoundationModel

LONGEST_PROVIDER = 20
"""Of providerName in the service model."""
BOTH = ("FINE_TUNING", "CONTINUED_PRE_TRAINING")
FINE_TUNING = ("FINE_TUNING",)
BASE_MODEL_ID = re.compile(r"[a-z0-9-]{1,63}[.][a-z0-9-]{1,63}([:][a-z0-9-]{1,63}){0,2}")
"""BaseModelIdentifier's part for a foundation model, in the service model."""

every_model = pytest.mark.parametrize("model", list(every_foundation_model()), ids=lambda model: model.model_id)


@every_model
def test_an_entry_is_right_in_itself(model: FoundationModel):
    assert BASE_MODEL_ID.fullmatch(model.model_id)
    assert len(model.provider) <= LONGEST_PROVIDER
    assert model.body_format in BODY_FORMATS
    assert set(model.customizations) <= set(CustomizationType)
    assert bool(model.hyperparameters) == bool(model.customizations or model.dialect_customizations)
    assert set(model.dialect_customizations) <= set(CustomizationType) - set(model.customizations)
    assert set(model.record_limits.formats) <= set(DataFormat)
    assert model.product_name


@every_model
def test_a_customization_has_a_data_format_that_aws_takes_for_it(model: FoundationModel):
    if not model.is_stand_in:
        return
    for customization in model.customizations:
        assert set(FORMATS_OF[CustomizationType(customization)]) & set(model.record_limits.formats)
    assert bool(model.record_limits.formats) == bool(model.customizations)


@every_model
def test_the_default_rate_is_the_default_of_its_rule(model: FoundationModel):
    rules = {rule.name: rule for rule in model.hyperparameters}
    rate = rules.get("learningRate") or rules.get("learningRateMultiplier")
    assert rate is None or rate.default == model.default_learning_rate
    assert (rate is None) == (not model.hyperparameters)


CUSTOMIZED: list[tuple[str, tuple[str, ...]]] = [
    ("tanren.nano-v1:0", BOTH),
    *((f"amazon.titan-text-{size}", BOTH) for size in ("lite-v1", "lite-v1:0:4k", "express-v1", "express-v1:0:8k")),
    *((f"amazon.titan-text-premier-v1:0{context}", FINE_TUNING) for context in ("", ":32k")),
    *(
        (f"amazon.nova-{size}", FINE_TUNING)
        for size in ("micro-v1:0", "micro-v1:0:128k", "lite-v1:0", "lite-v1:0:300k", "pro-v1:0", "pro-v1:0:300k")
    ),
    *((f"amazon.nova-2-lite-v1:0{context}", FINE_TUNING) for context in ("", ":256k")),
    ("amazon.nova-2-pro-v1:0", ()),
    *((f"anthropic.claude-3-haiku-20240307-v1:0{context}", FINE_TUNING) for context in ("", ":200k")),
    ("anthropic.claude-3-opus-20240229-v1:0", ()),
    ("anthropic.claude-3-sonnet-20240229-v1:0", ()),
    *((f"anthropic.claude-{version}", ()) for version in ("v2", "v2:1", "instant-v1")),
    *(
        (f"cohere.command-{size}v14{context}", FINE_TUNING)
        for size, context in product(("text-", "light-text-"), ("", ":7:4k"))
    ),
    *(
        (f"meta.llama{size}-instruct-v1:0{context}", FINE_TUNING)
        for size, context in product(
            ("3-1-8b", "3-1-70b", "3-2-1b", "3-2-3b", "3-2-11b", "3-2-90b", "3-3-70b"), ("", ":128k")
        )
    ),
    *((f"meta.llama2-{size}-v1:0:4k", FINE_TUNING) for size in ("13b", "70b")),
    *((f"meta.llama2-{size}-chat-v1", ()) for size in ("13b", "70b")),
    *((f"mistral.{name}", ()) for name in ("mistral-7b-instruct-v0:2", "mixtral-8x7b-instruct-v0:1")),
    *((f"mistral.mistral-{size}-2402-v1:0", ()) for size in ("large", "small")),
]


@pytest.mark.parametrize(("model_id", "customizations"), CUSTOMIZED)
def test_a_model_is_customized_as_aws_does_it_and_no_further(model_id: str, customizations: tuple[str, ...]):
    assert foundation_model(model_id).customizations == customizations


@pytest.mark.parametrize(
    ("model_id", "ranges"),
    [
        (
            "amazon.nova-pro-v1:0:300k",
            {
                "epochCount": (1, 5, 2),
                "batchSize": (1, 64, 1),
                "learningRate": (1e-6, 1e-4, 1e-5),
                "learningRateWarmupSteps": (0, 100, 10),
            },
        ),
        (
            "amazon.titan-text-premier-v1:0",
            {
                "epochCount": (1, 5, 2),
                "batchSize": (1, 1, 1),
                "learningRate": (1e-7, 1e-5, 1e-6),
                "learningRateWarmupSteps": (0, 20, 5),
            },
        ),
        (
            "anthropic.claude-3-haiku-20240307-v1:0",
            {
                "epochCount": (1, 10, 2),
                "batchSize": (4, 256, 32),
                "learningRateMultiplier": (0.1, 2, 1),
                "earlyStoppingThreshold": (0, 0.1, 0.001),
                "earlyStoppingPatience": (1, 10, 2),
            },
        ),
        (
            "cohere.command-light-text-v14:7:4k",
            {
                "epochCount": (1, 100, 1),
                "batchSize": (8, 32, 8),
                "learningRate": (5e-6, 0.1, 1e-5),
                "earlyStoppingThreshold": (0, 0.1, 0.01),
                "earlyStoppingPatience": (1, 10, 6),
                "evalPercentage": (5, 50, 20),
            },
        ),
        (
            "meta.llama3-3-70b-instruct-v1:0",
            {"epochCount": (1, 10, 5), "batchSize": (1, 1, 1), "learningRate": (5e-6, 0.1, 1e-4)},
        ),
    ],
)
def test_hyperparameters_have_awss_names_bounds_and_defaults(model_id: str, ranges: dict[str, tuple[float, ...]]):
    rules = [rule for rule in foundation_model(model_id).hyperparameters if not rule.is_extension]
    assert {rule.name: (rule.minimum, rule.maximum, rule.default) for rule in rules} == ranges


def test_an_unknown_id_is_answered_with_those_of_its_provider():
    with pytest.raises(ResourceNotFound) as caught:
        foundation_model("amazon.no-such-v1")
    assert all((model_id in str(caught.value)) == model_id.startswith("amazon.") for model_id in FOUNDATION_MODELS)


def test_an_id_of_an_unknown_provider_is_answered_with_the_providers():
    with pytest.raises(ResourceNotFound, match=r"begin with one of amazon, anthropic, cohere, meta, mistral, tanren;"):
        foundation_model("openai.gpt-oss-20b-1:0")


@pytest.mark.parametrize(("beginning", "made"), NOT_TEXT)
def test_a_model_for_something_else_than_text_is_refused_by_what_it_makes(beginning: str, made: str):
    with pytest.raises(NotImplementedHere, match=f"is for {made}; tanren trains and serves text models only"):
        foundation_model(f"{beginning}-v1:0")


@every_model
def test_no_listed_model_is_refused_as_one_for_something_else(model: FoundationModel):
    refuse_other_modalities(model.model_id)
