"""What a worker's child does to bring a model in from S3, from top to bottom:

    looking     the names in the folder: is there a model?
    fetching    its files onto the disk; those that an earlier attempt has fetched stay
    inspection  every file looked through before anything opens it (`model_files/inspection.py`)
    publishing  the folder into the artifact store, then one transaction that says that it is there

What becomes of it is the target's: an imported model (`imported_model_target.py`) or a custom model
(`custom_model_target.py`). Every write carries the attempt: a process that has lost its work changes nothing. A folder
that is no model, or not safe to open, ends in `Failed` with file, rule and remedy. No tensor library is needed.
"""

import errno
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tanren.domain.clock import Clock
from tanren.domain.errors import ServiceUnavailable, TanrenError, UnsafeModel
from tanren.domain.scope import Scope
from tanren.jobs.queue import Assignment, JobQueue
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.objects import ObjectStore
from tanren.storage.training_records import TrainingRecords
from tanren.workflows.interruptions import CannotGoOnNow, Superseded, Yielded
from tanren.workflows.model_download import fetch, look_into

logger = logging.getLogger(__name__)

FAILURE_MESSAGE_LENGTH = 2048
PIECES_BETWEEN_LOOKS = 64
"""Of a megabyte each, between two looks whether the work is still ours."""
_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT)


class ImportTarget(Protocol):
    """What is to become of the folder. One attempt at one import has one."""

    @property
    def scope(self) -> Scope: ...

    @property
    def work_id(self) -> str:
        """Names the folder to work in; the same for every attempt."""
        ...

    @property
    def source_s3_uri(self) -> str: ...

    @property
    def may_be_adapter(self) -> bool: ...

    def current_attempt(self) -> int:
        """Which assignment has the work now."""
        ...

    def publish(self, folder: Path, tell: Callable[[str], None]) -> None:
        """The folder, fetched whole, is looked through and is a model when this returns.

        Raises   JobFailed where it is none; Superseded where a later attempt has the work.
        """
        ...

    def fail(self, message: str) -> bool:
        """Whether the work has ended by this; nothing changes if a later attempt has it."""
        ...


class ModelImportWorkflow:
    def __init__(
        self,
        assignment: Assignment,
        target: ImportTarget,
        *,
        records: TrainingRecords,
        queue: JobQueue,
        objects: ObjectStore,
        artifacts: ArtifactStore,
        clock: Clock,
        yield_asked: Callable[[], bool],
    ) -> None:
        self._assignment = assignment
        self._target = target
        self._records = records
        self._queue = queue
        self._objects = objects
        self._artifacts = artifacts
        self._clock = clock
        self._yield_asked = yield_asked

    def run(self) -> None:
        """The work is done or has failed, or a later attempt has it. Raises Yielded or CannotGoOnNow."""
        scope, work_id = self._target.scope, self._target.work_id
        try:
            self._import(self._artifacts.job_folder(scope, work_id) / "model")
            is_over = True
        except Superseded:
            logger.warning("attempt %d of %s has been superseded", self._assignment.attempt, self._assignment.job_arn)
            is_over = False
        except ServiceUnavailable as error:
            raise self._later(error) from error
        except TanrenError as error:
            logger.info("%s fails: %s", self._assignment.job_arn, error)
            is_over = self._target.fail(str(error)[:FAILURE_MESSAGE_LENGTH])
        except OSError as error:
            if error.errno not in _DISK_IS_FULL:
                raise
            raise self._later(error) from error
        if is_over:
            # Only whoever ended the work clears up: the folder may be a later attempt's.
            self._artifacts.remove_job_folder(scope, work_id)

    def _import(self, folder: Path) -> None:
        self._check_wanted()
        source = look_into(self._objects, self._target.source_s3_uri, may_be_adapter=self._target.may_be_adapter)
        left = f"; {len(source.left)} others stay there" if source.left else ""
        self._tell(f"Fetching {len(source.files)} files, {source.size_bytes / 1e6:.1f} MB{left}.")
        fetch(source, self._objects, folder, between=self._check_wanted_now_and_then())
        self._queue.note_progress(self._assignment)
        self._check_wanted()
        try:
            self._target.publish(folder, self._tell)
        except UnsafeModel as error:
            raise UnsafeModel(in_s3(str(error), folder, source.uri)) from error

    def _check_wanted(self) -> None:
        if self._target.current_attempt() != self._assignment.attempt:
            raise Superseded
        if self._yield_asked():
            raise Yielded

    def _check_wanted_now_and_then(self) -> Callable[[], None]:
        """As `_check_wanted`; the store is asked only once in a while, since it is called for every piece."""
        pieces = 0

        def check() -> None:
            nonlocal pieces
            pieces += 1
            if self._yield_asked():
                raise Yielded
            if pieces % PIECES_BETWEEN_LOOKS == 0:
                self._check_wanted()

        return check

    def _later(self, reason: Exception) -> CannotGoOnNow:
        self._tell(f"The import waits: {reason}")
        return CannotGoOnNow(str(reason))

    def _tell(self, message: str) -> None:
        """An event on the job, or on the model that is being made."""
        arn, attempt = self._assignment.job_arn, self._assignment.attempt
        logger.info("%s: %s", arn, message)
        self._records.add_event(arn, attempt, message, at=self._clock())


def in_s3(message: str, folder: Path, uri: str) -> str:
    """The message with the folder's place in S3, as the user knows it, instead of ours."""
    return message.replace(str(folder.resolve()), uri.rstrip("/")).replace(str(folder), uri.rstrip("/"))
