"""Pre-training: one plain, resumable loop from packed rows to weights, measured on held-out documents as it goes.

Algorithm
    1. every document's tokens one after another, cut into rows of T; targets are the row shifted by one; a share of
       a step's rows comes from the drills, once the recipe says so
    2. Muon on the matrices inside the layers, AdamW on the embedding (tied with the head) and the norms
    3. learning rates rise linearly, stay, and fall to zero over the last `decay_share` of the steps: fast at first,
       since most of what a step of 8,192 tokens moves at the full rate is noise
    4. rows of T = 512, in the last tenth of the steps 1,024: the whole context is practised, most of it cheaply
    5. bf16 autocast over fp32 weights; one compiled graph where a C++ compiler is there

Shapes   ids_BT, targets_BT, hidden_BTD, logits_BTV: B rows, T positions, D model width, V vocabulary.
Cost     8.4 M parameters: about 4,000 tokens/s on two cores, 85 % of it in GEMMs at the machine's bf16 limit; 1.5 GB.
"""

import csv
import logging
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM

from nano import attention
from nano.corpus.documents import BOS, END, PAD
from nano.recipe import Drilling, Recipe, Shape
from nano.tokenizer import SPECIAL_TOKENS

logger = logging.getLogger(__name__)

HELD_OUT_KINDS = ("prose", "japanese_prose", "grounded", "english", "japanese")
STEPS_PER_CHECKPOINT = 100
STEPS_PER_READING = 500
STEPS_PER_LINE = 20
HELD_OUT_ROWS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class LossRecord:
    """One line of the run's CSV.

    Units    nats per token; the held-out losses are of the first `HELD_OUT_ROWS` rows of each kind. `reading` is the
             share of questions about unseen passages answered right as last measured, 0 before the first time.
    """

    step: int
    tokens: int
    training: float
    prose: float
    japanese_prose: float
    grounded: float
    english: float
    japanese: float
    reading: float
    seconds: float


class GateMissed(Exception):
    """The base reads too badly for the tokens that it has seen; more of the same data is not the answer."""


def build_model(shape: Shape) -> LlamaForCausalLM:
    """A randomly initialised model: its weights depend on torch's seed alone."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=shape.vocabulary,
            hidden_size=shape.d_model,
            intermediate_size=shape.d_mlp,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.kv_heads,
            max_position_embeddings=shape.max_positions,
            rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
            tie_word_embeddings=True,
            bos_token_id=SPECIAL_TOKENS.index(BOS),
            eos_token_id=SPECIAL_TOKENS.index(END),
            pad_token_id=SPECIAL_TOKENS.index(PAD),
        )
    )


def pretrain(
    recipe: Recipe,
    data: Path,
    work: Path,
    *,
    reading: Callable[[LlamaForCausalLM, int], float],
    is_compiled: bool = True,
    device: str = "cpu",
) -> LlamaForCausalLM:
    """The trained model, on CPU; continues from `work`/checkpoint.pt if it is there, to the weights of an unbroken run.

    `reading`   share of so many questions about unseen passages that the model answers right; measured now and then
    Raises      GateMissed at the recipe's gate, where that share is too small.
    """
    torch.manual_seed(recipe.seed)
    model = cast(LlamaForCausalLM, build_model(recipe.shape).to(device))
    model.set_attn_implementation(_attention_on(device))
    optimizers = _optimizers(model, recipe)
    corpus = Corpus(
        documents=np.load(data / "train.npy", mmap_mode="r"), drills=np.load(data / "drills.npy", mmap_mode="r")
    )
    held_out = {kind: np.load(data / f"held_out_{kind}.npy") for kind in HELD_OUT_KINDS}
    mean_loss = _loss_function(model, is_compiled=is_compiled)
    step, history = _resume(work / "checkpoint.pt", model, optimizers)
    total_steps = recipe.train_tokens // recipe.tokens_per_step
    progress = _Progress(step, total_steps, recipe.tokens_per_step, spent=history[-1].seconds if history else 0.0)
    share_read = history[-1].reading if history else 0.0
    losses: list[float] = []
    while step < total_steps:
        _set_learning_rates(optimizers, recipe, _schedule(step, total_steps, recipe))
        rows = rows_at(corpus, step, row_length_at(step, total_steps, recipe), recipe)
        losses.append(_step(model, mean_loss, optimizers, rows, recipe.tokens_per_forward))
        step += 1
        progress.report(step, losses)
        is_gate = step == recipe.gate_tokens // recipe.tokens_per_step
        if step % STEPS_PER_READING == 0 or step == total_steps or is_gate:
            share_read = _read(model, reading, recipe.gate_questions if is_gate else recipe.reading_questions)
            logger.info("reads %.0f %% of unseen passages", 100 * share_read)
        if step % STEPS_PER_CHECKPOINT == 0 or step == total_steps:
            held_losses = {kind: held_out_loss(mean_loss, held_out[kind], recipe) for kind in HELD_OUT_KINDS}
            history.append(
                LossRecord(
                    step=step,
                    tokens=step * recipe.tokens_per_step,
                    training=float(np.mean(losses)),
                    reading=share_read,
                    seconds=round(progress.seconds, 1),
                    **held_losses,
                )
            )
            losses.clear()
            logger.info("held out  %s", "  ".join(f"{kind} {loss:.3f}" for kind, loss in held_losses.items()))
            write_history(history, work / "losses.csv")
            _save_checkpoint(work / "checkpoint.pt", model, optimizers, step, history)
        if is_gate and share_read < recipe.gate_reading:
            raise GateMissed(
                f"After {step * recipe.tokens_per_step:,} tokens {share_read:.0%} of the questions about unseen "
                f"passages are answered right; the recipe wants {recipe.gate_reading:.0%}. Change the corpus."
            )
    model.set_attn_implementation("sdpa")
    return cast(LlamaForCausalLM, model.cpu())


def _attention_on(device: str) -> str:
    """Blocks beat torch's own kernel on CPU only."""
    return attention.NAME if device == "cpu" else "sdpa"


