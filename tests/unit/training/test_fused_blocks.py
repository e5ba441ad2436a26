"""Blocks by hand against the modules that they stand for: losses and gradients, in every architecture they know."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tanren.training.document_attention import layout_for
from tanren.training.fused_blocks import FusedBlock, fuse_blocks, is_fusible
from tanren.training.objectives.next_token import next_token_loss_sum
from tanren.training.packing import MicroBatch, micro_batches
from tanren.training.tokenization import Tokenizer
from tanren.weights.base_models import DtypeName, load_base_model, load_tokenizer
from tanren.weights.chat_template import ChatTemplate
from tanren.weights.lora import LoraLinear, LoraSettings, LoraTargets, adapters_disabled, attach_lora
from tests.numerics.tiny_models import ARCHITECTURES, pairs, save_architecture

FUSIBLE = ("llama-2", "llama-3", "mistral", "qwen-2", "smollm")
Gradients = dict[str, torch.Tensor]


def _adapted(
    base: Path, *, dtype: DtypeName = "float32", targets: LoraTargets = "all-linear", dropout: float = 0.0
) -> tuple[Any, dict[str, LoraLinear]]:
    model: Any = load_base_model(base, dtype=dtype)
    layers = attach_lora(model, LoraSettings(rank=4, alpha=8, dropout=dropout), seed=0, targets=targets)
    torch.manual_seed(1)
    for layer in layers.values():
        torch.nn.init.normal_(layer.lora_b_OR, std=0.1)
    return model, layers


def _batch(base: Path) -> MicroBatch:
    tokenizer = Tokenizer(ChatTemplate(load_tokenizer(base)), bos_id=None, eos_id=None)
    sequences = [tokenizer.of_conversation(record.content, record.source) for record in pairs(7)]  # type: ignore[arg-type]
    (batch,) = micro_batches(sequences, token_budget=10**6)
    return batch


def _measured(base: Path, *, fused: bool, **given: Any) -> tuple[float, Gradients]:
    model, layers = _adapted(base, **given)
    assert layout_for(model) == "packed"
    if fused:
        assert fuse_blocks(model) is None
    loss = next_token_loss_sum(model, _batch(base))
    loss.backward()
    named = {name: dict(layer.named_parameters()) for name, layer in layers.items()}
    return loss.item(), {
        f"{name}.{part}": parameters[part].grad  # type: ignore[misc]
        for name, parameters in named.items()
        for part in ("lora_a_RI", "lora_b_OR")
    }


def _distance(one: Gradients, other: Gradients) -> float:
    """Of the whole gradients, relative to the second."""
    difference = sum((one[name] - other[name]).square().sum() for name in other)
    return float(torch.as_tensor(difference / sum(each.square().sum() for each in other.values())).sqrt())


@pytest.mark.parametrize("name", FUSIBLE)
@pytest.mark.parametrize("targets", ["all-linear", "attention", "mlp"])
def test_losses_and_gradients_are_those_of_the_modules(tmp_path: Path, name: str, targets: LoraTargets) -> None:
    base = save_architecture(tmp_path, name)
    loss, gradients = _measured(base, fused=False, targets=targets)
    fused_loss, fused_gradients = _measured(base, fused=True, targets=targets)
    assert fused_loss == pytest.approx(loss, rel=1e-6)
    for key, expected in gradients.items():
        assert expected.abs().max() > 0
        torch.testing.assert_close(fused_gradients[key], expected, atol=1e-5 * expected.abs().max().item(), rtol=1e-4)


@pytest.mark.parametrize("name", ["llama-3", "qwen-2"])
def test_in_bfloat16_they_are_no_further_from_the_truth_than_the_modules(tmp_path: Path, name: str) -> None:
    base = save_architecture(tmp_path, name, dtype=torch.bfloat16)
    loss, truth = _measured(base, fused=False)
    plain_loss, plain = _measured(base, fused=False, dtype="bfloat16")
    fused_loss, fused = _measured(base, fused=True, dtype="bfloat16")
    assert abs(fused_loss - loss) <= max(abs(plain_loss - loss), 1e-3 * loss)
    assert _distance(fused, truth) <= 1.1 * _distance(plain, truth)


def test_without_a_packed_row_or_without_adapters_the_modules_answer(tmp_path: Path) -> None:
    base = save_architecture(tmp_path, "llama-3")
    model, layers = _adapted(base)
    ids = torch.arange(5, 25)[None]
    expected = model(input_ids=ids).logits
    assert fuse_blocks(model) is None
    assert torch.equal(model(input_ids=ids).logits, expected)
    greedy = {"max_new_tokens": 8, "do_sample": False, "pad_token_id": 0}
    plain, _ = _adapted(base)
    assert torch.equal(model.generate(ids, **greedy), plain.generate(ids, **greedy))
    layout_for(model)
    batch = _batch(base)
    with adapters_disabled(layers):
        without = next_token_loss_sum(model, batch).item()
    untouched: Any = load_base_model(base, dtype="float32")
    layout_for(untouched)
    assert without == next_token_loss_sum(untouched, batch).item()
    assert without != next_token_loss_sum(model, batch).item()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_config_tells_whether_its_blocks_will_be_fused(tmp_path: Path, name: str) -> None:
    base = save_architecture(tmp_path, name)
    model, _ = _adapted(base)
    reason = fuse_blocks(model)
    is_fused = [isinstance(block, FusedBlock) for block in model.model.layers]
    assert is_fused == [reason is None] * 2
    assert is_fusible(json.loads((base / "config.json").read_text())) == (reason is None) == (name in FUSIBLE)


def test_what_is_not_known_is_left_alone_and_named(tmp_path: Path) -> None:
    base = save_architecture(tmp_path / "qwen", "qwen-3")
    assert "Qwen3DecoderLayer" in str(fuse_blocks(_adapted(base)[0]))
    base = save_architecture(tmp_path / "llama", "llama-2")
    assert "drop out" in str(fuse_blocks(_adapted(base, dropout=0.1)[0]))
    everything: Any = load_base_model(base, dtype="float32").requires_grad_(True)
    assert "is trained itself" in str(fuse_blocks(everything))
    frozen: Any = load_base_model(base, dtype="float32")
    assert fuse_blocks(frozen) == "nothing in its blocks is trained"
    odd, _ = _adapted(base)
    odd.model.layers[1].mlp.another = torch.nn.Identity()
    assert "other parts in mlp" in str(fuse_blocks(odd))
    assert not any(isinstance(block, FusedBlock) for block in odd.model.layers)
