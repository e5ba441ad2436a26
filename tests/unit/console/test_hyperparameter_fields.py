"""The form's ranges are those of the catalogue, which the console cannot ask for."""

import pytest

from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.console.hyperparameter_fields import EARLY_STOPPING_LATEST, fields_of
from tanren.domain.hyperparameters import resolve_hyperparameters

CUSTOMIZABLE = [model for model in FOUNDATION_MODELS.values() if model.customizations]


@pytest.mark.parametrize("model", CUSTOMIZABLE, ids=lambda model: model.model_id)
def test_a_models_fields_have_the_ranges_and_defaults_of_the_catalogue(model):
    own = [rule for rule in model.hyperparameters if not rule.is_extension]
    expected = [
        (rule.name, rule.kind, rule.minimum, rule.maximum, rule.default) for rule in own if rule.kind != "choice"
    ]
    shown = [
        (known.name, known.kind, known.minimum, known.maximum, type(rule.default)(known.default))
        for known, rule in zip(fields_of(model.model_id), own, strict=False)
    ]
    assert shown == [entry for entry in expected if entry[0] != "publish"]


def test_the_latest_early_stop_is_what_the_rules_allow_at_most():
    model = FOUNDATION_MODELS["tanren.nano-v1:0"]
    values = resolve_hyperparameters(model.hyperparameters, EARLY_STOPPING_LATEST)
    assert (values["earlyStoppingThreshold"], values["earlyStoppingPatience"]) == (0, 10)
