"""What the PyTorch stepper refuses; tests/conformance/test_steppers.py holds what it computes to `transformers`."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, DynamicCache

from tanren.domain.errors import ModelFailed, NotImplementedHere
from tanren.serving.engines.stepper import NO_ADAPTER, TokenRows
from tanren.serving.engines.torch_stepper import TorchStepper
from tests.numerics.tiny_models import save_base_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return AutoModelForCausalLM.from_pretrained(save_base_model(tmp_path_factory.mktemp("base"))).eval()


@pytest.fixture
def stepper(model: Any) -> Iterator[TorchStepper]:
    with closing(TorchStepper(model, key_value_bytes=1_000_000)) as opened:
        yield opened


def rows(positions: list[int], blocks: list[int]) -> TokenRows:
    count = len(positions)
    return TokenRows(
        tokens_M=np.zeros(count, np.int32),
        positions_M=np.array(positions, np.int32),
        sequences_M=np.zeros(count, np.int32),
        blocks_QP=np.array([blocks], np.int32),
        adapters_Q=np.array([NO_ADAPTER], np.int32),
        selected_S=np.array([count - 1], np.int32),
        with_logits_L=np.array([], np.int32),
    )


@pytest.mark.parametrize("positions", [[0, 2], [1, 0], [0, 0]])
def test_rows_with_gaps_are_refused_rather_than_misread(stepper: TorchStepper, positions: list[int]):
    with pytest.raises(ModelFailed, match="ascending position without gaps"):
        stepper.step(rows(positions, [0]))


def test_a_table_that_does_not_reach_is_refused_rather_than_read_from_its_end(stepper: TorchStepper):
    with pytest.raises(ModelFailed, match="do not reach so far"):
        stepper.step(rows([17], [0, -1]))
    with pytest.raises(ModelFailed, match="do not reach so far"):
        stepper.step(rows([0], [-1]))


def test_keys_that_depend_on_the_length_of_the_sequence_are_refused():
    config = CONFIG_MAPPING["phi3"](
        vocab_size=32,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        original_max_position_embeddings=64,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=None,
        rope_parameters={
            "rope_type": "longrope",
            "rope_theta": 10000.0,
            "short_factor": [1.0] * 4,
            "long_factor": [2.0] * 4,
            "original_max_position_embeddings": 64,
        },
    )
    with pytest.raises(NotImplementedHere, match=r"longrope.*change beyond 64 tokens"):
        TorchStepper(AutoModelForCausalLM.from_config(config).eval(), key_value_bytes=1_000_000)


class Recurrent(nn.Module):
    """Keeps one state for the whole sequence instead of keys and values for each token."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.config = object()

    def forward(self, *, past_key_values: Any, **_: Any) -> None:
        state = torch.zeros(1, 1, 5, 4)
        past_key_values.update(state, state, 0)


def test_a_model_that_keeps_something_else_is_refused():
    assert DynamicCache().layers == []
    with pytest.raises(NotImplementedHere, match="layer 0 of Recurrent keeps something else"):
        TorchStepper(Recurrent(), key_value_bytes=1_000_000)


def test_memory_that_holds_no_block_is_refused_and_the_setting_is_named(model: Any):
    with pytest.raises(NotImplementedHere, match=r"not one block.*key_value_megabytes"):
        TorchStepper(model, key_value_bytes=100)


def test_weights_are_those_of_the_model(stepper: TorchStepper, model: Any, tmp_path: Path):
    assert stepper.weight_bytes == 4 * model.num_parameters()
