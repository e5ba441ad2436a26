"""A finished run in one plain sentence. Pure.

    diverged          the training loss of the last epoch is well above where it began, or above the best epoch's
    nothing learned   the training loss did not fall by more than its noise
    over-fitting      the validation loss rose after epoch k while the training loss fell
    under-trained     the validation loss was still falling when the planned epochs were over, or there were no steps to
                      speak of
    learning          none of these

Epochs see the same records, so their mean losses are compared with each other. Within a single epoch every step sees
other records: a fall counts as one where the line through the losses falls by more than chance would make it.
"""

import math
import statistics
from collections.abc import Sequence

from tanren.domain.sentences import Sentence, joined, sentence
from tanren.training.batches import steps_per_epoch
from tanren.training.metrics import StepRecord, ValidationRecord
from tanren.training.spec import TrainingSpec

FEW_STEPS = 10
"""Optimiser steps below which hardly anything can be learned, whatever the data."""
_STILL_FALLING = 0.01
"""Share of the loss by which the last epoch must have lowered it for another epoch to be advised."""
_WORTH_AN_EPOCH = 0.01
"""Nats a token, by which it must have lowered it, too: beside a loss of almost nothing, a share of it is nothing."""
_OVER_FITTED = 0.02
"""Share above the lowest validation loss that is more than noise."""
_LEARNED = 0.02
"""Share of the first loss by which it must have fallen to count as learning."""
_DIVERGED = 1.2
"""Times the loss of the beginning, or of the best epoch, from which a rise is no noise."""
_ENOUGH_FOR_A_LINE = 8
_SURE = 2.0
"""Standard errors by which the line through the losses must fall or rise."""


