"""What a worker's child does with a customization job, from top to bottom:

    validation         every file read whole, every row checked, the output location written to
    data processing    rows to tokens
    training           steps, validations, checkpoints; goes on from the newest checkpoint of an earlier attempt
    publishing         weights into the artifact store, CSVs into the customer's bucket, then one transaction:
                       model, job `Completed`

Every write carries the attempt: a process that has lost its job changes nothing. A file that is wrong ends in `Failed`
with file, line, rule and fix. Stop ends in `Stopped`; SIGTERM in a checkpoint and `Yielded`.
"""

import logging
from collections.abc import Callable

from tanren.domain.clock import Clock, IdMaker
from tanren.domain.customization_jobs import JobStatus, PhaseStatus
from tanren.domain.errors import TanrenError
from tanren.jobs.queue import Assignment
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.objects import ObjectStore
from tanren.storage.training_records import TrainingRecords

logger = logging.getLogger(__name__)

PROBE_KEY = ".write_access_check_file.tmp"
"""AWS writes and removes a probe of this name below the output location."""


class Yielded(Exception):
    """The job has a checkpoint and goes back to the queue."""


class Superseded(Exception):
    """A later attempt has the job; this one ends without a word."""


class StopAsked(Exception):
    """The user stopped the job."""


class CustomizationWorkflow:
    def __init__(
        self,
        assignment: Assignment,
        *,
        jobs: CustomizationJobs,
        models: CustomModels,
        records: TrainingRecords,
        objects: ObjectStore,
        artifacts: ArtifactStore,
        clock: Clock,
        new_id: IdMaker,
        yield_asked: Callable[[], bool],
        checkpoint_seconds: float,
        threads: int,
    ) -> None:
        self._arn = assignment.job_arn
        self._attempt = assignment.attempt
        self._jobs = jobs
        self._models = models
        self._records = records
        self._objects = objects
        self._artifacts = artifacts
        self._clock = clock
        self._new_id = new_id
        self._yield_asked = yield_asked
        self._checkpoint_seconds = checkpoint_seconds
        self._threads = threads

    def run(self) -> None:
        """The job has a terminal status afterwards. Raises Yielded."""
        job = self._jobs.by_arn(self._arn)
        try:
            self._check_stop()
            self._validate(job)
            outcome = self._train(job)
            self._publish(job, outcome)
        except StopAsked:
            self._end(JobStatus.STOPPED, PhaseStatus.STOPPED, "Stopped by request.")
        except Superseded:
            logger.warning("attempt %d of %s has been superseded", self._attempt, self._arn)
        except TanrenError as error:
            self._end(JobStatus.FAILED, PhaseStatus.FAILED, str(error))
