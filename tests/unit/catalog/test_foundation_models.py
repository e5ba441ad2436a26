import pytest

from tanren.catalog.foundation_models import FOUNDATION_MODELS, every_foundation_model, foundation_model
from tanren.catalog.weights import weights_of
from tanren.domain.errors import ResourceNotFound

LONGEST_NAME = 20
"""Of modelName and providerName in the service model."""


@pytest.mark.parametrize("model", list(every_foundation_model()), ids=lambda model: model.model_id)
def test_a_stand_in_says_that_it_is_one_and_which_weights_answer(model):
    assert model.name.startswith("stand-in: ") == model.is_stand_in
    assert model.name.removeprefix("stand-in: ") == weights_of(model.model_id).name
    assert max(len(model.name), len(model.provider)) <= LONGEST_NAME


@pytest.mark.parametrize("model", list(every_foundation_model()), ids=lambda model: model.model_id)
def test_the_weights_of_every_model_are_there(model):
    folder = weights_of(model.model_id).folder
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {path.name for path in folder.iterdir()}


def test_an_unknown_id_is_answered_with_the_ones_that_exist():
    with pytest.raises(ResourceNotFound) as caught:
        foundation_model("amazon.no-such-v1")
    assert all(model_id in str(caught.value) for model_id in FOUNDATION_MODELS)