def _read(model: LlamaForCausalLM, reading: Callable[[LlamaForCausalLM, int], float], count: int) -> float:
    """Answers are written with cached keys, which the attention of training does not know."""
    model.set_attn_implementation("sdpa")
    model.eval()
    try:
        return reading(model, count)
    finally:
        model.train()
        model.set_attn_implementation(_attention_on(model.device.type))


class _Progress:
    """A line now and then: loss and speed since this process began."""

    def __init__(self, step: int, total_steps: int, tokens_per_step: int, *, spent: float) -> None:
        self._first_step = step
        self._total_steps = total_steps
        self._tokens_per_step = tokens_per_step
        self._spent = spent
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Of training so far, in all processes."""
        return self._spent + time.monotonic() - self._started

    def report(self, step: int, losses: list[float]) -> None:
        if step % STEPS_PER_LINE == 0:
            rate = (step - self._first_step) * self._tokens_per_step / (time.monotonic() - self._started)
            logger.info(
                "step %d/%d  loss %.3f  %.0f tokens/s  %.0f s left",
                *(step, self._total_steps, np.mean(losses[-STEPS_PER_LINE:]), rate),
                (self._total_steps - step) * self._tokens_per_step / rate,
            )


def row_length_at(step: int, total_steps: int, recipe: Recipe) -> int:
    return recipe.long_row_length if step >= total_steps * (1 - recipe.long_share) else recipe.row_length


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Token ids, one document after another (uint16)."""

    documents: np.ndarray
    drills: np.ndarray


def rows_at(corpus: Corpus, step: int, row_length: int, recipe: Recipe) -> Tensor:
    """The step's rows, each with one token more for the targets: first documents, then drills.

    Each source is read on from where the step before it stopped, and begins again after its last whole step.
    Shapes   int64 [tokens_per_step / row_length, row_length + 1]
    """
    drilled = drilled_before(step, recipe)
    drilled_now = drilled_before(step + 1, recipe) - drilled
    rows = [
        *_rows_from(corpus.documents, step * recipe.tokens_per_step - drilled, row_length, recipe, drilled_now),
        *_rows_from(corpus.drills, drilled, row_length, recipe, recipe.tokens_per_step - drilled_now),
    ]
    return torch.from_numpy(np.stack(rows).astype(np.int64))


def _rows_from(tokens: np.ndarray, first: int, row_length: int, recipe: Recipe, others: int) -> Iterator[np.ndarray]:
    """Of the step's tokens, those that are not `others`."""
    whole = (len(tokens) - 1) // recipe.tokens_per_step * recipe.tokens_per_step
    for start in range(first, first + recipe.tokens_per_step - others, row_length):
        yield tokens[start % whole : start % whole + row_length + 1]


