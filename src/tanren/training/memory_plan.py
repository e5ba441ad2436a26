"""How a run fits into memory, by its micro-batch and by what of it is kept: chosen once, kept for all attempts, told
before and after.

    <work folder>/memory-plan.json     {"token_budget": 2048, "recomputes_blocks": false}

Why     micro-batches of another size add up in another order: an attempt that goes on takes the size of the one before,
        however much memory is free by then.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from tanren.domain.errors import JobFailed
from tanren.domain.sentences import joined, sentence
from tanren.model_files.atomic_folders import replace_file
from tanren.training.memory_forecast import (
    TOKEN_BUDGETS,
    MemoryForecast,
    PeakMemory,
    RowLengths,
    fitting_forecast,
    in_words,
)
from tanren.training.reporting import TrainingYielded
from tanren.training.spec import TrainingSpec

PLAN_FILE: Final = "memory-plan.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    forecast: MemoryForecast
    available_bytes: int | None
    """Beside what the process has; None where the system does not say."""
    concessions: tuple[str, ...]
    """What is other than it would be with more memory."""

    @property
    def token_budget(self) -> int:
        return self.forecast.token_budget

    def sentence(self) -> str:
        forecast = in_words(self.forecast.total_bytes)
        told = (
            sentence("Memory: forecast {forecast}, an unknown amount free.", forecast=forecast)
            if self.available_bytes is None
            else sentence(
                "Memory: forecast {forecast}, {free} free.", forecast=forecast, free=in_words(self.available_bytes)
            )
        )
        if not self.concessions:
            return told
        further = (piece for each in self.concessions[1:] for piece in (sentence(" and "), each))
        return joined(told, sentence(" Memory is short, so "), self.concessions[0], *further, sentence("."))

    def sentence_after(self, peak: PeakMemory) -> str:
        size, forecast = peak.bytes(), in_words(self.forecast.total_bytes)
        if size is None:
            return sentence("Memory: peak could not be measured, forecast {forecast}.", forecast=forecast)
        if peak.is_of_run:
            return sentence("Memory: peak {peak}, forecast {forecast}.", peak=in_words(size), forecast=forecast)
        return sentence(
            "Memory: peak {peak} (of the whole process so far), forecast {forecast}.",
            peak=in_words(size),
            forecast=forecast,
        )

    def to_json(self, peak: PeakMemory) -> dict[str, Any]:
        return {
            "forecast": self.forecast.to_json(),
            "available_bytes": self.available_bytes,
            "peak_bytes": peak.bytes(),
            "peak_is_of_run": peak.is_of_run,
        }


def plan_memory(
    spec: TrainingSpec,
    base_folder: Path,
    rows: RowLengths,
    work_folder: Path,
    *,
    device: str,
    token_budget: int | None,
    available: int | None = None,
) -> MemoryPlan:
    """Takes    token_budget: to be kept to; None: that of an earlier attempt, or else the largest that fits.

    Raises   JobFailed where the run cannot fit; TrainingYielded where an earlier attempt did and now something else
             has the memory.
    """
    file = work_folder / PLAN_FILE
    begun = token_budget is None and file.exists()
    recomputes_blocks: bool | None = None
    if begun:
        kept = json.loads(file.read_text("utf-8"))
        token_budget = int(kept["token_budget"])
        # Of an earlier tanren, which knew no recomputation.
        recomputes_blocks = bool(kept.get("recomputes_blocks", False))
    try:
        found, free = fitting_forecast(
            spec,
            base_folder,
            rows,
            device=device,
            token_budget=token_budget,
            recomputes_blocks=recomputes_blocks,
            available=available,
        )
    except JobFailed as error:
        if begun:
            raise TrainingYielded(f"Other programs have taken the memory that the job began with. {error}") from error
        raise
    chosen = {"token_budget": found.token_budget, "recomputes_blocks": found.recomputes_blocks}
    replace_file(file, json.dumps(chosen) + "\n")
    return MemoryPlan(forecast=found, available_bytes=free, concessions=tuple(_concessions(spec, found, device)))


def _concessions(spec: TrainingSpec, found: MemoryForecast, device: str) -> Iterator[str]:
    wanted = TOKEN_BUDGETS[torch.device(device).type][0]
    if found.token_budget < wanted:
        yield sentence("micro-batches have {count} tokens instead of {wanted}", count=found.token_budget, wanted=wanted)
    if found.recomputes_blocks and spec.gradient_checkpointing == "auto":
        yield sentence("blocks are computed again in the backward pass instead of being kept")
