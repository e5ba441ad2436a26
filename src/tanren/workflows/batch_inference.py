"""What a worker's child does with a model invocation job (batch inference), from top to bottom:

    Validating    the input fetched and checked whole, the output location written to
    Scheduled     the engine of the model waited for
    InProgress    records put to the model; the output of a file is in S3 as soon as its last record is answered
    the end       output and manifest in S3, then the status

A status never goes back: a later attempt goes on with the copies and the answers of the ones before, and asks only
what has no answer yet. In the output each record is there once. Records that were under way when a process was killed,
at most as many as the pace allowed, are asked a second time; nobody sees the first answer. Every write carries the
attempt.

What has been answered is written to S3 however the job ends. Unlike training, this needs no tensors: the engine hosts
have them.
"""

import asyncio
import errno
import logging
from collections.abc import Callable
from pathlib import Path

from tanren.domain.clock import Clock
from tanren.domain.errors import JobFailed, ModelNotReady, ServiceUnavailable, TanrenError
from tanren.domain.model_invocation_jobs import (
    AWS_MINIMUM_RECORDS,
    WAITING,
    InvocationJobStatus,
    ModelInvocationJob,
    RecordCounts,
)
from tanren.jobs.queue import Assignment, JobQueue
from tanren.runtime.batch_pace import Pace
from tanren.runtime.batch_records import BatchRun, EngineLoad, RecordOperation
from tanren.runtime.placement import StoredPlacement
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.model_invocation_jobs import EXPIRED_MESSAGE, ModelInvocationJobs
from tanren.storage.objects import ObjectStore
from tanren.storage.training_records import TrainingRecords
from tanren.workflows.batch_files import Answers, BatchInput, Output, check_input, checked_input

logger = logging.getLogger(__name__)

MESSAGE_LENGTH = 2048
_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT)
_S = InvocationJobStatus


class Yielded(Exception):
    """The worker must go; the job goes back to the queue with what it has."""


class CannotGoOnNow(Exception):
    """S3 is away or the disk is full; the job is as it was and is tried again later."""


class _Superseded(Exception):
    """A later attempt has the job; this one ends without a word."""


class _StopAsked(Exception):
    """The user has stopped the job."""


class _OutOfTime(Exception):
    """The job's timeoutDurationInHours is over."""


