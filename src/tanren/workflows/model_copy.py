"""What a worker's child does with a model copy job: the weights a second time in the artifact store, then model and job
in one transaction.

The files are shared, not doubled, where the file system can (`ArtifactStore.link`): the bytes go when the last of
source and copies is deleted. An adapter's base is not copied: both are bound to the same weights.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from tanren.control.model_copy_jobs import MODEL_TAGS_MEMBER
from tanren.domain import arns
from tanren.domain.clock import Clock
from tanren.domain.custom_models import CustomModel
from tanren.domain.errors import Conflict, JobFailed
from tanren.domain.model_copy_jobs import CopyJobStatus, ModelCopyJob
from tanren.domain.scope import Scope
from tanren.domain.weights import BINDING_MEMBER
from tanren.jobs.queue import Assignment
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.custom_models import CustomModels
from tanren.storage.model_copy_jobs import ModelCopyJobs
from tanren.storage.tags import replace_tags
from tanren.workflows.interruptions import Superseded
from tanren.workflows.publishing import kept_if_published

logger = logging.getLogger(__name__)

FAILURE_MESSAGE_LENGTH = 2048
COPIED_FROM = "copiedFrom"
"""Of the JSON that a copy's row keeps: the ARN of the model that it was copied from."""


class ModelCopyWorkflow:
    def __init__(
        self,
        assignment: Assignment,
        *,
        jobs: ModelCopyJobs,
        models: CustomModels,
        artifacts: ArtifactStore,
        clock: Clock,
    ) -> None:
        self._arn = assignment.job_arn
        self._attempt = assignment.attempt
        self._jobs = jobs
        self._models = models
        self._artifacts = artifacts
        self._clock = clock

    def run(self) -> None:
        """The job has a terminal status afterwards, or a later attempt has it."""
        job = self._jobs.by_arn(self._arn)
        try:
            self._copy(job)
        except Superseded:
            logger.warning("attempt %d of %s has been superseded", self._attempt, self._arn)
        except JobFailed as error:
            logger.info("%s fails: %s", self._arn, error)
            message = str(error)[:FAILURE_MESSAGE_LENGTH]
            with self._jobs.database.writing() as connection:
                self._move(connection, CopyJobStatus.FAILED, failure_message=message)

    def _copy(self, job: ModelCopyJob) -> None:
        model = self._target(job)
        try:
            self._artifacts.link(self._source(job).artifact_path, model.artifact_path)
        except FileNotFoundError as error:
            raise JobFailed(
                f"The weights of {job.source_model_arn} are gone: {error.filename} is not there."
            ) from error
        with kept_if_published(
            self._artifacts, model.artifact_path, lambda: self._models.get(job.scope, model.model_arn)
        ):
            self._complete(job, model)
        self._artifacts.remove_other_attempts(model.artifact_path)

    def _source(self, job: ModelCopyJob) -> CustomModel:
        """Raises JobFailed where it is there no longer."""
        parsed = arns.parse_arn(job.source_model_arn)
        assert parsed is not None
        found = self._models.get(Scope(account_id=parsed.account_id, region=parsed.region), job.source_model_arn)
        if found is None:
            raise JobFailed(f"The model {job.source_model_arn} has been deleted since the job was created.")
        return found

    def _target(self, job: ModelCopyJob) -> CustomModel:
        source = self._source(job)
        model_id = job.target_model_arn.rpartition("/")[2]
        is_own = source.scope.account_id == job.scope.account_id
        return replace(
            source,
            scope=job.scope,
            model_id=model_id,
            model_arn=job.target_model_arn,
            model_name=job.target_model_name,
            # Another account's job is not ours to show, nor the models that it began with, its buckets and its roles.
            job_arn=source.job_arn if is_own else None,
            job_name=source.job_name if is_own else None,
            base_model_arn=_base_in(job.scope.region, source.base_model_arn if is_own else _foundation_of(source)),
            request={**_kept(source.request, is_own=is_own), COPIED_FROM: source.model_arn},
            artifact_path=self._artifacts.custom_model_path(job.scope, model_id, self._attempt),
            created_at=self._clock(),
        )

    def _complete(self, job: ModelCopyJob, model: CustomModel) -> None:
        """Raises Superseded, or JobFailed where the name is taken."""
        with self._jobs.database.writing() as connection:
            if not self._move(connection, CopyJobStatus.COMPLETED):
                raise Superseded
            try:
                self._models.add(connection, job.scope, model)
            except Conflict as error:
                raise JobFailed(str(error)) from error
            replace_tags(connection, model.model_arn, job.request.get(MODEL_TAGS_MEMBER, {}))

    def _move(self, connection: Connection, to: CopyJobStatus, **values: str) -> bool:
        return self._jobs.move(connection, self._arn, to, at=self._clock(), attempt=self._attempt, **values)


def _kept(request: Mapping[str, Any], *, is_own: bool) -> Mapping[str, Any]:
    """What the copy keeps of how its source was made; of another account's, what it is bound to and no more."""
    return request if is_own else {name: value for name, value in request.items() if name == BINDING_MEMBER}


def _foundation_of(model: CustomModel) -> str | None:
    """The foundation model below all generations; None where there is none, only weights from elsewhere."""
    if model.base_model_arn is None or model.foundation_model_id == arns.IMPORTED:
        return None
    return arns.foundation_model_arn(model.scope.region, model.foundation_model_id)


def _base_in(region: str, base_arn: str | None) -> str | None:
    """A foundation model's ARN in the copy's region; a custom model's as it is: that is where the copy comes from."""
    parsed = None if base_arn is None else arns.parse_arn(base_arn)
    if parsed is None or parsed.kind != arns.FOUNDATION_MODEL:
        return base_arn
    return arns.foundation_model_arn(region, parsed.path)
