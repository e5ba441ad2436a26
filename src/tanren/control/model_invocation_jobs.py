"""The rules of model invocation jobs (batch inference): which may be created, how they are found, when they may stop.

Whether the input can be used is the job's own first phase (`workflows/batch_inference.py`), as on AWS.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tanren.control.job_stops import stop_job
from tanren.control.model_references import refer
from tanren.control.quotas import check_quotas
from tanren.control.request_digests import request_digest
from tanren.control.service_roles import check_service_role
from tanren.control.unsupported_members import refuse_unsupported
from tanren.domain import arns
from tanren.domain.clock import Clock, IdMaker
from tanren.domain.errors import NotImplementedHere, ResourceNotFound, ValidationFailed
from tanren.domain.model_invocation_jobs import (
    DEFAULT_TIMEOUT_HOURS,
    InvocationJobStatus,
    InvocationType,
    ModelInvocationJob,
    RecordCounts,
)
from tanren.domain.pages import Page, PageRequest
from tanren.domain.quotas import NO_QUOTAS, Quotas
from tanren.domain.scope import Scope
from tanren.domain.tags import merged_tags
from tanren.storage.custom_model_deployments import CustomModelDeployments
from tanren.storage.custom_models import CustomModels
from tanren.storage.model_invocation_jobs import ModelInvocationJobs, count_columns
from tanren.storage.resources import ListFilter
from tanren.storage.tags import replace_tags


@dataclass(frozen=True, slots=True, kw_only=True)
class NewModelInvocationJob:
    """What CreateModelInvocationJob asks for, shapes already checked."""

    job_name: str
    role_arn: str
    model_identifier: str
    invocation_type: str
    input_s3_uri: str
    output_s3_uri: str
    bucket_owners: tuple[str, ...]
    """Accounts that the request says the buckets belong to."""
    timeout_hours: int | None
    client_request_token: str | None
    echoed: Mapping[str, Any]
    """`inputDataConfig` and `outputDataConfig` as they came, for Get."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    unsupported: tuple[str, ...] = ()
    """Members that were given and that tanren does not have; the request is refused by the first."""


class ModelInvocationJobControl:
    def __init__(
        self,
        jobs: ModelInvocationJobs,
        models: CustomModels,
        deployments: CustomModelDeployments,
        *,
        clock: Clock,
        new_id: IdMaker,
        quotas: Quotas = NO_QUOTAS,
    ) -> None:
        self._jobs = jobs
        self._models = models
        self._deployments = deployments
        self._clock = clock
        self._new_id = new_id
        self._quotas = quotas

    def create(self, scope: Scope, new: NewModelInvocationJob) -> str:
        """The job's ARN; the job is in the queue when this returns. The same token gives the same ARN."""
        self._check(scope, new)
        model_arn = self._model_arn(scope, new.model_identifier)
        job_id = self._new_id()
        arn = arns.model_invocation_job_arn(scope, job_id)
        now = self._clock()
        hours = new.timeout_hours or DEFAULT_TIMEOUT_HOURS
        with self._jobs.database.writing() as connection:
            created = self._jobs.insert(
                connection,
                scope,
                {
                    "arn": arn,
                    "job_id": job_id,
                    "name": new.job_name,
                    "client_request_token": new.client_request_token,
                    "request_digest": request_digest(new),
                    "role_arn": new.role_arn,
                    "model_id": new.model_identifier,
                    "model_arn": model_arn,
                    "invocation_type": InvocationType(new.invocation_type),
                    "input_s3_uri": new.input_s3_uri,
                    "output_s3_uri": new.output_s3_uri,
                    "request": dict(new.echoed),
                    "status": InvocationJobStatus.SUBMITTED,
                    **count_columns(RecordCounts()),
                    "timeout_hours": hours,
                    "expires_at": now + timedelta(hours=hours),
                    "created_at": now,
                    "updated_at": now,
                    "attempt": 0,
                    "crash_count": 0,
                },
                also=lambda: check_quotas(connection, scope, self._quotas, "batch_jobs"),
            )
            if created == arn:
                replace_tags(connection, arn, merged_tags(arn, {}, new.tags))
        return created

    def get(self, scope: Scope, identifier: str) -> ModelInvocationJob:
        job = self._jobs.get(scope, identifier)
        if job is None:
            raise ResourceNotFound(
                f"There is no model invocation job '{identifier}' in account {scope.account_id}, region "
                f"{scope.region}. Give its ARN or the twelve characters at its end; names are not looked up."
            )
        return job

    def page(self, scope: Scope, request: PageRequest, wanted: ListFilter) -> Page[ModelInvocationJob]:
        return self._jobs.page(scope, request, wanted)

    def stop(self, scope: Scope, identifier: str) -> None:
        """The job is Stopping when this returns, and a worker ends it and writes what has been answered. One that no
        worker has ever had is Stopped at once. Stopping a stopping job changes nothing."""
        arn = self.get(scope, identifier).job_arn
        stopping, stopped = InvocationJobStatus.STOPPING, InvocationJobStatus.STOPPED
        stop_job(self._jobs, arn, identifier, stopping=stopping, stopped=stopped, at=self._clock())

    def _model_arn(self, scope: Scope, identifier: str) -> str:
        """Of a deployment, a custom model or a foundation model. Raises ResourceNotFound."""
        deployment = self._deployments.get(scope, identifier)
        return refer(self._models, scope, identifier).arn if deployment is None else deployment.deployment_arn

    def _check(self, scope: Scope, new: NewModelInvocationJob) -> None:
        refuse_unsupported(new.unsupported)
        for owner in new.bucket_owners:
            if owner != scope.account_id:
                raise NotImplementedHere(
                    f"s3BucketOwner is {owner}, the request is of account {scope.account_id}: buckets of other "
                    "accounts are not implemented by tanren. Leave s3BucketOwner out, or give your own account."
                )
        if new.input_s3_uri.count("/") < 3 or not new.input_s3_uri.split("/", 3)[3]:
            raise ValidationFailed(
                f"inputDataConfig s3Uri {new.input_s3_uri} is a whole bucket; give the S3 URI of a .jsonl file, or of "
                "a folder of them: s3://bucket/folder/"
            )
        check_service_role(scope, new.role_arn)
