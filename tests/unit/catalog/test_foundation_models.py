import pytest

from tanren.catalog.foundation_models import FOUNDATION_MODELS, every_foundation_model, foundation_model
from tanren.domain.errors import ResourceNotFound

LONGEST_NAME = 20
"""Of modelName and providerName in the service model."""


@pytest.mark.parametrize("model", list(every_foundation_model()), ids=lambda model: model.model_id)
def test_names_fit_the_service_model(model):
    assert max(len(model.name), len(model.provider)) <= LONGEST_NAME


def test_an_unknown_id_is_answered_with_the_ones_that_exist():
    with pytest.raises(ResourceNotFound) as caught:
        foundation_model("amazon.no-such-v1")
    assert all(model_id in str(caught.value) for model_id in FOUNDATION_MODELS)
