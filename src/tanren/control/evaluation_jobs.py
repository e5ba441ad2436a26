"""The rules of evaluation jobs: which may be created, how they are found, stopped and deleted.

Whether the data sets can be used is the job's own first phase (`workflows/evaluation.py`), as on AWS.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tanren.catalog.inference_profiles import find_inference_profile
from tanren.control.evaluation_plans import check_plan
from tanren.control.job_stops import stop_job
from tanren.control.model_references import refer
from tanren.control.quotas import check_quotas
from tanren.control.request_digests import request_digest
from tanren.control.service_roles import check_service_role
from tanren.control.unsupported_members import refuse_unsupported
from tanren.domain import arns
from tanren.domain.clock import Clock, IdMaker
from tanren.domain.errors import Conflict, ResourceNotFound
from tanren.domain.evaluation_jobs import ApplicationType, EvaluationJob, EvaluationJobStatus
from tanren.domain.evaluation_plans import EvaluationPlan, plan_of
from tanren.domain.model_lines import check_judge
from tanren.domain.pages import Page, PageRequest
from tanren.domain.quotas import NO_QUOTAS, Quotas
from tanren.domain.scope import Scope
from tanren.domain.tags import merged_tags
from tanren.storage.custom_model_deployments import CustomModelDeployments
from tanren.storage.custom_models import CustomModels
from tanren.storage.evaluation_jobs import EvaluationJobs
from tanren.storage.imported_models import ImportedModels
from tanren.storage.provisioned_throughputs import ProvisionedThroughputs
from tanren.storage.resources import ListFilter
from tanren.storage.tags import replace_tags


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvaluationJob:
    """What CreateEvaluationJob asks for, shapes already checked."""

    job_name: str
    role_arn: str
    application_type: str
    request: Mapping[str, Any]
    """`evaluationConfig`, `inferenceConfig`, `outputDataConfig` and, if given, `jobDescription`, as they came."""
    client_request_token: str | None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    unsupported: tuple[str, ...] = ()
    """Members that were given and that tanren does not have; the request is refused by the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletions:
    """What has become of the jobs that were to be deleted."""

    deleted: Sequence[str]
    """ARNs."""
    refused: Mapping[str, ResourceNotFound | Conflict]
    """By ARN."""


