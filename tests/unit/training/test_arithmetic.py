from pathlib import Path
from typing import Any

from tanren.training.arithmetic import Arithmetic, arrange
from tanren.training.fused_blocks import FusedBlock
from tanren.weights.base_models import load_base_model
from tanren.weights.lora import LoraSettings, attach_lora
from tests.numerics.tiny_models import save_architecture


def arranged(base: Path, *, dropout: float = 0.0, device: str = "cpu") -> tuple[Any, Arithmetic]:
    model: Any = load_base_model(base, dtype="float32")
    attach_lora(model, LoraSettings(rank=2, alpha=4, dropout=dropout), seed=0)
    return model, arrange(model, threads=2, trained_count=1000, device=device)


def test_what_is_chosen_is_said_and_recorded(tmp_path: Path) -> None:
    model, arithmetic = arranged(save_architecture(tmp_path, "llama-3"))
    assert isinstance(model.model.layers[0], FusedBlock)
    assert arithmetic.sentence() == "Packed rows, fused blocks, 2 lanes."
    assert arithmetic.to_json() == {
        "layout": "packed",
        "not_fused_because": None,
        "one_lane_because": None,
        "threads": 2,
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
    model, on_gpu = arranged(llama, device="cuda")
    assert not isinstance(model.model.layers[0], FusedBlock)
    assert (on_gpu.lanes, on_gpu.layout) == (1, "packed")


def test_another_number_of_threads_changes_the_lanes_and_nothing_else(tmp_path: Path) -> None:
    _, arithmetic = arranged(save_architecture(tmp_path, "llama-3"))
    assert arithmetic.with_threads(1).lanes == 1
    assert arithmetic.with_threads(1).with_threads(2) == arithmetic
    with arithmetic.with_threads(3).open_lanes() as lanes:
        assert lanes.count == 3
