import pytest

from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.data.families import family_rules
from tanren.data.rules import RULES, TOLD_ONCE, aws_refuses


@pytest.mark.parametrize("model_id", FOUNDATION_MODELS)
def test_the_rules_of_a_family_are_rules(model_id: str) -> None:
    family = family_rules(model_id)
    if family is not None:
        assert family.refused | family.accepted <= set(RULES)
        assert not family.refused & family.accepted
        assert family.maximum_characters is None or family.maximum_characters > 0


def test_every_model_that_aws_customizes_with_known_limits_has_its_familys_rules() -> None:
    customized = [model for model in FOUNDATION_MODELS.values() if model.customizations and model.is_stand_in]
    without = {model.model_id for model in customized if family_rules(model.model_id) is None}
    # Of Llama 2, the fact sheet knows nothing.
    assert without == {"meta.llama2-13b-v1:0:4k", "meta.llama2-70b-v1:0:4k"}


def test_a_familys_verdict_goes_before_the_general_one() -> None:
    nova, haiku = family_rules("amazon.nova-lite-v1:0"), family_rules("anthropic.claude-3-haiku-20240307-v1:0")
    assert [aws_refuses("empty-text", family) for family in (nova, haiku, None)] == [True, False, None]
    assert set(RULES) >= TOLD_ONCE
