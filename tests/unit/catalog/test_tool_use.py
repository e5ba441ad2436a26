"""Tools are refused for the ids for which AWS refuses them, and for no other."""

import pytest

from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.catalog.tool_use import WITHOUT_TOOL_USE, has_tool_use


@pytest.mark.parametrize(
    "model_id",
    [
        "tanren.nano-v1:0",
        "amazon.nova-lite-v1:0",
        "anthropic.claude-3-haiku-20240307-v1:0:200k",
        "meta.llama3-1-8b-instruct-v1:0",
        "meta.llama3-2-90b-instruct-v1:0",
        "mistral.mistral-large-2402-v1:0",
    ],
)
def test_these_take_tools(model_id: str):
    assert model_id in FOUNDATION_MODELS
    assert has_tool_use(model_id)


@pytest.mark.parametrize("beginning", WITHOUT_TOOL_USE)
def test_each_beginning_is_that_of_a_model_in_the_catalogue(beginning: str):
    named = [model_id for model_id in FOUNDATION_MODELS if model_id.startswith(beginning)]
    assert named
    assert not any(has_tool_use(model_id) for model_id in named)
