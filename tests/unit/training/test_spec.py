from typing import Any

import pytest

from tanren.domain.errors import ValidationFailed
from tanren.training.spec import TrainingSpec


def test_a_spec_survives_json() -> None:
    spec = TrainingSpec(epochs=3, learning_rate=0.1, early_stopping_threshold=0.1, early_stopping_patience=1)
    assert TrainingSpec.from_json(spec.to_json()) == spec


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationFailed, match="'epoch'"):
        TrainingSpec.from_json({"epoch": 3})


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"warmup_steps": -1},
        {"schedule": "step"},
        {"method": "dora"},
        {"objective": "dpo"},
        {"dtype": "float16"},
        {"gradient_checkpointing": "always"},
        {"publish": "first"},
        {"weight_decay": -0.1},
        {"max_grad_norm": 0.0},
        {"lora_rank": 0},
        {"optimizer": "adamw8bit"},
        {"lora_targets": "head"},
        {"replay_percentage": 91, "objective": "continued_pre_training"},
        {"replay_percentage": 10},
        {"lora_alpha": 0.0},
        {"lora_dropout": 1.0},
        {"max_sequence_length": 1},
        {"early_stopping_threshold": 0.1},
        {"early_stopping_patience": 1},
        {"evaluation_percentage": 60.0},
        {"checkpoint_interval_seconds": -1.0},
    ],
)
def test_a_value_out_of_range_is_refused_by_name(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationFailed) as caught:
        TrainingSpec(**change)
    assert next(iter(change)).rpartition("_")[0][:8] in str(caught.value)


def test_the_digest_holds_all_that_decides_the_result() -> None:
    spec = TrainingSpec()
    assert spec.digest() != TrainingSpec(seed=1).digest()
    assert spec.digest() == TrainingSpec(checkpoint_interval_seconds=1).digest()
    assert spec.digest() == TrainingSpec(gradient_checkpointing="on").digest()
