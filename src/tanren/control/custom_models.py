"""The rules of custom models: how one is brought from elsewhere, how they are found, and when they may be deleted.

What the folder of CreateCustomModel holds is looked at by a worker (`workflows/custom_model_target.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from tanren.control.model_names import check_model_name
from tanren.control.quotas import check_quotas
from tanren.control.request_digests import request_digest
from tanren.control.service_roles import check_service_role
from tanren.control.unsupported_members import refuse_unsupported
from tanren.domain import arns
from tanren.domain.clock import Clock, IdMaker
from tanren.domain.custom_models import ROLE_MEMBER, SOURCE_MEMBER, CustomModel, CustomModelStatus
from tanren.domain.customization_jobs import JobStatus
from tanren.domain.errors import Conflict, ResourceNotFound
from tanren.domain.model_copy_jobs import CopyJobStatus
from tanren.domain.model_invocation_jobs import CLAIMABLE
from tanren.domain.pages import Page, PageRequest
from tanren.domain.quotas import NO_QUOTAS, Quotas
from tanren.domain.scope import Scope
from tanren.domain.tags import merged_tags
from tanren.domain.weights import BINDING_MEMBER
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.custom_model_deployments import CustomModelDeployments
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.engine_hosts import EngineHosts
from tanren.storage.evaluation_jobs import EvaluationJobs
from tanren.storage.model_copy_jobs import ModelCopyJobs
from tanren.storage.model_invocation_jobs import ModelInvocationJobs
from tanren.storage.provisioned_throughputs import ProvisionedThroughputs
from tanren.storage.resource_policies import ResourcePolicies
from tanren.storage.resources import ListFilter
from tanren.storage.tags import replace_tags

IMPORTED_TYPE = "IMPORTED"
"""The customizationType of a model that no job of tanren's has trained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCustomModel:
    """What CreateCustomModel asks for, shapes already checked."""

    model_name: str
    source_s3_uri: str
    role_arn: str | None
    client_request_token: str | None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    unsupported: tuple[str, ...] = ()
    """Members that were given and that tanren does not have; the request is refused by the first."""


