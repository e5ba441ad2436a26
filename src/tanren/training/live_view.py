"""A run as it is seen while it goes on: with every step how far it is and how long it will take, and now and then what
the newest weights answer.

Stands between the loop and whoever is told, so that the loop knows nothing of it; a run without a viewer has none.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from tanren.data.records import TrainingRecord
from tanren.training.metrics import StepRecord, ValidationRecord
from tanren.training.preparation import PreparedData, Records, RecordStream
from tanren.training.progress import Progress, RemainingTime
from tanren.training.reporting import Phase, TrainingReporter
from tanren.training.samples import LEAST_AT_THE_END, LEAST_TOKENS, SHARE_OF_RUN, Sample, Sampler
from tanren.training.tokenization import TokenSequence

if TYPE_CHECKING:
    from tanren.training.loop import Run

logger = logging.getLogger(__name__)

SAMPLINGS: Final = 10
"""A run, where the viewer does not ask for another number of steps in between."""


class TrainingViewer(Protocol):
    """Shown what goes on. Called from the training thread, so each call must be quick."""

    def progress(self, progress: Progress) -> None:
        """Before the record of the step that it belongs to."""
        ...

    def sample(self, sample: Sample) -> None:
        """The newest weights have answered."""
        ...


class LiveView:
    """A `TrainingReporter` that passes on what it is told and shows the rest to a viewer."""

    def __init__(
        self,
        run: "Run",
        told: TrainingReporter,
        viewer: TrainingViewer,
        sampler: Sampler | None,
        *,
        training_tokens: int,
        validation_tokens: int,
        sample_steps: int | None,
        closing_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes   training_tokens: of all epochs together, with what is replayed beside them."""
        self._run = run
        self._told = told
        self._viewer = viewer
        self._sampler = sampler
        self._steps_between = sample_steps or max(1, run.total_steps // SAMPLINGS)
        self._clock = clock
        self._began_at = clock()
        self._last_at = self._began_at
        self._sampled_seconds = 0.0
        self._sampled_at = run.state.step
        records = run.state.step_records
        self._time = RemainingTime(
            total_tokens=training_tokens,
            validation_tokens=validation_tokens,
            validation_count=run.spec.epochs if run.validation_sets else 0,
            closing_seconds=closing_seconds,
            done_tokens=sum(record.tokens for record in records),
            done_validations=len(run.state.validation_records),
        )

    def phase(self, name: Phase, detail: str) -> None:
        self._told.phase(name, detail)

    def step(self, record: StepRecord) -> None:
        now = self._clock()
        self._time.after_step(tokens=record.tokens, seconds=now - self._last_at)
        self._last_at = now
        self._viewer.progress(
            Progress(
                step=record.step,
                total_steps=self._run.total_steps,
                share=self._time.share,
                remaining_seconds=self._time.remaining_seconds(),
            )
        )
        self._told.step(record)
        self._maybe_sample(record)

    def validation(self, record: ValidationRecord) -> None:
        now = self._clock()
        self._time.after_validation(now - self._last_at)
        self._last_at = now
        self._told.validation(record)

    def _maybe_sample(self, record: StepRecord) -> None:
        done, total = record.step + 1, self._run.total_steps
        is_last = done == total
        if self._sampler is None or (done - self._sampled_at < self._steps_between and not is_last):
            return
        allowance = self._allowance(done, total)
        if allowance < self._sampler.expected_seconds(LEAST_AT_THE_END if is_last else LEAST_TOKENS):
            return  # After some more steps there is time for an answer that shows something.
        began = self._clock()
        try:
            answers = self._sampler.answer(self._run.model, seconds=allowance, clock=self._clock)
        except Exception as error:
            # A view of a run must not end it, whatever an architecture does not know.
            logger.exception("no samples")
            self._sampler = None
            self._told.phase("training", f"No more answers are shown while it learns: {type(error).__name__}: {error}.")
            return
        spent = self._clock() - began
        self._sampled_seconds += spent
        if answers:
            self._sampled_at = done
            self._viewer.sample(Sample(step=done, epoch=record.epoch, answers=answers, seconds=spent))

    def _allowance(self, done: int, total: int) -> float:
        """Seconds: of the run's whole time the share for samples, as much of it as the run has come, less the spent."""
        run_seconds = self._clock() - self._began_at + (self._time.remaining_seconds() or 0.0)
        return SHARE_OF_RUN * run_seconds * done / total - self._sampled_seconds


def live_view(
    run: "Run",
    viewer: TrainingViewer,
    data: PreparedData,
    *,
    base_folder: Path,
    training_records: Records,
    validation_records: Records | None,
    sample_steps: int | None,
    closing_seconds: float,
) -> LiveView:
    """Between the run and its reporter.

    Takes    sample_steps: optimiser steps between two samplings; 0 for none, None for about `SAMPLINGS` a run.
    """
    epochs = run.spec.epochs
    sampler: Sampler | None = None
    if sample_steps != 0:
        held_out: Sequence[TokenSequence] = run.validation_sets[0] if run.validation_sets else ()
        sampler = Sampler(base_folder, held_out or run.training, is_held_out=bool(held_out))
        sampler.find_texts(_reader(validation_records if held_out and validation_records else training_records))
        if not sampler.prompts:
            sampler = None
    return LiveView(
        run,
        run.reporter,
        viewer,
        sampler,
        training_tokens=epochs * data.training.token_count
        + (0 if run.replay is None else run.replay.token_count(epochs * len(run.training))),
        validation_tokens=sum(sequences.token_count for sequences in data.validation_sets),
        sample_steps=sample_steps,
        closing_seconds=closing_seconds,
    )


def _reader(records: Records) -> Callable[[], Iterable[TrainingRecord]]:
    if isinstance(records, RecordStream):
        return records.read
    return records if callable(records) else lambda: records
