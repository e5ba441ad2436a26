"""A job's losses as a drawing: places of lines, marks and ticks in a box, which a template puts into an SVG.

    training loss      thin: each step; thick: its exponential mean without the bias of its first value
    validation loss    a mark for each, joined
    early stopping     level line: what the next validation must fall below to count as progress

Cost     the API thins a curve out to 1,000 points at most; the drawing has no more.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

WIDTH: Final = 720
HEIGHT: Final = 280
LEFT: Final = 48
RIGHT: Final = 12
TOP: Final = 12
BOTTOM: Final = 32
_SMOOTHING: Final = 0.85
_TICKS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LossChart:
    training_raw: str
    """Points of a polyline, as all of these."""
    training_smoothed: str
    validation: str
    validation_marks: tuple[tuple[float, float], ...]
    best_mark: tuple[float, float] | None
    bar_at: float | None
    """Height of the early-stop line."""
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    last_training: float | None
    last_validation: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStop:
    """How near training is to its early stop, by the rule of `earlyStoppingThreshold` and `earlyStoppingPatience`."""

    best_loss: float
    """The last that counted as progress."""
    best_epoch: int
    bar: float
    """The next validation loss must be below it to count as progress."""
    without_progress: int
    """Validations in a row."""
    patience: int


def loss_chart(
    steps: Sequence[Mapping[str, Any]], validations: Sequence[Mapping[str, Any]], stop: EarlyStop | None
) -> LossChart | None:
    """The drawing of what GetJobMetrics answers; None before the first step."""
    training = [(int(step["step"]), float(step["trainingLoss"])) for step in steps]
    validation = [(int(each["step"]), float(each["validationLoss"])) for each in validations]
    values = [loss for _, loss in training + validation if math.isfinite(loss)]
    if not values:
        return None
    last_step = max(step for step, _ in training + validation)
    y_ticks = _round_values(0.0, max(values) * 1.05, _TICKS)
    top = max(y_ticks[-1], max(values))

    def place(step: float, loss: float) -> tuple[float, float]:
        share = step / last_step if last_step else 0.0
        height = min(max(loss, 0.0), top) / top if top else 0.0
        x = LEFT + share * (WIDTH - LEFT - RIGHT)
        return round(x, 1), round(HEIGHT - BOTTOM - height * (HEIGHT - TOP - BOTTOM), 1)

    def line(points: Iterable[tuple[int, float]]) -> str:
        return " ".join("{},{}".format(*place(step, loss)) for step, loss in points if math.isfinite(loss))

    best = min(validation, key=lambda point: point[1], default=None)
    return LossChart(
        training_raw=line(training),
        training_smoothed=line(
            zip((step for step, _ in training), smoothed([loss for _, loss in training]), strict=True)
        ),
        validation=line(validation),
        validation_marks=tuple(place(*point) for point in validation if math.isfinite(point[1])),
        best_mark=None if best is None or not math.isfinite(best[1]) else place(*best),
        bar_at=None if stop is None else place(0, stop.bar)[1],
        x_ticks=tuple(
            Tick(at=place(value, 0)[0], text=f"{value:g}")
            for value in _round_values(0.0, float(last_step), _TICKS)
            if value <= last_step
        ),
        y_ticks=tuple(Tick(at=place(0, value)[1], text=f"{value:g}") for value in y_ticks),
        last_training=training[-1][1] if training else None,
        last_validation=validation[-1][1] if validation else None,
    )


def early_stop(validations: Sequence[Mapping[str, Any]], *, threshold: float, patience: int) -> EarlyStop | None:
    """Where training stands by the losses so far; None before the first validation."""
    best_loss, best_epoch, without_progress = math.inf, 0, 0
    for each in validations:
        loss = float(each["validationLoss"])
        if loss < best_loss - threshold:
            best_loss, best_epoch, without_progress = loss, int(each["epoch"]), 0
        else:
            without_progress += 1
    if math.isinf(best_loss):
        return None
    return EarlyStop(
        best_loss=best_loss,
        best_epoch=best_epoch,
        bar=best_loss - threshold,
        without_progress=without_progress,
        patience=patience,
    )


def smoothed(losses: Sequence[float], *, weight: float = _SMOOTHING) -> list[float]:
    """The exponential mean of each and those before it, without the bias of the first."""
    mean, share, means = 0.0, 0.0, list[float]()
    for loss in losses:
        if math.isfinite(loss):
            mean = weight * mean + (1 - weight) * loss
            share = weight * share + (1 - weight)
        means.append(mean / share if share else loss)
    return means


def _round_values(low: float, high: float, count: int) -> list[float]:
    """About `count` values from `low` to at least `high` in steps of 1, 2 or 5 times a power of ten."""
    span = (high - low) or 1.0
    power = 10.0 ** math.floor(math.log10(span / count))
    step = next(factor * power for factor in (1, 2, 5, 10) if span / (factor * power) <= count)
    return [round(low + index * step, 10) for index in range(math.ceil(span / step - 1e-9) + 1)]
