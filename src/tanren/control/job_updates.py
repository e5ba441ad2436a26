"""A customization job as a stream of updates, read from the store a piece at a time.

A reader stands at a `SequenceToken`: the last step, validation, sample and event that it has. `UpdateReader.read` gives
what came after, in the order of the training, and moves on; a token that it gave out is a place to go on from, today or
after a restart. Status and phase are told at the beginning and whenever they have changed.

Why      records are rows by job and step, and a resumed attempt writes the same row again, so a place in them stays
         true through crashes: nothing is told twice, nothing is left out.
Cost     five indexed queries a look.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from tanren.control.customization_jobs import CustomizationJobControl
from tanren.control.job_records import Record
from tanren.domain.customization_jobs import TERMINAL, CustomizationJob, Phase, PhaseStatus
from tanren.domain.scope import Scope
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.training_records import JobEvent, TrainingRecords

MOST_AT_ONCE: Final = 500
"""Rows of one kind in one look; a long history comes in several."""

UpdateKind = Literal["status", "event", "step", "validation", "sample"]
_PHASE_NAMES: Final = {
    Phase.VALIDATION: "Validation",
    Phase.DATA_PROCESSING: "DataProcessing",
    Phase.TRAINING: "Training",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceToken:
    """The last of each kind that a reader has; -1 for none."""

    step: int = -1
    validation: int = -1
    sample: int = -1
    event: int = -1

    def __str__(self) -> str:
        return f"{self.step}.{self.validation}.{self.sample}.{self.event}"

    @staticmethod
    def parse(text: str) -> "SequenceToken":
        """Of a text that the service model's pattern has let through."""
        step, validation, sample, event = (int(part) for part in text.split("."))
        return SequenceToken(step=step, validation=validation, sample=sample, event=event)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobUpdate:
    kind: UpdateKind
    content: CustomizationJob | JobEvent | Record
    token: SequenceToken
    """Where the reader stands with it."""


@dataclass(slots=True, kw_only=True)
class UpdateReader:
    """One reader of one job. Not for several threads at once."""

    jobs: CustomizationJobs
    records: TrainingRecords
    job_arn: str
    token: SequenceToken = SequenceToken()
    is_over: bool = False
    """Whether the job has ended and all of it has been read."""
    _told: tuple[str, str] | None = field(default=None)
    """Status and phase that were told last."""

    def read(self) -> list[JobUpdate]:
        """What has come since the last look. The status of a job that has ended comes last of all."""
        # First: what an ended job has told was in the store before its status was.
        job = self.jobs.by_arn(self.job_arn)
        has_ended = job.status in TERMINAL
        found: list[JobUpdate] = []
        if not has_ended or self._told is None:
            found += self._status(job)
        steps = self.records.steps(job.job_arn, after=self.token.step, most=MOST_AT_ONCE)
        is_cut = len(steps) == MOST_AT_ONCE
        events = self.records.event_page(job.job_arn, beyond=self.token.event, most=MOST_AT_ONCE)
        found += [self._moved("event", event, event=event.event_id) for event in events]
        # Behind a cut come the next steps first, then what belongs to them.
        reached = steps[-1]["step"] + 1 if is_cut else None
        for kind, record in _in_order(
            steps,
            _up_to(reached, self.records.samples(job.job_arn, after=self.token.sample)),
            _up_to(reached, self.records.validations(job.job_arn, after=self.token.validation)),
        ):
            found.append(self._moved(kind, record, **{kind: record["step"]}))
        self.is_over = has_ended and not is_cut and len(events) < MOST_AT_ONCE
        if self.is_over:
            found += self._status(job)
        return found

    def _status(self, job: CustomizationJob) -> list[JobUpdate]:
        shown = (str(job.status), phase_name(job))
        if shown == self._told and not self.is_over:
            return []
        self._told = shown
        return [JobUpdate(kind="status", content=job, token=self.token)]

    def _moved(self, kind: UpdateKind, content: JobEvent | Record, **place: int) -> JobUpdate:
        self.token = replace(self.token, **place)
        return JobUpdate(kind=kind, content=content, token=self.token)


class JobUpdateControl:
    def __init__(self, control: CustomizationJobControl, jobs: CustomizationJobs, records: TrainingRecords) -> None:
        self._control = control
        self._jobs = jobs
        self._records = records

    def reader(self, scope: Scope, identifier: str, *, after: str | None) -> UpdateReader:
        """Takes    after: the token of the last update that was read; None to begin with the job."""
        job = self._control.get(scope, identifier, or_id=True)
        token = SequenceToken() if after is None else SequenceToken.parse(after)
        return UpdateReader(jobs=self._jobs, records=self._records, job_arn=job.job_arn, token=token)


def phase_name(job: CustomizationJob) -> str:
    """As the service model's JobPhase has it."""
    if job.status in TERMINAL:
        return "Ended"
    running = [
        name
        for phase, name in _PHASE_NAMES.items()
        if job.phases.get(phase, {}).get("status") == PhaseStatus.IN_PROGRESS
    ]
    return running[-1] if running else "Waiting"


def _up_to(step: int | None, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return records if step is None else [record for record in records if record["step"] <= step]


def _in_order(
    steps: list[dict[str, Any]], samples: list[dict[str, Any]], validations: list[dict[str, Any]]
) -> Iterator[tuple[UpdateKind, Record]]:
    """By the number of steps that were done: a step, then what was asked and measured after it."""
    kinds: list[tuple[int, int, UpdateKind, Record]] = [
        *((record["step"] + 1, 0, "step", record) for record in steps),
        *((record["step"], 1, "sample", record) for record in samples),
        *((record["step"], 2, "validation", record) for record in validations),
    ]
    for _, _, kind, record in sorted(kinds, key=lambda each: each[:2]):
        yield kind, record
