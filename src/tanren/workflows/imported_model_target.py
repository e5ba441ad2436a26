"""The folder of a model import job becomes an imported model; model and job in one transaction."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from tanren.control.model_import_jobs import MODEL_TAGS_MEMBER
from tanren.domain import arns
from tanren.domain.clock import Clock
from tanren.domain.errors import Conflict, JobFailed
from tanren.domain.imported_models import ImportedModel
from tanren.domain.model_import_jobs import ImportJobStatus
from tanren.jobs.queue import Assignment
from tanren.model_files.digests import weights_digest
from tanren.model_files.inspection import ModelFolderFacts, inspect_model_folder
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.imported_models import ImportedModels
from tanren.storage.model_import_jobs import ModelImportJobs
from tanren.storage.tags import replace_tags
from tanren.workflows.interruptions import Superseded
from tanren.workflows.publishing import kept_if_published


class ImportedModelTarget:
    may_be_adapter = False

    def __init__(
        self,
        assignment: Assignment,
        *,
        jobs: ModelImportJobs,
        models: ImportedModels,
        artifacts: ArtifactStore,
        clock: Clock,
    ) -> None:
        self._attempt = assignment.attempt
        self._jobs = jobs
        self._models = models
        self._artifacts = artifacts
        self._clock = clock
        self._job = jobs.by_arn(assignment.job_arn)
        self.scope = self._job.scope
        self.work_id = self._job.job_id
        self.source_s3_uri = self._job.source_s3_uri

    def current_attempt(self) -> int:
        return self._jobs.by_arn(self._job.job_arn).attempt

    def publish(self, folder: Path, tell: Callable[[str], None]) -> None:
        facts = inspect_model_folder(folder)
        tell(f"The folder is a {facts.architecture} with {facts.parameter_count:,} parameters.")
        model = self._model(folder, facts)
        self._artifacts.adopt(folder, model.artifact_path)
        with kept_if_published(
            self._artifacts, model.artifact_path, lambda: self._models.get(model.scope, model.model_arn)
        ):
            self._complete(model)
        self._artifacts.remove_other_attempts(model.artifact_path)

    def fail(self, message: str) -> bool:
        with self._jobs.database.writing() as connection:
            return self._jobs.move(
                connection,
                self._job.job_arn,
                ImportJobStatus.FAILED,
                at=self._clock(),
                attempt=self._attempt,
                failure_message=message,
            )

    def _model(self, folder: Path, facts: ModelFolderFacts) -> ImportedModel:
        job = self._job
        # Named by the job, not drawn: whichever attempt publishes, the model's ARN is the same.
        model_id = hashlib.sha256(job.job_arn.encode()).hexdigest()[:12]
        return ImportedModel(
            scope=job.scope,
            model_id=model_id,
            model_arn=arns.imported_model_arn(job.scope, model_id),
            model_name=job.imported_model_name,
            job_arn=job.job_arn,
            job_name=job.job_name,
            source_s3_uri=job.source_s3_uri,
            architecture=facts.architecture,
            parameter_count=facts.parameter_count,
            context_length=facts.context_length,
            size_bytes=sum(file.stat().st_size for file in folder.iterdir()),
            has_chat_template=facts.has_chat_template,
            artifact_path=self._artifacts.imported_model_path(job.scope, model_id, self._attempt),
            weights_sha256=weights_digest(folder),
            created_at=self._clock(),
        )

    def _complete(self, model: ImportedModel) -> None:
        """Raises Superseded, or JobFailed where the name is taken."""
        with self._jobs.database.writing() as connection:
            completed = self._jobs.move(
                connection,
                self._job.job_arn,
                ImportJobStatus.COMPLETED,
                at=model.created_at,
                attempt=self._attempt,
                imported_model_arn=model.model_arn,
            )
            if not completed:
                raise Superseded
            try:
                self._models.add(connection, self._job.scope, model)
            except Conflict as error:
                raise JobFailed(str(error)) from error
            replace_tags(connection, model.model_arn, self._job.request.get(MODEL_TAGS_MEMBER, {}))
