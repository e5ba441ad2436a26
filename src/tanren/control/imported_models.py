"""The rules of imported models: how they are found, and what deleting one takes along.

Nothing is built on an imported model, as on AWS: it is asked by its own ARN, and neither a throughput, a deployment, a
customization nor a batch job can name it (`control/model_references.py`). So nothing keeps one from being deleted.
"""

from tanren.domain.errors import ResourceNotFound
from tanren.domain.imported_models import ImportedModel
from tanren.domain.pages import Page, PageRequest
from tanren.domain.scope import Scope
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.engine_hosts import EngineHosts
from tanren.storage.imported_models import ImportedModels
from tanren.storage.resources import ListFilter
from tanren.storage.tags import replace_tags


class ImportedModelControl:
    def __init__(self, models: ImportedModels, artifacts: ArtifactStore, hosts: EngineHosts) -> None:
        self._models = models
        self._artifacts = artifacts
        self._hosts = hosts

    def get(self, scope: Scope, identifier: str) -> ImportedModel:
        model = self._models.get(scope, identifier)
        if model is None:
            raise ResourceNotFound(
                f"There is no imported model '{identifier}' in account {scope.account_id}, region {scope.region}."
            )
        return model

    def page(self, scope: Scope, request: PageRequest, wanted: ListFilter) -> Page[ImportedModel]:
        return self._models.page(scope, request, wanted)

    def delete(self, scope: Scope, identifier: str) -> None:
        """Row, tags and weights are gone, and the engine host that held them ends."""
        model = self.get(scope, identifier)
        with self._models.database.writing() as connection:
            self._models.remove(connection, model.model_arn)
            replace_tags(connection, model.model_arn, {})
        # Without its row the supervisor ends the host.
        self._hosts.forget(str(self._artifacts.resolve(model.artifact_path)))
        self._artifacts.remove(model.artifact_path)
