"""The rules of custom models: how they are found, and when they may be deleted."""

from sqlalchemy import Connection

from tanren.domain.custom_models import CustomModel
from tanren.domain.customization_jobs import JobStatus
from tanren.domain.errors import Conflict, ResourceNotFound
from tanren.domain.model_invocation_jobs import CLAIMABLE
from tanren.domain.pages import Page, PageRequest
from tanren.domain.scope import Scope
from tanren.domain.weights import BINDING_MEMBER
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.custom_model_deployments import CustomModelDeployments
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.engine_hosts import EngineHosts
from tanren.storage.model_invocation_jobs import ModelInvocationJobs
from tanren.storage.provisioned_throughputs import ProvisionedThroughputs
from tanren.storage.resources import ListFilter
from tanren.storage.tags import replace_tags


class CustomModelControl:
    def __init__(
        self,
        models: CustomModels,
        jobs: CustomizationJobs,
        throughputs: ProvisionedThroughputs,
        deployments: CustomModelDeployments,
        artifacts: ArtifactStore,
        hosts: EngineHosts,
    ) -> None:
        self._hosts = hosts
        self._models = models
        self._jobs = jobs
        self._throughputs = throughputs
        self._deployments = deployments
        self._invocation_jobs = ModelInvocationJobs(models.database)
        self._artifacts = artifacts

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
        with self._models.database.writing() as connection:
            users = self._users(connection, model)
            if users:
                raise Conflict(
                    f"Custom model '{model.model_name}' is in use by {', '.join(users)}; delete these first."
                )
            self._models.remove(connection, model.model_arn)
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
        # A model that was trained from this one holds the whole adapter itself, so it does not keep its parent; unless
        # this one is whole weights, which are then the base of that adapter.
        using += [
            other.model_arn
            for other in self._models.having(connection)
            if other.request.get(BINDING_MEMBER, {}).get("artifactPath") == model.artifact_path
        ]
        return using
