"""What the cards say of bodies and rows is what the catalogue and the bodies themselves say."""

import json

import pytest

from tanren.bodies.registry import BODY_FORMATS, decode_body
from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.console.model_formats import body_of, rows_of
from tanren.data.formats import DataFormat, sniff
from tanren.domain.foundation_models import FoundationModel

MODELS = list(FOUNDATION_MODELS.values())
by_id = pytest.mark.parametrize("model", MODELS, ids=[model.model_id for model in MODELS])


@by_id
def test_a_models_body_is_one_that_it_is_asked_with(model: FoundationModel):
    shape = body_of(model.model_id)
    assert shape is not None
    decoded = decode_body(shape.example.encode(), model.body_format)
    assert decoded.body_format is BODY_FORMATS[model.body_format]


@by_id
def test_a_models_rows_are_those_that_aws_takes_to_tune_it(model: FoundationModel):
    rows = rows_of(model.model_id, list(model.customizations))
    told = [sniff(json.loads(row.example)) for row in rows]
    # nano is nobody's but ours, and takes everything.
    assert told == ([DataFormat(each) for each in model.record_limits.formats] or (list(DataFormat) if rows else []))
    assert bool(rows) == bool(model.customizations)


def test_of_a_model_that_is_not_known_nothing_is_said():
    assert body_of("their.model-v9") is None
    assert rows_of("their.model-v9", ["FINE_TUNING"]) == ()
