"""A transformers Trainer, told to count its batches and to stop when it has been measured for long enough."""

from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback

from benchmarks.peers.step_clock import StepClock

Batches = list[dict[str, int]]


def counted(collator: Callable[..., Any]) -> tuple[Callable[..., Any], Batches]:
    """The collator, and the list into which it counts. The loader is ahead of the training by a batch or so."""
    batches: Batches = []

    def collate(*arguments: Any, **keywords: Any) -> Any:
        batch = collator(*arguments, **keywords)
        ids, mask = batch["input_ids"], batch.get("attention_mask")
        # The first token of a row has nothing before it; it is never a completion's here.
        batches.append(
            {
                "tokens": int(mask.sum()) if mask is not None else ids.numel(),
                "targets": int((batch["labels"] != -100).sum()),
                "places": ids.numel(),
            }
        )
        return batch

    return collate, batches


def stopping(clock: StepClock, batches: Batches) -> TrainerCallback:
    class Stopping(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            clock.step(**batches[state.global_step - 1])
            if clock.is_over:
                control.should_training_stop = True

    return Stopping()
