"""The rules of model import jobs: which may be created, and how they are found.

What the folder holds is looked at by the job itself (`workflows/model_import.py`), as on AWS.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from tanren.control.quotas import check_quotas
from tanren.control.request_digests import request_digest
from tanren.control.service_roles import check_service_role
from tanren.control.unsupported_members import refuse_unsupported
from tanren.domain import arns
from tanren.domain.clock import Clock, IdMaker
from tanren.domain.errors import Conflict, ResourceNotFound
from tanren.domain.model_import_jobs import ImportJobStatus, ModelImportJob
from tanren.domain.pages import Page, PageRequest
from tanren.domain.quotas import NO_QUOTAS, Quotas
from tanren.domain.scope import Scope
from tanren.domain.tags import merged_tags
from tanren.storage.imported_models import ImportedModels
from tanren.storage.model_import_jobs import ModelImportJobs
from tanren.storage.resources import ListFilter
from tanren.storage.tags import replace_tags

MODEL_TAGS_MEMBER = "importedModelTags"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewModelImportJob:
    """What CreateModelImportJob asks for, shapes already checked."""

    job_name: str
    imported_model_name: str
    role_arn: str
    source_s3_uri: str
    client_request_token: str | None
    job_tags: Mapping[str, str] = field(default_factory=dict[str, str])
    model_tags: Mapping[str, str] = field(default_factory=dict[str, str])
    unsupported: tuple[str, ...] = ()
    """Members that were given and that tanren does not have; the request is refused by the first."""


class ModelImportJobControl:
    def __init__(
        self,
        jobs: ModelImportJobs,
        models: ImportedModels,
        *,
        clock: Clock,
        new_id: IdMaker,
        quotas: Quotas = NO_QUOTAS,
    ) -> None:
        self._jobs = jobs
        self._models = models
        self._clock = clock
        self._new_id = new_id
        self._quotas = quotas

    def create(self, scope: Scope, new: NewModelImportJob) -> str:
        """The job's ARN; the job is in the queue when this returns. The same token gives the same ARN."""
        refuse_unsupported(new.unsupported)
        check_service_role(scope, new.role_arn)
        job_id = self._new_id()
        arn = arns.model_import_job_arn(scope, job_id)
        now = self._clock()
        with self._jobs.database.writing() as connection:
            created = self._jobs.insert(
                connection,
                scope,
                {
                    "arn": arn,
                    "job_id": job_id,
                    "name": new.job_name,
                    "imported_model_name": new.imported_model_name,
                    "client_request_token": new.client_request_token,
                    "request_digest": request_digest(new),
                    "role_arn": new.role_arn,
                    "source_s3_uri": new.source_s3_uri,
                    "request": {MODEL_TAGS_MEMBER: merged_tags(arn, {}, new.model_tags)},
                    "status": ImportJobStatus.IN_PROGRESS,
                    "created_at": now,
                    "updated_at": now,
                    "attempt": 0,
                    "crash_count": 0,
                },
                also=lambda: self._check_room(connection, scope, new.imported_model_name),
            )
            if created == arn:
                replace_tags(connection, arn, merged_tags(arn, {}, new.job_tags))
        return created

    def get(self, scope: Scope, identifier: str) -> ModelImportJob:
        job = self._jobs.get(scope, identifier)
        if job is None:
            raise ResourceNotFound(
                f"There is no model import job '{identifier}' in account {scope.account_id}, region {scope.region}."
            )
        return job

    def page(self, scope: Scope, request: PageRequest, wanted: ListFilter) -> Page[ModelImportJob]:
        return self._jobs.page(scope, request, wanted)

    def _check_room(self, connection: Connection, scope: Scope, model_name: str) -> None:
        self._check_model_name(connection, scope, model_name)
        check_quotas(connection, scope, self._quotas, "imported_models")

    def _check_model_name(self, connection: Connection, scope: Scope, name: str) -> None:
        if self._models.find(connection, scope, name) is not None:
            raise Conflict(f"An imported model named '{name}' already exists; choose another importedModelName.")
        if self._jobs.is_model_name_reserved(connection, scope, name):
            raise Conflict(f"A running job will import a model named '{name}'; choose another importedModelName.")
