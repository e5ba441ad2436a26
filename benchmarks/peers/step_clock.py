"""What one contestant measures about itself: its steps, its time, its memory. Standard library only: all share it.

Warm-up   the first step (whatever is compiled, allocated or packed falls into it) and all that end within
          `WARM_UP_SECONDS` behind it. The rest is steady state.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

WARM_UP_SECONDS = 8.0
LEAST_STEPS = 2


def contestant_arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True, help="of steady state")
    parser.add_argument("--began", type=float, default=time.time(), help="Unix time at which the process was started")
    parser.add_argument("--seed", type=int, default=0, help="of the order of the rows")
    parser.add_argument("--steps", type=int, help="stop after so many: for the comparison of losses")
    parser.add_argument("--start", type=Path, help="PEFT adapter to begin from, for the same")
    parser.add_argument("--device", default="cpu", help="as torch names it")
    parser.add_argument("--batch-size", type=int, default=8, help="rows a step")
    return parser


class StepClock:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._steps: list[dict[str, float]] = []
        self._warm_up_steps = 0

    def step(self, *, tokens: int, targets: int, places: int, loss: float | None = None) -> None:
        """Call when an optimiser step is done. `places`: tokens with the filling that was computed with them."""
        now = time.time() - self._arguments.began
        self._steps.append(
            {"at": now, "core_seconds": time.process_time(), "tokens": tokens, "targets": targets, "places": places}
            | ({"loss": loss} if loss is not None else {})
        )
        if now - self._steps[0]["at"] <= WARM_UP_SECONDS:
            self._warm_up_steps = len(self._steps)

    @property
    def is_over(self) -> bool:
        if self._arguments.steps is not None:
            return len(self._steps) >= self._arguments.steps
        if not self._steps:
            return False
        steady = self._steps[self._warm_up_steps :]
        if not steady:
            return False
        passed = steady[-1]["at"] - self._steps[self._warm_up_steps - 1]["at"]
        return passed >= self._arguments.seconds and len(steady) >= LEAST_STEPS

    def write(self, **more: Any) -> None:
        losses = [step["loss"] for step in self._steps if "loss" in step]
        measured: dict[str, Any] = {
            "peak_bytes": peak_bytes(self._arguments.device),
            "first_step_seconds": self._steps[0]["at"],
            "batches": [[int(step["tokens"]), int(step["targets"])] for step in self._steps],
            "losses": losses,
            **more,
        }
        if len(self._steps) > self._warm_up_steps:
            start, end = self._steps[self._warm_up_steps - 1], self._steps[-1]
            steady = self._steps[self._warm_up_steps :]
            seconds = end["at"] - start["at"]
            totals = {key: sum(step[key] for step in steady) for key in ("tokens", "targets", "places")}
            measured |= {
                "warm_up_steps": self._warm_up_steps,
                "warm_up_seconds": start["at"],
                "steps": len(steady),
                "seconds": seconds,
                "tokens_per_second": totals["tokens"] / seconds,
                "targets_per_second": totals["targets"] / seconds,
                "filling": 1 - totals["tokens"] / totals["places"],
                "cores": (end["core_seconds"] - start["core_seconds"]) / seconds,
            }
        self._arguments.out.write_text(json.dumps(measured) + "\n")


def peak_bytes(device: str = "cpu") -> int:
    """The largest resident size of this process so far; of a GPU, the most that its tensors took."""
    if device != "cpu":
        import torch

        return torch.cuda.max_memory_allocated(device)
    status = Path(f"/proc/{os.getpid()}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