class EvaluationJobControl:
    def __init__(
        self,
        jobs: EvaluationJobs,
        models: CustomModels,
        imported_models: ImportedModels,
        throughputs: ProvisionedThroughputs,
        deployments: CustomModelDeployments,
        *,
        clock: Clock,
        new_id: IdMaker,
        quotas: Quotas = NO_QUOTAS,
    ) -> None:
        self._jobs = jobs
        self._models = models
        self._imported_models = imported_models
        self._throughputs = throughputs
        self._deployments = deployments
        self._clock = clock
        self._new_id = new_id
        self._quotas = quotas

    def create(self, scope: Scope, new: NewEvaluationJob) -> str:
        """The job's ARN; the job is in the queue when this returns. The same token gives the same ARN."""
        refuse_unsupported(new.unsupported)
        plan = plan_of(new.request)
        check_plan(plan)
        check_service_role(scope, new.role_arn)
        meant = {identifier: self._meant(scope, identifier) for identifier in plan.asked()}
        _check_judges(plan, meant)
        model_arns = {identifier: model.arn for identifier, model in meant.items()}
        job_id = self._new_id()
        arn = arns.evaluation_job_arn(scope, job_id)
        now = self._clock()
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
                    "application_type": ApplicationType(new.application_type),
                    "request": dict(new.request),
                    "model_arns": model_arns,
                    "status": EvaluationJobStatus.IN_PROGRESS,
                    "failure_messages": [],
                    "created_at": now,
                    "updated_at": now,
                    "attempt": 0,
                    "crash_count": 0,
                },
                also=lambda: check_quotas(connection, scope, self._quotas, "evaluation_jobs"),
            )
            if created == arn:
                replace_tags(connection, arn, merged_tags(arn, {}, new.tags))
        return created

    def get(self, scope: Scope, identifier: str) -> EvaluationJob:
        job = self._jobs.get(scope, identifier)
        if job is None:
            raise _not_found(scope, identifier)
        return job

    def page(self, scope: Scope, request: PageRequest, wanted: ListFilter) -> Page[EvaluationJob]:
        return self._jobs.page(scope, request, wanted)

    def stop(self, scope: Scope, identifier: str) -> None:
        """The job is Stopping when this returns, and a worker ends it. One that no worker has ever had is Stopped at
        once. Stopping a stopping job changes nothing."""
        arn = self.get(scope, identifier).job_arn
        stopping, stopped = EvaluationJobStatus.STOPPING, EvaluationJobStatus.STOPPED
        stop_job(self._jobs, arn, identifier, stopping=stopping, stopped=stopped, at=self._clock())

    def delete(self, scope: Scope, identifiers: Sequence[str]) -> Deletions:
        """Each job that has ended is gone when this returns, with its tags and events; its results in S3 stay."""
        deleted: list[str] = []
        refused: dict[str, ResourceNotFound | Conflict] = {}
        for identifier in dict.fromkeys(identifiers):
            with self._jobs.database.writing() as connection:
                job = self._jobs.find(connection, scope, identifier)
                if job is None:
                    refused[identifier] = _not_found(scope, identifier)
                elif self._jobs.delete_ended(connection, job):
                    replace_tags(connection, job.job_arn, {})
                    deleted.append(identifier)
                else:
                    refused[identifier] = Conflict(
                        f"Job '{identifier}' is {job.status}; only one that is Completed, Failed or Stopped can be "
                        "deleted. Stop it first: StopEvaluationJob."
                    )
        return Deletions(deleted=deleted, refused=refused)

    def _meant(self, scope: Scope, identifier: str) -> "_Meant":
        """Whatever can be invoked. Raises ResourceNotFound, ValidationFailed."""
        profile = find_inference_profile(scope, identifier)
        if profile is not None:
            return self._led_to(scope, profile.arn, profile.model_arn)
        throughput = self._throughputs.get(scope, identifier)
        if throughput is not None:
            return self._led_to(scope, throughput.provisioned_arn, throughput.model_arn)
        deployment = self._deployments.get(scope, identifier)
        if deployment is not None:
            return self._led_to(scope, deployment.deployment_arn, deployment.model_arn)
        arn = arns.parse_arn(identifier)
        if arn is not None and arn.kind == arns.IMPORTED_MODEL:
            imported = self._imported_models.get(scope, identifier)
            if imported is None:
                raise ResourceNotFound(
                    f"There is no imported model '{identifier}' in account {scope.account_id}, region {scope.region}."
                )
            # Of what was imported no family is known.
            return _Meant(arn=imported.model_arn, foundation_id=None, is_tuned=False)
        model = refer(self._models, scope, identifier)
        return self._led_to(scope, model.arn, model.arn)

    def _led_to(self, scope: Scope, arn: str, model_arn: str) -> "_Meant":
        model = refer(self._models, scope, model_arn)
        return _Meant(arn=arn, foundation_id=model.foundation.model_id, is_tuned=model.custom is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meant:
    """What an identifier in the request leads to."""

    arn: str
    foundation_id: str | None
    """At the root; None where nothing is known of it."""
    is_tuned: bool


def _check_judges(plan: EvaluationPlan, meant: Mapping[str, _Meant]) -> None:
    """Raises ValidationFailed where a judge is of the line of a tuned model that it would judge.

    Between models that nobody has tuned it is the caller's choice, as on AWS; events and summary tell of it.
    """
    tuned = {name: meant[name].foundation_id for name in plan.evaluated() if meant[name].is_tuned}
    for judge in plan.judges():
        for name, root in tuned.items():
            judge_root = meant[judge].foundation_id
            if root is not None and judge_root is not None:
                check_judge([judge, judge_root], [name, root])


def _not_found(scope: Scope, identifier: str) -> ResourceNotFound:
    return ResourceNotFound(
        f"There is no evaluation job '{identifier}' in account {scope.account_id}, region {scope.region}. Give its "
        "ARN; ListEvaluationJobs lists them."
    )
