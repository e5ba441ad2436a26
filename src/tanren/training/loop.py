"""The training loop: steps, validations, checkpoints, until the run is over.

Every turn of the loop takes the run from one whole state to the next: an optimiser step, or the end of an epoch.
Whatever interrupts a turn (a kill, a stop, a spot reclaim) leaves the state before it: nothing is repeated or skipped.
"""

import contextlib
import hashlib
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from tanren.domain.errors import JobFailed
from tanren.domain.sentences import sentence
from tanren.training.batches import batch_indexes, steps_per_epoch
from tanren.training.checkpoints import Checkpoints
from tanren.training.lanes import Lanes
from tanren.training.metrics import StepRecord, ValidationRecord
from tanren.training.objectives.base import Objective
from tanren.training.optimizer import Optimizer
from tanren.training.packing import Layout, MicroBatch, micro_batches
from tanren.training.replay import Replay
from tanren.training.reporting import StopRequest, TrainingReporter, TrainingStopped, TrainingYielded
from tanren.training.run_state import RunState
from tanren.training.schedule import learning_rate_at
from tanren.training.spec import TrainingSpec
from tanren.training.tokenization import TokenSequence

if TYPE_CHECKING:
    from transformers import PreTrainedModel

TOKEN_BUDGET = 2048
"""Tokens of a micro-batch, filling included: large enough for the matrix units, small enough for the memory."""
EVALUATION_WINDOW = 512
"""Documents of a validation set that are sorted by length and in memory together."""


@dataclass(slots=True, kw_only=True, eq=False)
class Run:
    """All that the loop works with; only `state`, the weights and the optimiser change."""

    spec: TrainingSpec
    model: "PreTrainedModel"
    trainable: Mapping[str, nn.Parameter]
    objective: Objective
    optimizer: Optimizer
    training: Sequence[TokenSequence]
    validation_sets: Sequence[Sequence[TokenSequence]]
    state: RunState
    checkpoints: Checkpoints
    reporter: TrainingReporter
    should_stop: Callable[[], StopRequest | None]
    device: torch.device
    token_budget: int = TOKEN_BUDGET
    """Smaller where memory is short; see `memory_plan`."""
    layout: Layout
    """How the model takes the documents of a micro-batch."""
    lanes: Lanes
    """Where micro-batches are computed, one in each at the same time; together they have `token_budget` tokens."""
    replay: Replay | None = None
    """What comes on top of a step's own documents."""
    last_checkpoint_at: float
    """`time.monotonic()` of the last one, or of the start."""

    @property
    def steps_per_epoch(self) -> int:
        return steps_per_epoch(len(self.training), self.spec.batch_size)

    @property
    def total_steps(self) -> int:
        """Planned; early stopping may end the run before."""
        return self.steps_per_epoch * self.spec.epochs

    def rounds(self, sequences: Iterable[TokenSequence]) -> list[list[MicroBatch]]:
        """Micro-batches of all sequences; those of a round are computed at the same time."""
        lanes = self.lanes.count
        parts = micro_batches(
            sequences, token_budget=self.token_budget, layout=self.layout, device=self.device, lanes=lanes
        )
        return [parts[first : first + lanes] for first in range(0, len(parts), lanes)]

    def arithmetic(self) -> AbstractContextManager[object]:
        """The precision in which the model computes."""
        if self.spec.method == "full" and self.spec.dtype == "bfloat16":
            return torch.autocast(self.device.type, dtype=torch.bfloat16)
        return contextlib.nullcontext()


def run_to_end(run: Run) -> None:
    """Trains until `run.state.is_finished`.

    Raises   TrainingStopped, TrainingYielded on request; JobFailed where the loss or the gradient is not finite,
             before the weights are touched.
    """
    while not run.state.is_finished:
        if run.state.step_in_epoch < run.steps_per_epoch:
            _train_step(run)
        else:
            _close_epoch(run)
        if time.monotonic() - run.last_checkpoint_at >= run.spec.checkpoint_interval_seconds:
            _write_checkpoint(run)


def _train_step(run: Run) -> None:
    started_at = time.monotonic()
    spec, state = run.spec, run.state
    chosen = batch_indexes(
        len(run.training),
        batch_size=spec.batch_size,
        seed=spec.seed,
        epoch=state.epoch,
        step_in_epoch=state.step_in_epoch,
    )
    sequences = [run.training[i] for i in chosen]
    if run.replay is not None:
        own_before = (state.epoch - 1) * len(run.training) + state.step_in_epoch * spec.batch_size
        sequences += run.replay.beside(own_before=own_before, own_count=len(chosen))
    rounds = run.rounds(sequences)
    parts = [part for together in rounds for part in together]
    target_count = sum(part.target_count for part in parts)

    # Dropout is drawn from (seed, step): a resumed step draws what the first attempt drew, whatever came before.
    torch.manual_seed(_step_seed(spec.seed, state.step))
    run.model.train()
    run.optimizer.zero_grad()
    loss_sums: list[float] = []
    for together in rounds:
        _heed_stop_request(run)
        loss_sums += _learn(run, together, target_count)
    gradient_norm = run.optimizer.clip()
    if not math.isfinite(gradient_norm):
        raise _not_finite("gradient", gradient_norm, parts, state)
    learning_rate = learning_rate_at(state.step, spec, total_steps=run.total_steps)
    run.optimizer.step(learning_rate)

    record = StepRecord(
        step=state.step,
        epoch=state.epoch,
        training_loss=math.fsum(loss_sums) / target_count,
        learning_rate=learning_rate,
        gradient_norm=gradient_norm,
        tokens=sum(part.token_count for part in parts),
        trained_tokens=target_count,
        seconds=time.monotonic() - started_at,
    )
    state.step += 1
    state.step_in_epoch += 1
    state.step_records.append(record)
    run.reporter.step(record)


