"""The rules of on-demand deployments of custom models.

A new deployment is `Creating`; the provisioner (`runtime/provisioning.py`) makes it `Active` once the model answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tanren.control.expiry_tags import note_ttl
from tanren.control.model_references import refer
from tanren.control.quotas import check_quotas
from tanren.control.request_digests import request_digest
from tanren.domain import arns
from tanren.domain.clock import Clock, IdMaker
from tanren.domain.custom_model_deployments import CustomModelDeployment, DeploymentStatus, UpdateStatus
from tanren.domain.errors import Conflict, ResourceNotFound, ValidationFailed
from tanren.domain.pages import Page, PageRequest
from tanren.domain.quotas import NO_QUOTAS, Quotas
from tanren.domain.scope import Scope
from tanren.domain.tags import merged_tags
from tanren.storage.custom_model_deployments import CustomModelDeployments
from tanren.storage.custom_models import CustomModels
from tanren.storage.resources import ListFilter
from tanren.storage.tags import replace_tags


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDeployment:
    name: str
    model_identifier: str
    description: str | None
    client_request_token: str | None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


class CustomModelDeploymentControl:
    def __init__(
        self,
        deployments: CustomModelDeployments,
        models: CustomModels,
        *,
        clock: Clock,
        new_id: IdMaker,
        quotas: Quotas = NO_QUOTAS,
    ) -> None:
        self._deployments = deployments
        self._models = models
        self._clock = clock
        self._new_id = new_id
        self._quotas = quotas

    def create(self, scope: Scope, new: NewDeployment) -> str:
        model = refer(self._models, scope, new.model_identifier)
        if model.custom is None:
            raise ValidationFailed(
                f"modelArn must be a custom model; {new.model_identifier} is a base model, which needs no deployment."
            )
        deployment_id = self._new_id()
        arn = arns.custom_model_deployment_arn(scope, deployment_id)
        now = self._clock()
        with self._deployments.database.writing() as connection:
            created = self._deployments.insert(
                connection,
                scope,
                {
                    "arn": arn,
                    "deployment_id": deployment_id,
                    "name": new.name,
                    "client_request_token": new.client_request_token,
                    "request_digest": request_digest(new),
                    "description": new.description,
                    "model_arn": model.arn,
                    "foundation_model_id": model.foundation.model_id,
                    "status": DeploymentStatus.CREATING,
                    "created_at": now,
                    "updated_at": now,
                },
                also=lambda: check_quotas(connection, scope, self._quotas, "custom_model_deployments"),
            )
            if created == arn:
                replace_tags(connection, arn, merged_tags(arn, {}, new.tags))
                note_ttl(connection, arn, new.tags, at=now)
        return created

    def get(self, scope: Scope, identifier: str) -> CustomModelDeployment:
        found = self._deployments.get(scope, identifier)
        if found is None:
            raise ResourceNotFound(
                f"There is no custom model deployment '{identifier}' in account {scope.account_id}, "
                f"region {scope.region}."
            )
        return found

    def page(self, scope: Scope, request: PageRequest, wanted: ListFilter) -> Page[CustomModelDeployment]:
        return self._deployments.page(scope, request, wanted)

    def update(self, scope: Scope, identifier: str, *, model_identifier: str) -> str:
        """The ARN; the new model answers when the provisioner has loaded it, the old one until then."""
        deployment = self.get(scope, identifier)
        model = refer(self._models, scope, model_identifier)
        if model.custom is None or model.foundation.model_id != deployment.foundation_model_id:
            raise ValidationFailed(
                f"modelArn must be a custom model based on {deployment.foundation_model_id}, as the deployment's is."
            )
        columns = self._deployments.table.c
        with self._deployments.database.writing() as connection:
            changed = self._deployments.change(
                connection,
                deployment.deployment_arn,
                columns.status == DeploymentStatus.ACTIVE,
                columns.update_status.is_(None) | (columns.update_status != UpdateStatus.UPDATING),
                update_model_arn=model.arn,
                update_status=UpdateStatus.UPDATING,
                updated_at=self._clock(),
            )
        if not changed:
            raise ValidationFailed(
                f"'{deployment.name}' is {deployment.status} and not idle; update it when it is Active."
            )
        return deployment.deployment_arn

    def delete(self, scope: Scope, identifier: str) -> None:
        deployment = self.get(scope, identifier)
        columns = self._deployments.table.c
        idle = columns.update_status.is_(None) | (columns.update_status != UpdateStatus.UPDATING)
        with self._deployments.database.writing() as connection:
            if not self._deployments.remove(connection, deployment.deployment_arn, idle):
                raise Conflict(f"'{deployment.name}' is being updated; delete it when the update is done.")
            replace_tags(connection, deployment.deployment_arn, {})