def few_steps_warning(spec: TrainingSpec, record_count: int) -> str | None:
    """What to say before a run that is too short to learn, with the number of epochs that would do."""
    per_epoch = steps_per_epoch(record_count, spec.batch_size)
    if per_epoch * spec.epochs >= FEW_STEPS:
        return None
    return sentence(
        "only {steps} optimiser steps are planned ({records} records, batch size {batch}, {epochs} epochs); {needed} "
        "epochs, or a smaller batch, would make the {least} that a model needs to learn anything",
        steps=per_epoch * spec.epochs,
        records=record_count,
        batch=spec.batch_size,
        epochs=spec.epochs,
        needed=-(-FEW_STEPS // per_epoch),
        least=FEW_STEPS,
    )


def diagnose(
    spec: TrainingSpec, steps: Sequence[StepRecord], validations: Sequence[ValidationRecord], *, record_count: int
) -> Sentence:
    """What the curves say, what to try, and which epoch's weights became the model."""
    verdict = (
        _diverged(spec, steps)
        or _nothing_learned(spec, steps)
        or (_by_validation(spec, steps, validations) if validations else _by_training(spec, steps, record_count))
    )
    return joined(verdict, _published(spec, steps, validations), sentence("."))


def _diverged(spec: TrainingSpec, steps: Sequence[StepRecord]) -> str | None:
    means = _epoch_means(steps)
    first, last = _ends(steps)
    best = min(range(len(means)), key=means.__getitem__)
    cure = sentence("; try a learning rate below {rate}", rate=f"{spec.learning_rate:g}")
    # Single steps are before the damage, but few: the rise from them on has to be seen in all of the steps, or to be
    # far more than one step of the last epoch differs from another.
    rises = _slope_in_errors(steps) > _SURE or last - _first_loss(steps) > 3 * _spread_of_last_epoch(steps)
    if rises:
        first = min(first, _first_loss(steps))
    if last > first * _DIVERGED and (rises or len(means) > 1):
        rose = sentence("Diverged: training loss rose from {first} to {last}", first=f"{first:.3f}", last=f"{last:.3f}")
        return joined(rose, cure)
    # A rise on rows that were learned before. Beside a loss of almost nothing, a rise to a little more is none.
    if last > means[best] * _DIVERGED and last - means[best] > 0.1 * first:
        rose = sentence(
            "Diverged since epoch {epoch}: training loss rose from {first} to {last}",
            epoch=best + 1,
            first=f"{means[best]:.3f}",
            last=f"{last:.3f}",
        )
        return joined(rose, cure)
    return None


def _nothing_learned(spec: TrainingSpec, steps: Sequence[StepRecord]) -> str | None:
    means = _epoch_means(steps)
    if len(steps) < 2:
        return None
    first, last = _ends(steps)
    # What was learned within the first epoch is in its mean; the first steps alone still show it.
    has_fallen = last < first * (1 - _LEARNED) or (
        len(means) > 1 and last < _first_loss(steps) * (1 - _LEARNED) and _slope_in_errors(steps) < -_SURE
    )
    is_sure = len(means) > 1 or _slope_in_errors(steps) < -_SURE
    if has_fallen and is_sure:
        return None
    went = sentence(
        "Nothing learned: training loss went from {first} to {last} in {steps} steps, which is no more than noise",
        first=f"{first:.3f}",
        last=f"{last:.3f}",
        steps=len(steps),
    )
    if last > first * (1 + _LEARNED):
        return joined(went, sentence("; try another learning rate"))
    return joined(went, sentence("; try more epochs or a higher learning rate"))


def _by_validation(spec: TrainingSpec, steps: Sequence[StepRecord], validations: Sequence[ValidationRecord]) -> str:
    losses = [record.validation_loss for record in validations]
    best = min(validations, key=lambda record: record.validation_loss)
    last = validations[-1]
    if last.validation_loss > best.validation_loss * (1 + _OVER_FITTED):
        return sentence(
            "Over-fitting since epoch {best}: validation loss rose from {lowest} to {loss} by epoch {epoch}",
            best=best.epoch,
            lowest=f"{best.validation_loss:.3f}",
            loss=f"{last.validation_loss:.3f}",
            epoch=last.epoch,
        )
    if len(losses) > 1 and losses[-1] < losses[-2] - max(losses[-2] * _STILL_FALLING, _WORTH_AN_EPOCH):
        return sentence(
            "Under-trained: validation loss was still falling at {loss} in epoch {epoch}; try {epochs} epochs",
            loss=f"{last.validation_loss:.3f}",
            epoch=last.epoch,
            epochs=last.epoch + _more_epochs(losses),
        )
    first, end = _ends(steps)
    if len(losses) == 1:
        return sentence(
            "Learning: validation loss is {loss}, training loss went from {first} to {end}",
            loss=f"{last.validation_loss:.3f}",
            first=f"{first:.3f}",
            end=f"{end:.3f}",
        )
    learned = sentence(
        "Learning: validation loss went from {beginning} to {lowest} (best in epoch {best}), training loss from "
        "{first} to {end}",
        beginning=f"{losses[0]:.3f}",
        lowest=f"{best.validation_loss:.3f}",
        best=best.epoch,
        first=f"{first:.3f}",
        end=f"{end:.3f}",
    )
    if last.epoch == spec.epochs:
        return learned
    stopped = sentence(", stopped early after epoch {epoch} of {epochs}", epoch=last.epoch, epochs=spec.epochs)
    return joined(learned, stopped)


def _by_training(spec: TrainingSpec, steps: Sequence[StepRecord], record_count: int) -> str:
    warning = few_steps_warning(spec, record_count)
    if warning is not None:
        return joined(sentence("Under-trained: "), warning)
    first, last = _ends(steps)
    return sentence(
        "Learning: training loss went from {first} to {last} in {steps} steps; without validation data nobody can say "
        "whether fewer or more would be better",
        first=f"{first:.3f}",
        last=f"{last:.3f}",
        steps=len(steps),
    )


def _published(spec: TrainingSpec, steps: Sequence[StepRecord], validations: Sequence[ValidationRecord]) -> str:
    """Only where there was a choice."""
    if len(validations) < 2:
        return ""
    if spec.publish == "last":
        return sentence("; as asked, the model has the weights of the last epoch, {epoch}", epoch=steps[-1].epoch)
    best = min(validations, key=lambda record: record.validation_loss)
    return sentence("; the model has the weights of epoch {epoch}, the best", epoch=best.epoch)


def _more_epochs(losses: Sequence[float]) -> int:
    """Until an epoch lowers the loss by less than counts, if the falls go on shrinking as the last two did; at least
    one, at most as many again."""
    done = len(losses)
    fall = losses[-2] - losses[-1]
    before = losses[-3] - losses[-2] if done > 2 else 0.0
    if before <= fall:
        return done
    needed = math.log(_STILL_FALLING * losses[-1] / fall) / math.log(fall / before)
    return min(done, max(1, math.ceil(needed)))


def _epoch_means(steps: Sequence[StepRecord]) -> list[float]:
    losses: dict[int, list[float]] = {}
    for record in steps:
        losses.setdefault(record.epoch, []).append(record.training_loss)
    return [math.fsum(each) / len(each) for each in losses.values()]


def _ends(steps: Sequence[StepRecord]) -> tuple[float, float]:
    """The training loss of the first epoch and of the last; of a single one, of its first steps and its last."""
    means = _epoch_means(steps)
    return (means[0], means[-1]) if len(means) > 1 else (_first_loss(steps), _last_loss(steps))


def _first_loss(steps: Sequence[StepRecord]) -> float:
    """Of the first steps: a twentieth of an epoch, so that one odd batch does not decide."""
    return _mean(steps[: _few(steps)])


def _last_loss(steps: Sequence[StepRecord]) -> float:
    return _mean(steps[-_few(steps) :])


def _few(steps: Sequence[StepRecord]) -> int:
    return max(1, sum(record.epoch == steps[0].epoch for record in steps) // 20)


def _mean(steps: Sequence[StepRecord]) -> float:
    return math.fsum(record.training_loss for record in steps) / len(steps)


def _spread_of_last_epoch(steps: Sequence[StepRecord]) -> float:
    """Standard deviation of its steps; infinite where there are too few for one."""
    losses = [record.training_loss for record in steps if record.epoch == steps[-1].epoch]
    return statistics.stdev(losses) if len(losses) > 2 else math.inf


def _slope_in_errors(steps: Sequence[StepRecord]) -> float:
    """The slope of the least-squares line through the losses, in its standard errors; without the steps for a line,
    only its direction, as if it were sure."""
    count = len(steps)
    middle, mean = (count - 1) / 2, _mean(steps)
    spread = math.fsum((n - middle) ** 2 for n in range(count))
    slope = math.fsum((n - middle) * (record.training_loss - mean) for n, record in enumerate(steps)) / max(spread, 1)
    if count < _ENOUGH_FOR_A_LINE:
        return math.copysign(math.inf, slope) if slope else 0.0
    rest = math.fsum((record.training_loss - mean - slope * (n - middle)) ** 2 for n, record in enumerate(steps))
    error = math.sqrt(rest / (count - 2) / spread)
    return slope / error if error else math.copysign(math.inf, slope) if slope else 0.0
