from pathlib import Path
from typing import Any

import pytest
import torch

from tanren.domain.errors import JobFailed
from tanren.weights.base_models import load_base_model
from tanren.weights.lora import (
    LoraFactors,
    LoraLinear,
    LoraSettings,
    adapters_disabled,
    attach_lora,
    factors_of,
    load_factors,
    merge_factors,
    target_names,
)
from tests.numerics.tiny_models import save_base_model

IDS = torch.arange(1, 13).reshape(2, 6)


def loaded(folder: Path) -> Any:
    return load_base_model(folder, dtype="float32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base_model(tmp_path_factory.mktemp("base"))


def randomise(layers: dict[str, LoraLinear]) -> None:
    torch.manual_seed(5)
    for layer in layers.values():
        torch.nn.init.normal_(layer.lora_b_OR, std=0.05)


def test_every_linear_layer_of_the_blocks_is_a_target_and_the_head_is_not(folder: Path) -> None:
    names = target_names(loaded(folder))
    kinds = {name.rpartition(".")[2] for name in names}
    assert kinds == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert len(names) == 14


def test_a_fresh_adapter_changes_nothing(folder: Path) -> None:
    model = loaded(folder)
    before = model(IDS).logits
    attach_lora(model, LoraSettings(rank=4, alpha=8), seed=0)
    assert torch.equal(model(IDS).logits, before)


def test_the_beginning_is_a_function_of_the_seed(folder: Path) -> None:
    def beginning(seed: int) -> torch.Tensor:
        torch.manual_seed(torch.seed())
        layers = attach_lora(loaded(folder), LoraSettings(rank=4, alpha=8), seed=seed)
        return torch.cat([layer.lora_a_RI.flatten() for layer in layers.values()])

    assert torch.equal(beginning(1), beginning(1))
    assert not torch.equal(beginning(1), beginning(2))


def test_merged_weights_answer_as_the_adapter_does(folder: Path) -> None:
    model = loaded(folder)
    layers = attach_lora(model, LoraSettings(rank=4, alpha=8), seed=0)
    randomise(layers)
    merged = loaded(folder)
    plain = merged(IDS).logits
    merge_factors(merged, factors_of(layers))
    assert torch.allclose(model(IDS).logits, merged(IDS).logits, atol=1e-5)
    with adapters_disabled(layers):
        assert torch.equal(model(IDS).logits, plain)


def test_factors_of_another_shape_or_scale_are_refused(folder: Path) -> None:
    layers = attach_lora(loaded(folder), LoraSettings(rank=4, alpha=8), seed=0)
    good = factors_of(layers)
    name = next(iter(good))
    with pytest.raises(JobFailed, match="rank 2"):
        load_factors(layers, {**good, name: LoraFactors(a_RI=good[name].a_RI[:2], b_OR=good[name].b_OR, scale=2.0)})
    with pytest.raises(JobFailed, match="scaled by 3"):
        load_factors(layers, {**good, name: LoraFactors(a_RI=good[name].a_RI, b_OR=good[name].b_OR, scale=3.0)})
    with pytest.raises(JobFailed, match="same layers"):
        load_factors(layers, {name: good[name]})
