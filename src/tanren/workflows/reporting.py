"""A run's records on their way to the store, without making training wait for a disk.

Training hands a record over and goes on; a thread writes what has gathered, within half a second, and looks whether the
job is still ours and still wanted. What it learns is there for training to ask after each step.
"""

import logging
import threading
from typing import Any

from tanren.domain.customization_jobs import JobStatus
from tanren.jobs.queue import Assignment, JobQueue
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.training_records import TrainingRecords

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.3


class StoreReporter:
    """Use it as a context: leaving it writes what is left."""

    def __init__(
        self, assignment: Assignment, *, jobs: CustomizationJobs, records: TrainingRecords, queue: JobQueue
    ) -> None:
        self._assignment = assignment
        self._jobs = jobs
        self._records = records
        self._queue = queue
        known = records.steps(assignment.job_arn)
        self._furthest_step = known[-1]["step"] if known else -1
        self._pending_steps: list[dict[str, Any]] = []
        self._pending_validations: list[dict[str, Any]] = []
        self._pending_samples: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._stop_asked = threading.Event()
        self._superseded = threading.Event()
        self._thread = threading.Thread(target=self._write, name="reporter", daemon=True)

    @property
    def stop_asked(self) -> bool:
        """Whether the user has stopped the job."""
        return self._stop_asked.is_set()

    @property
    def superseded(self) -> bool:
        """Whether a later attempt has the job."""
        return self._superseded.is_set()

    def __enter__(self) -> "StoreReporter":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self.flush()

    def add_step(self, record: dict[str, Any]) -> None:
        with self._lock:
            self._pending_steps.append(record)

    def add_validation(self, record: dict[str, Any]) -> None:
        with self._lock:
            self._pending_validations.append(record)

    def add_sample(self, record: dict[str, Any]) -> None:
        with self._lock:
            self._pending_samples.append(record)

    def flush(self) -> None:
        """Everything handed over so far is in the store, or another attempt has the job. What could not be written, as
        when the disk is full, is kept for the next time: rows are keyed by step, so twice is as good as once."""
        with self._lock:
            steps, self._pending_steps = self._pending_steps, []
            validations, self._pending_validations = self._pending_validations, []
            samples, self._pending_samples = self._pending_samples, []
        try:
            self._write_all(steps, validations, samples)
        except Exception:
            with self._lock:
                self._pending_steps = steps + self._pending_steps
                self._pending_validations = validations + self._pending_validations
                self._pending_samples = samples + self._pending_samples
            raise

    def _write_all(
        self, steps: list[dict[str, Any]], validations: list[dict[str, Any]], samples: list[dict[str, Any]]
    ) -> None:
        arn, attempt = self._assignment.job_arn, self._assignment.attempt
        ours = True
        if steps:
            ours = self._records.add_steps(arn, attempt, steps)
            if ours and steps[-1]["step"] > self._furthest_step:
                self._furthest_step = steps[-1]["step"]
                self._queue.note_progress(self._assignment)
        for record in validations:
            ours = self._records.add_validation(arn, attempt, record) and ours
        for record in samples:
            ours = self._records.add_sample(arn, attempt, record) and ours
        if not ours:
            self._superseded.set()

    def _write(self) -> None:
        while not self._is_over.wait(FLUSH_SECONDS):
            try:
                self.flush()
                job = self._jobs.by_arn(self._assignment.job_arn)
            except Exception:
                # A busy or full disk; the next round tries again, and checkpoints carry the records anyway.
                logger.exception("records could not be written")
                continue
            if job.attempt != self._assignment.attempt:
                self._superseded.set()
            if job.status is JobStatus.STOPPING:
                self._stop_asked.set()
