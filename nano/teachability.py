"""`python -m nano.teachability train.jsonl validation.jsonl`: how well the exported base can be taught a few answers.

Tunes the exported model, and as a control the same architecture with random weights, on chat rows ({"system",
"messages"}) or on pairs ({"prompt", "completion"}); the loss is on the assistant's tokens alone. Prints one line a run:
training loss before, after and per epoch, and the best validation loss. AdamW, constant learning rate, no decay.
"""

import argparse
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from nano.pretrain import build_model
from nano.recipe import NANO

logger = logging.getLogger(__name__)

IGNORED = -100
Row = tuple[list[int], list[int]]
"""A conversation's ids, and its labels: the ids where the assistant speaks, `IGNORED` elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    method: str
    """lora (rank 16, alpha 32, every linear layer) or full."""
    start: str
    """base or random."""
    learning_rate: float
    batch_size: int
    epochs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    before_nats: float
    training_nats: list[float]
    """Mean over each epoch's steps."""
    after_nats: float
    """On the training rows, once more after the last step."""
    validation_before_nats: float
    validation_nats: list[float]
    """After each epoch."""
    seconds: float


def read_rows(path: Path, tokenizer: PreTrainedTokenizerFast) -> list[Row]:
    return [_row(_messages(json.loads(line)), tokenizer) for line in path.read_text(encoding="utf-8").splitlines()]


def teach(tuning: Tuning, folder: Path, train: list[Row], validation: list[Row]) -> Taught:
    torch.manual_seed(0)
    model = build_model(NANO.shape) if tuning.start == "random" else AutoModelForCausalLM.from_pretrained(folder)
    model = model.float()
    if tuning.method == "lora":
        config = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM")
        model = get_peft_model(model, config)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=tuning.learning_rate, weight_decay=0.0)
    rng, started = Random(0), time.monotonic()
    before, validation_before = rows_loss(model, train), rows_loss(model, validation)
    by_epoch, by_epoch_validation = [], []
    for _ in range(tuning.epochs):
        order, losses = rng.sample(train, len(train)), []
        for first in range(0, len(order), tuning.batch_size):
            loss = _batch_loss(model, order[first : first + tuning.batch_size], reduction="mean")
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(loss.item())
        by_epoch.append(sum(losses) / len(losses))
        by_epoch_validation.append(rows_loss(model, validation))
    return Taught(
        before_nats=before,
        training_nats=by_epoch,
        after_nats=rows_loss(model, train),
        validation_before_nats=validation_before,
        validation_nats=by_epoch_validation,
        seconds=time.monotonic() - started,
    )


@torch.no_grad()
def rows_loss(model: nn.Module, rows: list[Row]) -> float:
    """Nats per assistant token."""
    total = sum(_batch_loss(model, rows[i : i + 32], reduction="sum").item() for i in range(0, len(rows), 32))
    return total / sum(label != IGNORED for _, labels in rows for label in labels)


def _messages(row: dict) -> list[dict]:
    if "prompt" in row:
        return [{"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": row["completion"]}]
    system = [{"role": "system", "content": row["system"]}] if row.get("system") else []
    return [*system, *row["messages"]]


def _row(messages: list[dict], tokenizer: PreTrainedTokenizerFast) -> Row:
    """Rendered turn by turn, so that the labels begin right after <|assistant|> and include <|end|>."""
    ids: list[int] = []
    labels: list[int] = []
    for count, message in enumerate(messages):
        if message["role"] == "assistant":
            ids = _rendered(messages[:count], tokenizer, add_generation_prompt=True)
            labels += [IGNORED] * (len(ids) - len(labels))
            ids = _rendered(messages[: count + 1], tokenizer)
            labels += ids[len(labels) :]
    return ids, labels


def _rendered(
    messages: list[dict], tokenizer: PreTrainedTokenizerFast, *, add_generation_prompt: bool = False
) -> list[int]:
    return tokenizer.apply_chat_template(
        messages, tokenize=True, return_dict=False, add_generation_prompt=add_generation_prompt
    )


def _batch_loss(model: nn.Module, rows: list[Row], *, reduction: str) -> Tensor:
    longest = max(len(ids) for ids, _ in rows)
    ids_BT = torch.tensor([ids + [0] * (longest - len(ids)) for ids, _ in rows])
    mask_BT = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids, _ in rows])
    labels_BT = torch.tensor([labels + [IGNORED] * (longest - len(labels)) for _, labels in rows])
    logits_BTV = model(input_ids=ids_BT, attention_mask=mask_BT).logits[:, :-1].float()
    return nn.functional.cross_entropy(
        logits_BTV.flatten(0, 1), labels_BT[:, 1:].flatten(), ignore_index=IGNORED, reduction=reduction
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m nano.teachability", description="How well can the base be taught?")
    parser.add_argument("train", type=Path)
    parser.add_argument("validation", type=Path)
    parser.add_argument("--model", type=Path, default=Path("src/tanren/catalog/nano"))
    parser.add_argument("--methods", nargs="+", default=["lora", "full"], choices=["lora", "full"])
    parser.add_argument("--starts", nargs="+", default=["base", "random"], choices=["base", "random"])
    parser.add_argument("--learning-rates", nargs="+", type=float, default=[0.003])
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[32, 8])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(options.threads)
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    train, validation = (read_rows(path, tokenizer) for path in (options.train, options.validation))
    for tuning in (
        Tuning(method=method, start=start, learning_rate=rate, batch_size=batch, epochs=options.epochs)
        for method in options.methods
        for start in options.starts
        for rate in options.learning_rates
        for batch in options.batch_sizes
    ):
        taught = teach(tuning, options.model, train, validation)
        best = min(taught.validation_nats)
        logger.info(
            "%s %s lr %g batch %d: training %.2f -> %.2f (epochs %s); "
            "validation %.2f, best %.2f at epoch %d, last %.2f; %.0f s",
            *(tuning.method, tuning.start, tuning.learning_rate, tuning.batch_size),
            *(taught.before_nats, taught.after_nats, " ".join(f"{loss:.2f}" for loss in taught.training_nats)),
            *(taught.validation_before_nats, best, taught.validation_nats.index(best) + 1),
            *(taught.validation_nats[-1], taught.seconds),
        )


if __name__ == "__main__":
    main()
