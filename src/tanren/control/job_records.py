"""What a job has told of itself, while it runs and afterwards: curves, samples, events, and checkpoints on the disk.

All figures are those that the run measured.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from tanren.control.customization_jobs import CustomizationJobControl
from tanren.domain import arns
from tanren.domain.curve_thinning import thinned
from tanren.domain.customization_jobs import TERMINAL, CustomizationJob
from tanren.domain.errors import ResourceNotFound, ValidationFailed
from tanren.domain.pages import DEFAULT_PAGE_SIZE, Page
from tanren.domain.scope import Scope
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.resources import ResourceRows
from tanren.storage.training_records import JobEvent, TrainingRecords

Record = Mapping[str, Any]
"""Of a step, a validation or a sample, as the run wrote it: `training/metrics.py`, `training/samples.py`."""

DEFAULT_POINTS: Final = 500
SPEED_STEPS: Final = 20
"""The newest, of which a speed is told."""
_VERDICTS: Final = ("Learning:", "Under-trained:", "Over-fitting", "Diverged", "Nothing learned:")
"""With which a run begins the sentence that it finds about itself: `training/diagnosis.py`."""
_LONGEST_TOKEN: Final = 9
"""Digits that a column of whole numbers holds in any case."""
_CHECKPOINT: Final = re.compile(r"step-(\d+)-epoch-(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCurves:
    job: CustomizationJob
    steps: Sequence[Record]
    """Thinned out, if there are too many."""
    validations: Sequence[Record]
    step_count: int
    validation_count: int
    last_step: Record | None
    last_validation: Record | None
    best_validation: Record | None
    trained_tokens: int
    trained_tokens_per_second: float | None
    diagnosis: str | None
    failure: str | None
    """Why it failed, as the worker told it."""

    @property
    def is_thinned_out(self) -> bool:
        return len(self.steps) < self.step_count or len(self.validations) < self.validation_count


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointOnDisk:
    kind: Literal["Resume", "Best"]
    step: int
    epoch: int
    size_bytes: int
    created_at: datetime


class JobRecordControl:
    def __init__(
        self,
        jobs: CustomizationJobControl,
        other_jobs: Sequence[ResourceRows[Any]],
        records: TrainingRecords,
        artifacts: ArtifactStore,
    ) -> None:
        """Takes   other_jobs: further kinds of jobs that leave events."""
        self._jobs = jobs
        self._other_jobs = other_jobs
        self._records = records
        self._artifacts = artifacts

    def curves(self, scope: Scope, identifier: str, *, most: int = DEFAULT_POINTS) -> JobCurves:
        job = self._jobs.get(scope, identifier, or_id=True)
        steps = self._records.steps(job.job_arn)
        validations = self._records.validations(job.job_arn)
        told = self._records.event_page(job.job_arn, descending=True) if job.status in TERMINAL else []
        return JobCurves(
            job=job,
            steps=_thinned(steps, "training_loss", most),
            validations=_thinned(validations, "validation_loss", most),
            step_count=len(steps),
            validation_count=len(validations),
            last_step=steps[-1] if steps else None,
            last_validation=validations[-1] if validations else None,
            best_validation=min(validations, key=lambda record: record["validation_loss"], default=None),
            trained_tokens=sum(record["trained_tokens"] for record in steps),
            trained_tokens_per_second=_speed(steps[-SPEED_STEPS:]),
            diagnosis=next((each.message for each in told if each.message.startswith(_VERDICTS)), None),
            failure=_failure(job, told),
        )

    def samples(self, scope: Scope, identifier: str, *, size: int | None, token: str | None) -> Page[Record]:
        """By step."""
        job = self._jobs.get(scope, identifier, or_id=True)
        size = size or DEFAULT_PAGE_SIZE
        after = -1 if token is None else _position(token)
        found = self._records.samples(job.job_arn, after=after, most=size + 1)
        return Page(items=found[:size], next_token=str(found[size - 1]["step"]) if len(found) > size else None)

    def events(
        self, scope: Scope, identifier: str, *, size: int | None, token: str | None, descending: bool
    ) -> Page[JobEvent]:
        """Of any kind of job that leaves some, by ARN; of a customization job by id and name as well."""
        arn = self._arn(scope, identifier)
        size = size or DEFAULT_PAGE_SIZE
        beyond = None if token is None else _position(token)
        found = self._records.event_page(arn, beyond=beyond, most=size + 1, descending=descending)
        return Page(items=found[:size], next_token=str(found[size - 1].event_id) if len(found) > size else None)

    def checkpoints(self, scope: Scope, identifier: str) -> tuple[CustomizationJob, list[CheckpointOnDisk]]:
        """The job, and what is on the disk of it, the newest first."""
        job = self._jobs.get(scope, identifier, or_id=True)
        folder = self._artifacts.job_path(job.scope, job.job_id)
        found = [*_checkpoints(folder / "checkpoints", "Resume"), *_checkpoints(folder / "best", "Best")]
        return job, sorted(found, key=lambda each: (each.step, each.epoch, each.kind), reverse=True)

    def _arn(self, scope: Scope, identifier: str) -> str:
        arn = arns.parse_arn(identifier)
        if arn is None or arn.kind == arns.CUSTOMIZATION_JOB:
            return self._jobs.get(scope, identifier, or_id=True).job_arn
        if any(rows.get(scope, identifier) is not None for rows in self._other_jobs):
            return identifier
        raise ResourceNotFound(f"There is no job '{identifier}' in account {scope.account_id}, region {scope.region}.")


def _failure(job: CustomizationJob, told: Sequence[JobEvent]) -> str | None:
    """The event that says it whole; `failureMessage` is cut to the length that AWS has."""
    if job.failure_message is None:
        return None
    return next((each.message for each in told if each.message.startswith(job.failure_message)), job.failure_message)


def _thinned(records: Sequence[Record], loss: str, most: int) -> list[Record]:
    return thinned(records, [each["step"] for each in records], [each[loss] for each in records], most=most)


def _speed(steps: Sequence[Record]) -> float | None:
    seconds = sum(record["seconds"] for record in steps)
    return sum(record["trained_tokens"] for record in steps) / seconds if seconds > 0 else None


def _position(token: str) -> int:
    """Where the page before ended. Raises   ValidationFailed for a token that no list of ours gave out."""
    if not (token.isascii() and token.isdigit() and len(token) <= _LONGEST_TOKEN):
        raise ValidationFailed("nextToken is not one that this list returned; start again without it.")
    return int(token)


def _checkpoints(folder: Path, kind: Literal["Resume", "Best"]) -> list[CheckpointOnDisk]:
    found: list[CheckpointOnDisk] = []
    # A run removes old ones at any moment: what goes while it is looked at is not there.
    with suppress(FileNotFoundError):
        for path in folder.iterdir():
            name = _CHECKPOINT.fullmatch(path.name)
            if name is not None:
                with suppress(FileNotFoundError):
                    found.append(
                        CheckpointOnDisk(
                            kind=kind,
                            step=int(name[1]),
                            epoch=int(name[2]),
                            size_bytes=sum(file.stat().st_size for file in path.iterdir()),
                            created_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
                        )
                    )
    return found