def drilled_before(step: int, recipe: Recipe) -> int:
    """Tokens of drills in all steps before this one.

    Raises   ValueError where a share of a step's tokens is not a whole number of rows.
    """
    total = 0
    for drilling, following in pairwise((*recipe.drillings, Drilling(from_tokens=sys.maxsize, share=0.0))):
        tokens_a_step = round(drilling.share * recipe.tokens_per_step)
        if tokens_a_step % recipe.long_row_length:
            raise ValueError(
                f"A share of {drilling.share} of {recipe.tokens_per_step} tokens is {tokens_a_step} tokens of drills "
                f"in a step: no whole number of rows of {recipe.long_row_length}."
            )
        first, last = (each.from_tokens // recipe.tokens_per_step for each in (drilling, following))
        total += max(0, min(step, last) - first) * tokens_a_step
    return total


@torch.no_grad()
def held_out_loss(mean_loss: Callable[[Tensor, Tensor], Tensor], tokens: np.ndarray, recipe: Recipe) -> float:
    """Nats per token over the first `HELD_OUT_ROWS` rows.

    Why      forwards have the shape of training, so that nothing is compiled again.
    """
    length = recipe.row_length
    batch = recipe.tokens_per_forward // length
    count = min(HELD_OUT_ROWS, (len(tokens) - 1) // length) // batch * batch
    rows = torch.from_numpy(
        np.stack([tokens[i * length : (i + 1) * length + 1] for i in range(count)]).astype(np.int64)
    )
    losses = [mean_loss(part[:, :-1].contiguous(), part[:, 1:].contiguous()).item() for part in rows.split(batch)]
    return round(float(np.mean(losses)), 4)


def write_history(history: list[LossRecord], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(LossRecord.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(asdict(record) for record in history)


def read_history(path: Path) -> list[LossRecord]:
    with path.open(newline="", encoding="utf-8") as file:
        return [
            LossRecord(
                **{name: int(value) if name in ("step", "tokens") else float(value) for name, value in row.items()}
            )
            for row in csv.DictReader(file)
        ]


def _loss_function(model: LlamaForCausalLM, *, is_compiled: bool) -> Callable[[Tensor, Tensor], Tensor]:
    def head_loss(hidden_BTD: Tensor, targets_BT: Tensor) -> Tensor:
        logits_BTV = nn.functional.linear(hidden_BTD, model.lm_head.weight)
        return nn.functional.cross_entropy(logits_BTV.float().flatten(0, 1), targets_BT.flatten())

    trunk, head = (torch.compile(model.model), torch.compile(head_loss)) if is_compiled else (model.model, head_loss)

    def mean_loss(ids_BT: Tensor, targets_BT: Tensor) -> Tensor:
        device = model.device
        with torch.autocast(device.type, torch.bfloat16):
            return head(trunk(input_ids=ids_BT.to(device), use_cache=False).last_hidden_state, targets_BT.to(device))

    return mean_loss


def _optimizers(model: LlamaForCausalLM, recipe: Recipe) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Muon over the matrices inside the layers, AdamW over the rest."""
    matrices = [parameter for parameter in model.model.layers.parameters() if parameter.ndim == 2]
    norms = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    return (
        torch.optim.Muon(matrices, lr=recipe.muon_lr, weight_decay=recipe.weight_decay, momentum=0.95),
        torch.optim.AdamW([*norms, model.lm_head.weight], lr=recipe.adamw_lr, betas=(0.9, 0.95), weight_decay=0.0),
    )


def _schedule(step: int, total_steps: int, recipe: Recipe) -> float:
    """Share of the full learning rate at this step."""
    rising = (step + 1) / max(1, recipe.warmup_share * total_steps)
    gone = (step - (1 - recipe.decay_share) * total_steps) / max(1, recipe.decay_share * total_steps)
    return min(1.0, rising, 1 - math.sqrt(max(0.0, gone)))


def _set_learning_rates(
    optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer], recipe: Recipe, share: float
) -> None:
    for optimizer, full in zip(optimizers, (recipe.muon_lr, recipe.adamw_lr), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = full * share


def _step(
    model: LlamaForCausalLM,
    mean_loss: Callable[[Tensor, Tensor], Tensor],
    optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer],
    rows: Tensor,
    tokens_per_forward: int,
) -> float:
    parts = rows.split(max(1, tokens_per_forward // (rows.shape[1] - 1)))
    total = 0.0
    for part in parts:
        loss = mean_loss(part[:, :-1].contiguous(), part[:, 1:].contiguous()) / len(parts)
        loss.backward()
        total += loss.item()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return total


def _save_checkpoint(
    path: Path, model: nn.Module, optimizers: tuple[torch.optim.Optimizer, ...], step: int, history: list[LossRecord]
) -> None:
    """The file is either the old checkpoint or the new one, whole, whenever the power goes."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        torch.save(
            {
                "step": step,
                "model": model.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in optimizers],
                "history": [asdict(record) for record in history],
            },
            file,
        )
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _resume(
    path: Path, model: nn.Module, optimizers: tuple[torch.optim.Optimizer, ...]
) -> tuple[int, list[LossRecord]]:
    if not path.exists():
        return 0, []
    checkpoint = torch.load(path, weights_only=True, map_location="cpu")
    model.load_state_dict(checkpoint["model"])
    for optimizer, state in zip(optimizers, checkpoint["optimizers"], strict=True):
        optimizer.load_state_dict(state)
    logger.info("resumed at step %d", checkpoint["step"])
    return checkpoint["step"], [LossRecord(**record) for record in checkpoint["history"]]
