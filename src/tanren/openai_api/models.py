"""GET /v1/models: all that answers under an id, in the caller's account and region.

Base models have Bedrock's ids; custom models, imported models and deployments their ARNs, as Bedrock's own API gives
them. Names, provisioned throughputs and inference profiles may be written as `model` too; the list has each once.
"""

import asyncio
from collections.abc import Iterator
from typing import Final, Protocol

from tanren.catalog.foundation_models import every_foundation_model, foundation_model
from tanren.domain import arns
from tanren.domain.custom_model_deployments import CustomModelDeployment, DeploymentStatus
from tanren.domain.custom_models import CustomModel, CustomModelStatus
from tanren.domain.errors import ModelNotReady, ResourceNotFound, ValidationFailed
from tanren.domain.imported_models import ImportedModel
from tanren.domain.scope import Scope
from tanren.openai_api.calls import Answer, Call, Json, epoch, json_answer
from tanren.openai_api.errors import InvalidParameter, UnknownModel
from tanren.storage.custom_model_deployments import CustomModelDeployments
from tanren.storage.custom_models import CustomModels
from tanren.storage.database import Database
from tanren.storage.imported_models import ImportedModels

UNKNOWN_TIME: Final = 0
"""`created` of a base model: nobody says when it was made."""

_LISTING: Final = ("ListFoundationModels", "ListCustomModels", "ListImportedModels", "ListCustomModelDeployments")
_GETTING: Final = {
    # Kind of a resource → the operation that tells of it, and its member.
    arns.CUSTOM_MODEL: ("GetCustomModel", "modelIdentifier"),
    arns.IMPORTED_MODEL: ("GetImportedModel", "modelIdentifier"),
    arns.CUSTOM_MODEL_DEPLOYMENT: ("GetCustomModelDeployment", "customModelDeploymentIdentifier"),
}


class Resolved(Protocol):
    @property
    def resource_arn(self) -> str: ...


class Resolving(Protocol):
    """What an id names; `runtime/placement.py` has it."""

    def resolve(self, scope: Scope, model_id: str) -> Resolved:
        """Raises   ResourceNotFound or ValidationFailed for what names nothing; ModelNotReady while it is made."""
        ...


class OpenAIModels:
    def __init__(self, database: Database, placement: Resolving) -> None:
        self._customs = CustomModels(database)
        self._imported = ImportedModels(database)
        self._deployments = CustomModelDeployments(database)
        self._placement = placement

    async def list_models(self, call: Call, _: str) -> Answer:
        if call.raw_query:
            raise InvalidParameter("The list of models has no parameters.", call.raw_query.partition("=")[0])
        for operation in _LISTING:
            await call.permit("bedrock", operation, {})
        models = await asyncio.to_thread(lambda: list(self._every(call.scope)))
        return json_answer({"object": "list", "data": models})

    async def get_model(self, call: Call, identifier: str) -> Answer:
        arn = await asyncio.to_thread(self._own_arn, call.scope, identifier)
        parsed = None if arn is None else arns.parse_arn(arn)
        operation, member = _GETTING.get(parsed.kind if parsed else "", ("GetFoundationModel", "modelIdentifier"))
        await call.permit("bedrock", operation, {member: arn or identifier})
        return json_answer(await asyncio.to_thread(self._described, call.scope, arn, identifier))

    async def check(self, scope: Scope, model_id: str) -> None:
        """Raises   UnknownModel, if nothing answers under the id."""

        def look() -> None:
            try:
                self._placement.resolve(scope, model_id)
            except ModelNotReady:
                return
            except (ResourceNotFound, ValidationFailed) as error:
                raise UnknownModel(str(error)) from error

        await asyncio.to_thread(look)

    def _every(self, scope: Scope) -> Iterator[Json]:
        """The newest of the account's own first, then base models."""
        own = [
            *self._customs.every_in(scope, self._customs.table.c.status == CustomModelStatus.ACTIVE),
            *self._imported.every_in(scope),
            *self._deployments.every_in(scope, self._deployments.table.c.status == DeploymentStatus.ACTIVE),
        ]
        for resource in sorted(own, key=lambda each: each.created_at, reverse=True):
            yield _own(resource)
        for model in every_foundation_model():
            yield _model(model.model_id, UNKNOWN_TIME, model.provider)

    def _own_arn(self, scope: Scope, identifier: str) -> str | None:
        """Of a resource of the account's that answers under the identifier; None for a base model, and for nothing."""
        try:
            arn = self._placement.resolve(scope, identifier).resource_arn
        except (ModelNotReady, ResourceNotFound, ValidationFailed):
            return None
        parsed = arns.parse_arn(arn)
        return arn if parsed is not None and parsed.kind in _GETTING else None

    def _described(self, scope: Scope, arn: str | None, identifier: str) -> Json:
        found = None
        if arn is not None:
            rows = (self._customs, self._imported, self._deployments)
            found = next((each for each in (table.get(scope, arn) for table in rows) if each is not None), None)
        if found is not None:
            return _own(found)
        parsed = arns.parse_arn(identifier)
        try:
            model = foundation_model(parsed.path if parsed is not None else identifier)
        except (ResourceNotFound, ValidationFailed) as error:
            raise UnknownModel(
                f"The model '{identifier}' does not exist, or does not answer yet. GET /v1/models lists those that do."
            ) from error
        return _model(model.model_id, UNKNOWN_TIME, model.provider)


def _own(resource: CustomModel | ImportedModel | CustomModelDeployment) -> Json:
    arn = resource.deployment_arn if isinstance(resource, CustomModelDeployment) else resource.model_arn
    return _model(arn, epoch(resource.created_at), resource.scope.account_id)


def _model(identifier: str, created: int, owner: str) -> Json:
    return {"id": identifier, "object": "model", "created": created, "owned_by": owner}