class CustomModelControl:
    def __init__(
        self,
        models: CustomModels,
        jobs: CustomizationJobs,
        throughputs: ProvisionedThroughputs,
        deployments: CustomModelDeployments,
        artifacts: ArtifactStore,
        hosts: EngineHosts,
        *,
        clock: Clock,
        new_id: IdMaker,
        quotas: Quotas = NO_QUOTAS,
    ) -> None:
        self._clock = clock
        self._new_id = new_id
        self._quotas = quotas
        self._hosts = hosts
        self._models = models
        self._jobs = jobs
        self._throughputs = throughputs
        self._deployments = deployments
        self._invocation_jobs = ModelInvocationJobs(models.database)
        self._evaluation_jobs = EvaluationJobs(models.database)
        self._copies = ModelCopyJobs(models.database)
        self._policies = ResourcePolicies(models.database)
        self._artifacts = artifacts

    def create(self, scope: Scope, new: NewCustomModel) -> str:
        """The ARN of a model that is Creating, for a worker to fetch. The same token gives the same ARN."""
        refuse_unsupported(new.unsupported)
        if new.role_arn is not None:
            check_service_role(scope, new.role_arn)
        model_id = self._new_id()
        model = CustomModel(
            scope=scope,
            model_id=model_id,
            model_arn=arns.custom_model_arn(scope, arns.IMPORTED, model_id),
            model_name=new.model_name,
            status=CustomModelStatus.CREATING,
            job_arn=None,
            job_name=None,
            base_model_arn=None,
            foundation_model_id=arns.IMPORTED,
            customization_type=IMPORTED_TYPE,
            hyperparameters={},
            request={SOURCE_MEMBER: {"s3DataSource": {"s3Uri": new.source_s3_uri}}, ROLE_MEMBER: new.role_arn},
            artifact_path=self._artifacts.custom_model_path(scope, model_id, 0),
            artifact_sha256="",
            training_loss=None,
            validation_losses=(),
            created_at=self._clock(),
        )
        tags = merged_tags(model.model_arn, {}, new.tags)
        with self._models.database.writing() as connection:
            created = self._models.add(
                connection,
                scope,
                model,
                client_request_token=new.client_request_token,
                request_digest=request_digest(new),
                also=lambda: self._check_room(connection, scope, new.model_name),
            )
            if created == model.model_arn:
                replace_tags(connection, created, tags)
        return created

    def _check_room(self, connection: Connection, scope: Scope, name: str) -> None:
        check_model_name(connection, scope, name, member="modelName")
        check_quotas(connection, scope, self._quotas, "custom_models")

    def get(self, scope: Scope, identifier: str) -> CustomModel:
        model = self._models.get(scope, self._models.name_or_arn(scope, identifier))
        if model is None:
            raise ResourceNotFound(
                f"There is no custom model '{identifier}' in account {scope.account_id}, region {scope.region}."
            )
        return model

    def page(self, scope: Scope, request: PageRequest, wanted: ListFilter) -> Page[CustomModel]:
        return self._models.page(scope, request, wanted)

    def delete(self, scope: Scope, identifier: str) -> None:
        """Row, tags and weights are gone. Raises Conflict while anything answers with the model or trains from it."""
        model = self.get(scope, identifier)
        if model.status is CustomModelStatus.CREATING:
            raise Conflict(f"Custom model '{model.model_name}' is Creating; delete it when it is Active or Failed.")
        with self._models.database.writing() as connection:
            users = self._users(connection, model)
            if users:
                raise Conflict(
                    f"Custom model '{model.model_name}' is in use by {', '.join(users)}; delete these first."
                )
            self._models.remove(connection, model.model_arn)
            self._policies.remove(connection, model.model_arn)
            replace_tags(connection, model.model_arn, {})
        # Full fine-tuning gave the model an engine host of its own; without its row the supervisor ends it.
        self._hosts.forget(str(self._artifacts.resolve(model.artifact_path)))
        self._artifacts.remove(model.artifact_path)

    def _users(self, connection: Connection, model: CustomModel) -> list[str]:
        throughputs, deployments, jobs = self._throughputs.table.c, self._deployments.table.c, self._jobs.table.c
        arn = model.model_arn
        using = [
            t.provisioned_arn
            for t in self._throughputs.having(
                connection, (throughputs.model_arn == arn) | (throughputs.desired_model_arn == arn)
            )
        ]
        using += [
            d.deployment_arn
            for d in self._deployments.having(
                connection, (deployments.model_arn == arn) | (deployments.update_model_arn == arn)
            )
        ]
        running = jobs.status.in_([JobStatus.IN_PROGRESS, JobStatus.STOPPING])
        using += [job.job_arn for job in self._jobs.having(connection, jobs.base_model_arn == arn, running)]
        batches = self._invocation_jobs.table.c
        asking = (batches.model_arn == arn) & batches.status.in_(CLAIMABLE)
        using += [job.job_arn for job in self._invocation_jobs.having(connection, asking)]
        using += [job.job_arn for job in self._evaluation_jobs.asking(connection, arn)]
        copies = self._copies.table.c
        copying = (copies.source_model_arn == arn) & (copies.status == CopyJobStatus.IN_PROGRESS)
        using += [_named(job.job_arn, job.scope, model) for job in self._copies.having(connection, copying)]
        # A model that was trained from this one holds the whole adapter itself, so it does not keep its parent; unless
        # this one is whole weights, which are then the base of that adapter.
        using += [
            _named(other.model_arn, other.scope, model)
            for other in self._models.having(connection)
            if other.request.get(BINDING_MEMBER, {}).get("artifactPath") == model.artifact_path
        ]
        return using


def _named(arn: str, scope: Scope, model: CustomModel) -> str:
    """What depends on it, as the model's owner may know it: by ARN, or by the account that has copied from it."""
    return arn if scope.account_id == model.scope.account_id else f"a copy of account {scope.account_id}"
