"""Loss curves: as a picture for a report, and as one line for a terminal."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    steps: list[int]
    losses: list[float]
    """Nats per trained token."""

    @staticmethod
    def from_csv(text: str, *, column: str) -> "Curve":
        rows = list(csv.DictReader(io.StringIO(text)))
        return Curve(steps=[int(r["step_number"]) for r in rows], losses=[float(r[column]) for r in rows])


def sparkline(losses: Sequence[float], *, width: int = 32) -> str:
    """At most `width` characters; the highest loss is a full block."""
    if not losses:
        return ""
    stride = math.ceil(len(losses) / width)
    shown = [sum(losses[i : i + stride]) / len(losses[i : i + stride]) for i in range(0, len(losses), stride)]
    low, high = min(shown), max(shown)
    span = (high - low) or 1.0
    return "".join(_BLOCKS[round((loss - low) / span * (len(_BLOCKS) - 1))] for loss in shown)


def draw(path: Path, training: Curve, validation: Curve, *, title: str) -> None:
    """Writes a PNG: training loss by step, and validation loss where there is one."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7.2, 4.0), dpi=160)
    axes.plot(training.steps, training.losses, color="#c2410c", linewidth=1.0, alpha=0.35)
    axes.plot(training.steps, _smoothed(training.losses), color="#c2410c", linewidth=2.0, label="training")
    if validation.steps:
        axes.plot(
            validation.steps,
            validation.losses,
            color="#1e3a5f",
            linewidth=2.0,
            marker="o",
            markersize=4,
            label="validation",
        )
        best = min(range(len(validation.losses)), key=validation.losses.__getitem__)
        axes.annotate(
            f"best {validation.losses[best]:.2f}",
            (validation.steps[best], validation.losses[best]),
            textcoords="offset points",
            xytext=(0, 10),
            ha="center",
            fontsize=8,
            color="#1e3a5f",
        )
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel("optimizer step")
    axes.set_ylabel("loss, nats per token")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)


def _smoothed(losses: Sequence[float], *, weight: float = 0.8) -> list[float]:
    """Exponential mean without the bias of its first value."""
    smoothed: list[float] = []
    mean, share = 0.0, 0.0
    for loss in losses:
        mean = weight * mean + (1 - weight) * loss
        share = weight * share + (1 - weight)
        smoothed.append(mean / share)
    return smoothed