def _learn(run: Run, parts: Sequence[MicroBatch], target_count: int) -> list[float]:
    """The sums of the losses; their gradients are added to those that the parameters have, in the parts' order."""
    parameters = list(run.trainable.values())

    def gradients(part: MicroBatch) -> tuple[float, Sequence[Tensor | None]]:
        with run.arithmetic():
            loss_sum = run.objective.loss_sum(run.model, part)
        value = _finite(loss_sum.item(), "loss", part, run.state)
        # The only place where a sum of losses is divided.
        mean = loss_sum / target_count
        if run.lanes.count > 1:
            return value, torch.autograd.grad(mean, parameters, allow_unused=True)
        # Alone, torch adds each gradient up as soon as it is there, so that no second set of them exists.
        mean.backward()
        return value, ()

    loss_sums: list[float] = []
    for value, found in run.lanes.map(gradients, parts):
        loss_sums.append(value)
        for parameter, gradient in zip(parameters, found, strict=False):
            if parameter.grad is None:
                parameter.grad = gradient
            elif gradient is not None:
                parameter.grad.add_(gradient)
    return loss_sums


def _close_epoch(run: Run) -> None:
    """Validates, remembers the best weights, and decides whether another epoch comes."""
    state = run.state
    record: ValidationRecord | None = None
    if run.validation_sets:
        record = _validate(run)
        before = state.early_stopping
        state.early_stopping = before.after(record.validation_loss, step=state.step, epoch=state.epoch)
        state.validation_records.append(record)
        if run.spec.publish == "best" and state.early_stopping.best_step == state.step:
            run.checkpoints.write_best(state, run.trainable)
    state.has_stopped_early = state.early_stopping.is_over and state.epoch < run.spec.epochs
    state.is_finished = state.has_stopped_early or state.epoch == run.spec.epochs
    state.epoch += 1
    state.step_in_epoch = 0
    if record is not None:
        run.reporter.validation(record)


def _validate(run: Run) -> ValidationRecord:
    sums: list[float] = []
    counts: list[int] = []
    for sequences in run.validation_sets:
        loss_sum, target_count = evaluate(run, sequences, may_stop=True)
        sums.append(loss_sum)
        counts.append(target_count)
    loss = math.fsum(sums) / sum(counts)
    if not math.isfinite(loss):
        raise JobFailed(
            sentence(
                "The validation loss after step {step} is {loss}: training diverged. Use a lower learning rate than "
                "{rate}.",
                step=run.state.step,
                loss=loss,
                rate=f"{run.spec.learning_rate:g}",
            )
        )
    return ValidationRecord(
        step=run.state.step,
        epoch=run.state.epoch,
        validation_loss=loss,
        losses_by_set=tuple(loss_sum / count for loss_sum, count in zip(sums, counts, strict=True)),
    )


def evaluate(run: Run, sequences: Sequence[TokenSequence], *, may_stop: bool = False) -> tuple[float, int]:
    """(loss summed over all targets in nats, number of targets) with the weights as they are; no gradient."""
    run.model.eval()
    sums: list[float] = []
    target_count = 0

    def loss_sum(part: MicroBatch) -> float:
        with torch.no_grad(), run.arithmetic():
            return run.objective.loss_sum(run.model, part).item()

    for first in range(0, len(sequences), EVALUATION_WINDOW):
        for together in run.rounds(sequences[first : first + EVALUATION_WINDOW]):
            if may_stop:
                _heed_stop_request(run)
            sums += run.lanes.map(loss_sum, together)
            target_count += sum(part.target_count for part in together)
    return math.fsum(sums), target_count


def _heed_stop_request(run: Run) -> None:
    """Ends the run where it is asked to. The state is that before this turn of the loop, so it may be written."""
    request = run.should_stop()
    if request is None:
        return
    run.optimizer.zero_grad()
    if request == "stop":
        raise TrainingStopped(f"Training was stopped after {run.state.step} of {run.total_steps} steps.")
    _write_checkpoint(run)
    raise TrainingYielded(f"Training let go after {run.state.step} of {run.total_steps} steps; its state is written.")


def _write_checkpoint(run: Run) -> None:
    run.checkpoints.write(
        run.state,
        trainable=run.trainable,
        optimizer=run.optimizer.state(),
        thread_count=torch.get_num_threads(),
    )
    run.last_checkpoint_at = time.monotonic()


def _finite(value: float, what: str, part: MicroBatch, state: RunState) -> float:
    if not math.isfinite(value):
        raise _not_finite(what, value, [part], state)
    return value


def _not_finite(what: str, value: float, parts: Sequence[MicroBatch], state: RunState) -> JobFailed:
    sources = sorted((source for part in parts for source in part.sources), key=lambda source: source.line)
    shown = ", ".join(str(source) for source in sources[:10])
    more = f", … ({len(sources)})" if len(sources) > 10 else ""
    return JobFailed(
        sentence(
            "The {what} of step {step} (epoch {epoch}) is {value}; training ended before the update. Rows of the "
            "batch: {rows}. Use a lower learning rate, or look at these rows.",
            what=what,
            step=state.step,
            epoch=state.epoch,
            value=value,
            rows=shown + more,
        )
    )


def _step_seed(seed: int, step: int) -> int:
    return int.from_bytes(hashlib.sha256(f"dropout:{seed}:{step}".encode()).digest()[:7], "big")