class BatchInferenceWorkflow:
    def __init__(
        self,
        assignment: Assignment,
        *,
        jobs: ModelInvocationJobs,
        records: TrainingRecords,
        queue: JobQueue,
        objects: ObjectStore,
        artifacts: ArtifactStore,
        placement: StoredPlacement,
        operation: RecordOperation,
        clock: Clock,
        yield_asked: Callable[[], bool],
        most_under_way: int,
        engine_share: float,
        minimum_records: int,
    ) -> None:
        self._assignment = assignment
        self._arn = assignment.job_arn
        self._attempt = assignment.attempt
        self._jobs = jobs
        self._records = records
        self._queue = queue
        self._objects = objects
        self._artifacts = artifacts
        self._placement = placement
        self._operation = operation
        self._clock = clock
        self._yield_asked = yield_asked
        self._most_under_way = most_under_way
        self._engine_share = engine_share
        self._minimum_records = minimum_records
        self._written: set[int] = set()
        """Numbers of the files whose whole output this attempt has written."""

    def run(self) -> None:
        """The job has a terminal status afterwards, or a later attempt has it. Raises Yielded or CannotGoOnNow."""
        job = self._jobs.by_arn(self._arn)
        folder = self._artifacts.job_folder(job.scope, job.job_id)
        try:
            is_over = self._run(job, folder)
        except _Superseded:
            logger.warning("attempt %d of %s has been superseded", self._attempt, self._arn)
            is_over = False
        except ServiceUnavailable as error:
            raise self._later(error) from error
        except OSError as error:
            if error.errno not in _DISK_IS_FULL:
                raise
            raise self._later(error) from error
        if is_over:
            # Only whoever ended the job clears up: the folder may be a later attempt's.
            self._artifacts.remove_job_folder(job.scope, job.job_id)

    def _run(self, job: ModelInvocationJob, folder: Path) -> bool:
        """Whether this attempt has ended the job."""
        status, message = self._worked(job, folder)
        try:
            counts = self._write(job, folder)
        except JobFailed as error:
            status, message = _S.FAILED, str(error) if message in (None, str(error)) else f"{message} {error}"
        else:
            if status is _S.PARTIALLY_COMPLETED:
                message = (
                    f"{counts.processed} of {counts.total} records were answered before timeoutDurationInHours was "
                    "over; the others are not in the output. Submit them again, or give the job more time."
                )
        # Stop may have been pressed at the last moment.
        return self._end(status, message) or self._end(_S.STOPPED, message)

    def _worked(self, job: ModelInvocationJob, folder: Path) -> tuple[InvocationJobStatus, str | None]:
        """The status that the job ends in, and its message. Raises Yielded, _Superseded, ServiceUnavailable."""
        try:
            self._check_wanted()
            given = self._checked_input(job, folder)
            asyncio.run(self._answer(job, given))
        except _StopAsked:
            return _S.STOPPED, None
        except _OutOfTime:
            has_begun = self._jobs.by_arn(self._arn).status not in WAITING
            return (_S.PARTIALLY_COMPLETED, None) if has_begun else (_S.EXPIRED, EXPIRED_MESSAGE)
        except ServiceUnavailable:
            raise
        except TanrenError as error:
            logger.info("%s fails: %s", self._arn, error)
            return _S.FAILED, str(error)
        return _S.COMPLETED, None

    def _checked_input(self, job: ModelInvocationJob, folder: Path) -> BatchInput:
        """The job is Scheduled, or was further already, when this returns."""
        known = checked_input(folder, job.job_id)
        if known is not None and job.status is not _S.VALIDATING:
            return known
        if job.status is _S.SUBMITTED:
            self._move(_S.VALIDATING)
        Output(job, self._objects).check()
        given = check_input(job, self._objects, folder, check_wanted=self._check_wanted, tell=self._tell)
        count = given.record_count
        if count < self._minimum_records:
            raise JobFailed(
                f"Batch job {self._arn} contains less records ({count}) than the required minimum of: "
                f"{self._minimum_records}. The setting batch_minimum_records holds it."
            )
        if count < AWS_MINIMUM_RECORDS:
            self._tell(f"The job has {count} records; AWS takes at least {AWS_MINIMUM_RECORDS}.")
        if job.status in (_S.SUBMITTED, _S.VALIDATING):
            self._move(_S.SCHEDULED, total_records=count)
        return given

    async def _answer(self, job: ModelInvocationJob, given: BatchInput) -> None:
        """Every record has an answer when this returns. Raises what ends the job."""
        await self._wait_for_engine(job)
        if self._jobs.by_arn(self._arn).status is _S.SCHEDULED:
            self._move(_S.IN_PROGRESS)
        output = Output(job, self._objects)
        with Answers(given, self._attempt) as answers:
            counted = job.counts
            if answers.counts.processed:
                self._tell(f"Going on: {answers.counts.processed} of {given.record_count} records have their answer.")

            def keep() -> None:
                nonlocal counted
                answers.sync()
                self._check_wanted()
                if answers.counts != counted:
                    counted = answers.counts
                    if not self._jobs.count(self._arn, self._attempt, counted, at=self._clock()):
                        raise _Superseded
                    self._queue.note_progress(self._assignment)
                for number in range(len(given.files)):
                    if number not in self._written and answers.count_of(number) == given.files[number].record_count:
                        output.put(given, answers, [number])
                        self._written.add(number)

            run = BatchRun(
                self._operation,
                Pace(most=self._most_under_way, share=self._engine_share),
                engine_load=lambda: self._load(job),
                on_answer=answers.add,
                on_round=lambda: asyncio.to_thread(keep),
            )
            todo = ((number, record) for number, record in given.records() if not answers.has(number, record.line))
            await run.answer_all(todo)

    async def _wait_for_engine(self, job: ModelInvocationJob) -> None:
        """Raises EngineFailed or ResourceNotFound where no engine will ever answer; what `_check_wanted` raises."""
        while True:
            self._check_wanted()
            try:
                await self._placement.locate(job.scope, job.model_arn)
                return
            except ModelNotReady as error:
                logger.info("%s waits: %s", self._arn, error)

    async def _load(self, job: ModelInvocationJob) -> EngineLoad:
        _, engine, _ = await self._placement.locate(job.scope, job.model_arn)
        description = await engine.describe()
        return EngineLoad(active_count=description.active_count, queued_count=description.queued_count)

    def _write(self, job: ModelInvocationJob, folder: Path) -> RecordCounts:
        """What has been answered is in S3, if anything has, with the manifest. Raises _Superseded."""
        given = checked_input(folder, job.job_id)
        if given is None:
            return job.counts
        output = Output(job, self._objects)
        with Answers(given, self._attempt) as answers:
            counts = answers.counts
            if counts.processed:
                if not self._jobs.count(self._arn, self._attempt, counts, at=self._clock()):
                    raise _Superseded
                left = [n for n in range(len(given.files)) if n not in self._written and answers.count_of(n)]
                output.put(given, answers, left)
                output.put_manifest(counts)
        return counts

    def _check_wanted(self) -> None:
        job = self._jobs.by_arn(self._arn)
        if job.attempt != self._attempt:
            raise _Superseded
        if job.status is _S.STOPPING:
            raise _StopAsked
        if self._clock() >= job.expires_at:
            raise _OutOfTime
        if self._yield_asked():
            raise Yielded

    def _move(self, to: InvocationJobStatus, **values: int) -> None:
        with self._jobs.database.writing() as connection:
            moved = self._jobs.move(connection, self._arn, to, at=self._clock(), attempt=self._attempt, **values)
        if not moved:
            self._check_wanted()
            raise _Superseded

    def _end(self, status: InvocationJobStatus, message: str | None = None) -> bool:
        """Whether the job has ended by this; nothing changes if a later attempt has it, or its status forbids it."""
        with self._jobs.database.writing() as connection:
            return self._jobs.move(
                connection,
                self._arn,
                status,
                at=self._clock(),
                attempt=self._attempt,
                message=None if message is None else message[:MESSAGE_LENGTH],
            )

    def _later(self, reason: Exception) -> CannotGoOnNow:
        self._tell(f"The job waits: {reason}")
        return CannotGoOnNow(str(reason))

    def _tell(self, message: str) -> None:
        """An event on the job."""
        logger.info("%s: %s", self._arn, message)
        self._records.add_event(self._arn, self._attempt, message, at=self._clock())
