import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tanren.training.arithmetic import Arithmetic, arrange
from tanren.training.fused_blocks import FusedBlock
from tanren.weights.base_models import load_base_model
from tanren.weights.lora import LoraSettings, attach_lora
from tests.numerics.tiny_models import save_architecture


def arranged(base: Path, *, dropout: float = 0.0, **given: Any) -> tuple[Any, Arithmetic]:
    model: Any = load_base_model(base, dtype="float32")
    attach_lora(model, LoraSettings(rank=2, alpha=4, dropout=dropout), seed=0)
    settings: dict[str, Any] = {"threads": 2, "trained_count": 1000, "device": "cpu", **given}
    return model, arrange(model, **settings)


def test_what_is_chosen_is_said_and_recorded(tmp_path: Path) -> None:
    model, arithmetic = arranged(save_architecture(tmp_path, "llama-3"))
    assert isinstance(model.model.layers[0], FusedBlock)
    assert arithmetic.sentence() == "Packed rows, fused blocks, 2 lanes."
    assert arithmetic.to_json() == {
        "layout": "packed",
        "not_fused_because": None,
        "one_lane_because": None,
        "threads": 2,
        "recomputes_blocks": False,
        "not_varlen_because": "there is no kernel for it on cpu",
        "lanes": 2,
    }


def test_what_is_not_chosen_has_a_reason(tmp_path: Path) -> None:
    llama = save_architecture(tmp_path / "llama", "llama-3")
    _, dropping = arranged(llama, dropout=0.1)
    assert dropping.lanes == 1
    assert dropping.sentence() == (
        "Packed rows, plain blocks (adapters drop out some of their inputs), "
        "one lane (dropout is drawn from one generator, in one order)."
    )
    _, padded = arranged(save_architecture(tmp_path / "gemma", "gemma-2"))
    assert padded.sentence() == "Padded rows, plain blocks (its attention is not known for packed rows), 2 lanes."


def test_a_gpu_has_one_lane_fused_blocks_and_its_own_kernel_in_bfloat16(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))
    llama = save_architecture(tmp_path, "llama-3")
    model, arithmetic = arranged(llama, device="cuda", dtype=torch.bfloat16)
    assert isinstance(model.model.layers[0], FusedBlock)
    assert arithmetic.sentence() == "Packed rows, fused blocks, variable-length attention, one lane (one fills cuda)."
    _, exact = arranged(llama, device="cuda")
    assert exact.not_varlen_because == "there is no kernel for float32"


def test_a_base_that_drops_out_attention_is_trained_as_its_config_says(tmp_path: Path) -> None:
    base = save_architecture(tmp_path, "llama-3")
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "attention_dropout": 0.1}))
    _, arithmetic = arranged(base)
    assert (arithmetic.layout, arithmetic.lanes) == ("padded", 1)


def test_blocks_that_are_computed_again_are_told(tmp_path: Path) -> None:
    model, arithmetic = arranged(save_architecture(tmp_path, "llama-3"), recomputes_blocks=True)
    assert arithmetic.sentence() == "Packed rows, fused blocks, computed again backwards, 2 lanes."
    assert all(block.gradient_checkpointing for block in model.model.layers)


def test_another_number_of_threads_changes_the_lanes_and_nothing_else(tmp_path: Path) -> None:
    _, arithmetic = arranged(save_architecture(tmp_path, "llama-3"))
    assert arithmetic.with_threads(1).lanes == 1
    assert arithmetic.with_threads(1).with_threads(2) == arithmetic
    with arithmetic.with_threads(3).open_lanes() as lanes:
        assert lanes.count == 3
