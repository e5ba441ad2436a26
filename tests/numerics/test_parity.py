"""The same numbers as plain transformers and peft, on the same rows from the same beginning."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tanren.model_files.digests import weights_digest
from tanren.training.batches import batch_indexes
from tanren.training.document_attention import layout_for
from tanren.training.objectives import next_token
from tanren.training.objectives.next_token import next_token_loss_sum
from tanren.training.packing import MicroBatch, micro_batches, pad
from tanren.training.schedule import learning_rate_at
from tanren.training.tokenization import Tokenizer, TokenSequence
from tanren.weights.adapters import write_adapter
from tanren.weights.base_models import load_base_model, load_tokenizer
from tanren.weights.chat_template import ChatTemplate
from tanren.weights.lora import LoraSettings, attach_lora, factors_of
from tests.numerics.runs import SPEC, small_run
from tests.numerics.tiny_models import pairs, save_base_model

# peft asks transformers for an attribute of an older name.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

RECORDS = pairs(11)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return save_base_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def sequences(base: Path) -> list[TokenSequence]:
    tokenizer = Tokenizer(ChatTemplate(load_tokenizer(base)), bos_id=None, eos_id=None)
    return [tokenizer.of_conversation(record.content, record.source) for record in RECORDS]  # type: ignore[arg-type]


@pytest.mark.parametrize("layout", ["packed", "padded"])
def test_documents_together_have_the_losses_and_gradients_of_each_alone(
    base: Path, sequences: list[TokenSequence], layout: Any
) -> None:
    plain = load_base_model(base, dtype="float32").requires_grad_(True)
    model = load_base_model(base, dtype="float32").requires_grad_(True)
    assert layout_for(model) == "packed"
    if layout == "padded":
        model = plain

    def measured(model: Any, parts: list[MicroBatch]) -> tuple[float, list[torch.Tensor]]:
        model.zero_grad()
        total = torch.stack([next_token_loss_sum(model, part) for part in parts]).sum()
        total.backward()
        return total.item(), [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]

    alone, gradients = measured(plain, [pad([sequence]) for sequence in sequences])
    together, same_gradients = measured(model, micro_batches(sequences, token_budget=10**6, layout=layout))
    assert together == pytest.approx(alone, rel=1e-6)
    for one, other in zip(gradients, same_gradients, strict=True):
        assert torch.allclose(one, other, atol=1e-5 * max(1.0, one.abs().max().item()))


def test_the_head_at_the_targets_alone_gives_the_models_own_loss(
    base: Path, sequences: list[TokenSequence], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_base_model(base, dtype="float32")
    (batch,) = micro_batches(sequences, token_budget=10**6, layout="padded")
    fast = next_token_loss_sum(model, batch)
    # transformers shifts labels itself, so it gets ours shifted back.
    labels_BT = torch.cat([torch.full_like(batch.labels_BT[:, :1], -100), batch.labels_BT[:, :-1]], dim=1)
    plain = model(input_ids=batch.ids_BT, labels=labels_BT).loss * batch.target_count
    assert fast.item() == pytest.approx(plain.item(), rel=1e-5)
    monkeypatch.setattr(next_token, "_has_plain_head", lambda _: False)
    assert next_token_loss_sum(model, batch).item() == pytest.approx(fast.item(), rel=1e-6)


def test_our_adapter_opens_in_plain_peft_with_the_same_logits(base: Path, tmp_path: Path) -> None:
    from peft import PeftModel

    settings = LoraSettings(rank=4, alpha=8)
    model: Any = load_base_model(base, dtype="float32")
    layers = attach_lora(model, settings, seed=3)
    for layer in layers.values():
        torch.nn.init.normal_(layer.lora_b_OR, std=0.1)
    write_adapter(
        tmp_path / "adapter",
        factors_of(layers),
        settings=settings,
        base_weights_sha256=weights_digest(base),
        base_name=str(base),
    )
    plain: Any = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), tmp_path / "adapter")
    ids = torch.arange(1, 41).reshape(2, 20)
    with plain.disable_adapter():
        assert not torch.allclose(model(ids).logits, plain(ids).logits, atol=1e-2)
    assert torch.allclose(model(ids).logits, plain(ids).logits, atol=1e-4)


@pytest.mark.parametrize("schedule", ["constant", "linear"])
def test_the_loss_curve_is_that_of_transformers_and_peft(
    base: Path, sequences: list[TokenSequence], tmp_path: Path, schedule: Any
) -> None:
    from peft import LoraConfig, get_peft_model

    spec = replace(SPEC, epochs=3, weight_decay=0.01, schedule=schedule)
    ours = small_run(base, tmp_path, RECORDS, epochs=3, weight_decay=0.01, schedule=schedule)

    torch.manual_seed(0)
    config = LoraConfig(
        r=spec.lora_rank, lora_alpha=int(spec.lora_alpha), target_modules="all-linear", task_type="CAUSAL_LM"
    )
    model: Any = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    beginning = attach_lora(load_base_model(base, dtype="float32"), LoraSettings(rank=4, alpha=8), seed=spec.seed)
    for name, layer in beginning.items():
        module = model.get_submodule(f"base_model.model.{name}")
        module.lora_A["default"].weight.data.copy_(layer.lora_a_RI.data)
        module.lora_B["default"].weight.data.copy_(layer.lora_b_OR.data)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    adamw = torch.optim.AdamW(parameters, lr=spec.learning_rate, weight_decay=spec.weight_decay)
    pad = load_tokenizer(base).eos_token_id
    for record in ours.step_records:
        chosen = batch_indexes(len(RECORDS), batch_size=4, seed=0, epoch=record.epoch, step_in_epoch=record.step % 3)
        rows = [sequences[index] for index in chosen]
        length = max(len(row.ids) for row in rows)
        ids = torch.tensor([[*row.ids] + [pad] * (length - len(row.ids)) for row in rows])
        attention = torch.tensor([[1] * len(row.ids) + [0] * (length - len(row.ids)) for row in rows])
        labels = torch.tensor(
            [
                [id if learned else -100 for id, learned in zip(row.ids, row.loss_mask, strict=True)]
                + [-100] * (length - len(row.ids))
                for row in rows
            ]
        )
        loss = model(input_ids=ids, attention_mask=attention, labels=labels).loss
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0).item()
        for group in adamw.param_groups:
            group["lr"] = learning_rate_at(record.step, spec, total_steps=9)
        adamw.step()
        adamw.zero_grad()
        assert record.training_loss == pytest.approx(loss.item(), abs=1e-4)
        assert record.gradient_norm == pytest.approx(norm, rel=1e-3)


def test_the_published_weights_have_the_validation_loss_that_is_told(
    base: Path, sequences: list[TokenSequence], tmp_path: Path
) -> None:
    """A served model is the one that was measured: opened by transformers, it gives the recorded loss."""
    outcome = small_run(base, tmp_path, RECORDS, validation=[RECORDS], epochs=3, method="full", learning_rate=3e-3)
    model: Any = AutoModelForCausalLM.from_pretrained(outcome.folder)
    parts = micro_batches(sequences, token_budget=10**6, layout="padded")
    with torch.no_grad():
        total = sum(next_token_loss_sum(model, part).item() for part in parts)
    count = sum(sequence.target_count for sequence in sequences)
    assert outcome.validation_losses[0] == pytest.approx(total / count, abs=1e-5)
    assert AutoTokenizer.from_pretrained(outcome.folder).chat_template
