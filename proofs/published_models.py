"""Custom models without their training: an adapter's folder put into a running server's stores, as a job's end puts it.

The row and the folder are written by the server's own code (`storage/`); what is proved of them is how they answer.
"""

from datetime import UTC, datetime
from pathlib import Path

from tanren.catalog.weights import Weights
from tanren.domain import arns
from tanren.domain.clock import new_resource_id
from tanren.domain.custom_models import CustomModel, CustomModelStatus
from tanren.domain.scope import Scope
from tanren.domain.weights import BINDING_MEMBER
from tanren.serving.client import EngineClient
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.custom_models import CustomModels
from tanren.storage.database import Database, sqlite_url
from tanren.storage.engine_hosts import EngineHosts, EngineHostStatus
from tests.service.servers import Server


class PublishedModels:
    """One server's stores, opened beside it."""

    def __init__(self, server: Server, *, foundation_model_id: str, weights: Weights) -> None:
        self._database = Database(sqlite_url(server.data_dir / "tanren.db"))
        self._models = CustomModels(self._database)
        self._artifacts = ArtifactStore(server.data_dir / "artifacts")
        self._scope = Scope(account_id=server.keys.account_id, region=server.keys.region)
        self._foundation_model_id = foundation_model_id
        self._weights = weights

    def publish(self, name: str, adapter_folder: Path, *, sha256: str) -> str:
        """The model's ARN; it answers from now on."""
        model_id = new_resource_id()
        path = self._artifacts.custom_model_path(self._scope, model_id, 1)
        self._artifacts.publish(adapter_folder, path)
        model = CustomModel(
            scope=self._scope,
            model_id=model_id,
            model_arn=arns.custom_model_arn(self._scope, self._foundation_model_id, model_id),
            model_name=name,
            status=CustomModelStatus.ACTIVE,
            job_arn=None,
            job_name=None,
            base_model_arn=arns.foundation_model_arn(self._scope.region, self._foundation_model_id),
            foundation_model_id=self._foundation_model_id,
            customization_type="FINE_TUNING",
            hyperparameters={},
            request={BINDING_MEMBER: self._weights.bound().to_json()},
            artifact_path=path,
            artifact_sha256=sha256,
            training_loss=None,
            validation_losses=(),
            created_at=datetime.now(UTC),
        )
        with self._database.writing() as connection:
            self._models.add(connection, self._scope, model)
        return model.model_arn

    def engine(self) -> EngineClient:
        """The host of the one base that is in memory."""
        (host,) = (each for each in EngineHosts(self._database).every() if each.status is EngineHostStatus.READY)
        return EngineClient(host.socket_path)

    def close(self) -> None:
        self._database.close()
