"""What OpenAI's clients ask of a job becomes the family's own hyperparameters, or is refused under OpenAI's name."""

from typing import Any

import pytest

from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.openai_api.errors import InvalidParameter
from tanren.openai_api.fine_tuning_requests import bedrock_hyperparameters, read_new_job

NANO = FOUNDATION_MODELS["tanren.nano-v1:0"]
HAIKU = FOUNDATION_MODELS["anthropic.claude-3-haiku-20240307-v1:0"]
JOB = {"model": "m", "training_file": "file-1"}


def asked(**members: Any) -> dict[str, Any]:
    return {**JOB, "method": {"type": "supervised", "supervised": {"hyperparameters": members}}}


def test_each_hyperparameter_is_one_of_the_family_s():
    new = read_new_job({**asked(n_epochs=3, batch_size=16, learning_rate_multiplier=0.5), "seed": 4})
    assert bedrock_hyperparameters(new, NANO) == {
        "epochCount": "3",
        "batchSize": "16",
        "learningRate": f"{NANO.default_learning_rate / 2:.12g}",
        "seed": "4",
    }
    assert bedrock_hyperparameters(new, HAIKU)["learningRateMultiplier"] == "0.5"


def test_auto_and_what_is_left_out_are_the_family_s_defaults():
    assert bedrock_hyperparameters(read_new_job(asked(n_epochs="auto", batch_size="auto")), NANO) == {}
    assert bedrock_hyperparameters(read_new_job(dict(JOB)), NANO) == {}


def test_the_older_spelling_says_the_same():
    older = read_new_job({**JOB, "hyperparameters": {"n_epochs": 3}})
    assert bedrock_hyperparameters(older, NANO) == {"epochCount": "3"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"training_file": "file-1"}, "model"),
        ({"model": "m"}, "training_file"),
        (asked(n_epochs=1.5), "method.supervised.hyperparameters.n_epochs"),
        (asked(n_epochs=True), "method.supervised.hyperparameters.n_epochs"),
        (asked(beta=1), "method.supervised.hyperparameters.beta"),
        ({**JOB, "hyperparameters": {"n_epochs": 1}, "method": {"type": "supervised"}}, "hyperparameters"),
        ({**JOB, "method": {"type": "reinforcement"}}, "method.type"),
        ({**JOB, "method": {"type": "supervised", "dpo": {}}}, "method.dpo"),
        ({**JOB, "seed": "1"}, "seed"),
        ({**JOB, "suffix": "x" * 41}, "suffix"),
        ({**JOB, "metadata": {"key": 1}}, "metadata"),
        ({**JOB, "metadata": {"key": "ä"}}, "metadata"),
        ({**JOB, "metadata": {str(number): "" for number in range(17)}}, "metadata"),
    ],
)
def test_a_member_that_breaks_a_rule_is_named(body: dict[str, Any], param: str):
    with pytest.raises(InvalidParameter) as raised:
        read_new_job(body)
    assert raised.value.param == param


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"n_epochs": 0}, "n_epochs 0 is epochCount 0 for .*; there it must be a whole number from 1 to 100"),
        ({"learning_rate_multiplier": 1000}, rf"learningRate {NANO.default_learning_rate * 1000:.12g} for .* to 1"),
    ],
)
def test_a_value_out_of_the_family_s_range_is_told_the_range(members: dict[str, Any], text: str):
    with pytest.raises(InvalidParameter, match=text):
        bedrock_hyperparameters(read_new_job(asked(**members)), NANO)
